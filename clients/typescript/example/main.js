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
  run = null;
  clear();
  try {
    const token = field("token").trim();
    run = new RunStore(new AuraClient({ baseUrl: field("server"), token, tenantId: tenantOf(token) }));
    run.subscribe(show);
    run.attach();
    run.start(field("prompt"));
  } catch (error) {
    fail(error);
  }
});
byId("cancel").addEventListener("click", () => run?.cancel().catch(fail));
byId("approve").addEventListener("click", () => {
  try {
    const changed = args.value === asked.args ? {} : { args: JSON.parse(args.value) };
    run?.approve({ requestId: asked.requestId, ...changed }).catch(fail);
  } catch (error) {
    fail(error);
  }
});
byId("reject").addEventListener("click", () => run?.reject({ requestId: asked.requestId, reason: reason.value }).catch(fail));

/** The page reads who it is out of the token; the server checks it. @param {string} token */
function tenantOf(token) {
  try {
    const [, claims = ""] = token.split(".");
    const { tenant_id } = JSON.parse(atob(claims.replaceAll("-", "+").replaceAll("_", "/")));
    if (tenant_id !== undefined) return String(tenant_id);
  } catch {
    // Neither is what does not say who it is.
  }
  throw new Error("this is no token: paste what `serve --dev` or `token` has printed, all of it");
}

/** The request that is shown, and its arguments as they are. */
let asked = { requestId: "", args: "" };

/** Nothing of another run is left on the page. */
function clear() {
  for (const id of ["status", "steps", "answer"]) byId(id).replaceChildren();
  byId("approval").hidden = true;
  reason.value = "";
}

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
  if (pendingApproval === null || pendingApproval.requestId === asked.requestId) return;
  byId("question").textContent = pendingApproval.message;
  byId("preview").textContent = pendingApproval.preview?.content ?? "";
  const { requestId, context, contextBytes } = pendingApproval;
  ask(requestId, context);
  // What was cut can be changed once all of it is there.
  args.readOnly = contextBytes !== undefined;
  if (args.readOnly) askWhole(run, requestId).catch(fail);
}

/** @param {string} requestId @param {unknown} context */
function ask(requestId, context) {
  args.value = JSON.stringify(context, null, 2);
  asked = { requestId, args: args.value };
}

/** @param {RunStore} of @param {string} requestId */
async function askWhole(of, requestId) {
  const { context } = await of.client.approvals.get(requestId);
  if (asked.requestId !== requestId) return;
  ask(requestId, context);
  args.readOnly = false;
}

const fail = (/** @type {unknown} */ error) => (byId("status").textContent = String(error));
