/** Asks, shows steps and answer as they come, and lets a person approve, change or reject. */

import { AuraClient, RunStore } from "../dist/index.js";

/** @template {HTMLElement} E @param {string} id @returns {E} */
const byId = (id) => /** @type {E} */ (document.getElementById(id));
const form = /** @type {HTMLFormElement} */ (byId("ask"));
const card = /** @type {HTMLTemplateElement} */ (byId("asked"));
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
    run.start(field("prompt"));
  } catch (error) {
    fail(error);
  }
});
byId("cancel").addEventListener("click", () => run?.cancel().catch(fail));

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

/** The request that is shown, if there is one. @type {string | null} */
let asked = null;

/** Nothing of another run is left on the page. */
function clear() {
  for (const id of ["status", "steps", "answer"]) byId(id).replaceChildren();
  ask(null);
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
  if (pendingApproval?.requestId !== asked) ask(pendingApproval);
}

/** Each question has a card of its own: its buttons answer it and no other. @param {import("../dist/index.js").HitlPayload | null} question */
function ask(question) {
  asked = question?.requestId ?? null;
  byId("approval").hidden = question === null;
  byId("approval").replaceChildren(...(question === null ? [] : [card.content.cloneNode(true)]));
  if (run === null || question === null) return;
  const { client, approve, reject } = run;
  const { requestId, message, preview, context, contextBytes } = question;
  const args = /** @type {HTMLTextAreaElement} */ (byId("args"));
  const reason = /** @type {HTMLInputElement} */ (byId("reason"));
  byId("question").textContent = message;
  byId("preview").textContent = preview?.content ?? "";
  let whole = (args.value = JSON.stringify(context, null, 2));
  const changes = () => (args.value === whole ? {} : { args: JSON.parse(args.value) });
  onClick("approve", async () => approve(requestId, changes()));
  onClick("reject", async () => reject(requestId, { reason: reason.value }));
  if (contextBytes === undefined) return;
  // What was cut can be changed once all of it is there.
  args.readOnly = true;
  const show = (/** @type {unknown} */ context) => (whole = args.value = JSON.stringify(context, null, 2));
  client.approvals.get(requestId).then(({ context }) => (show(context), (args.readOnly = false)), fail);
}

/** The second half of a double click may meet the next question, which nobody has read. @param {string} id @param {() => Promise<unknown>} answer */
function onClick(id, answer) {
  byId(id).addEventListener("click", ({ detail }) => void (detail > 1 || answer().catch(fail)));
}

const fail = (/** @type {unknown} */ error) => (byId("status").textContent = String(error));
