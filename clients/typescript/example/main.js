/** Asks, shows steps and answer as they come, and lets a person approve, change or reject. */

import { AuraClient, RunStore } from "../dist/index.js";

/** @template {HTMLElement} E @param {string} id @returns {E} */
const byId = (id) => /** @type {E} */ (document.getElementById(id));
const form = /** @type {HTMLFormElement} */ (byId("ask"));
const args = /** @type {HTMLTextAreaElement} */ (byId("args"));
const reason = /** @type {HTMLInputElement} */ (byId("reason"));
const field = (/** @type {string} */ name) => String(new FormData(form).get(name));

/** @type {RunStore | null} */
let run = null;

form.addEventListener("submit", (event) => {
  event.preventDefault();
  run?.detach();
  const token = field("token");
  // The page reads who it is out of the token; the server checks it.
  const [, claims = ""] = token.split(".");
  const { tenant_id } = JSON.parse(atob(claims.replaceAll("-", "+").replaceAll("_", "/")));
  run = new RunStore(new AuraClient({ baseUrl: field("server"), token, tenantId: String(tenant_id) }));
  run.subscribe(show);
  run.attach();
  run.start(field("prompt"));
});
byId("cancel").addEventListener("click", () => run?.cancel().catch(fail));
byId("approve").addEventListener("click", () => {
  const asked = run?.snapshot().pendingApproval;
  try {
    const isChanged = args.value !== written(asked?.context);
    run?.approve(isChanged ? { args: JSON.parse(args.value) } : {}).catch(fail);
  } catch (error) {
    fail(error);
  }
});
byId("reject").addEventListener("click", () => run?.reject({ reason: reason.value }).catch(fail));

/** @type {string | undefined} */
let shownRequest;

function show() {
  if (run === null) return;
  const { status, plan, tools, answer, pendingApproval, failure, error } = run.snapshot();
  byId("status").textContent = error?.message ?? (failure === null ? status : `${status}: ${failure.error}`);
  const lines = [
    ...plan.map((step) => `${step.title}: ${step.status}`),
    ...tools.map((tool) => `${tool.toolName} ${JSON.stringify(tool.toolArgs)}: ${tool.status}`),
  ];
  // As text, never as HTML: it comes from a model and from tools.
  byId("steps").replaceChildren(
    ...lines.map((line) => Object.assign(document.createElement("li"), { textContent: line })),
  );
  byId("answer").textContent = answer;
  byId("approval").hidden = pendingApproval === null;
  if (pendingApproval === null || pendingApproval.requestId === shownRequest) return;
  shownRequest = pendingApproval.requestId;
  byId("question").textContent = pendingApproval.message;
  byId("preview").textContent = pendingApproval.preview?.content ?? "";
  args.value = written(pendingApproval.context);
}

const written = (/** @type {unknown} */ value) => JSON.stringify(value, null, 2);
const fail = (/** @type {unknown} */ error) => (byId("status").textContent = String(error));
