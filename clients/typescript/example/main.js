/** Asks, shows steps and answer as they come, and lets a person approve, change or reject. */

import { AuraClient, EMPTY_VIEW, viewAfter } from "../dist/index.js";

/** Those whose value is read are fields. @param {string} id */
const at = (id) => /** @type {HTMLInputElement} */ (document.getElementById(id));
const card = /** @type {HTMLTemplateElement} */ (document.querySelector("template"));

/** The one way onto the page: as text, never as HTML; models and tools write it. @param {Record<string, string>} texts */
function set(texts) {
  for (const [id, text] of Object.entries(texts)) at(id).textContent = text;
}

/** A double click's second half may meet what nobody has read. @param {string} id @param {() => Promise<unknown>} act */
function onClick(id, act) {
  at(id).addEventListener("click", ({ detail }) => void (detail > 1 || act().catch(fail)));
}
const fail = (/** @type {unknown} */ error) => set({ status: String(error) });

/** The run that is shown; nothing that still comes of another one is. @type {import("../dist/index.js").AuraRun | null} */
let run = null;
at("ask").addEventListener("submit", (event) => event.preventDefault());
onClick("start", async () => at("ask").reportValidity() && start());
onClick("stop", async () => run?.cancel());

async function start() {
  void run?.close(); // It goes on on the server.
  run = null;
  set({ status: "connecting", steps: "", answer: "", approval: "" });
  const [baseUrl, token, tenantId] = [at("server").value, at("token").value.trim(), at("tenant").value];
  const client = new AuraClient({ baseUrl, token, tenantId });
  const onReconnect = (/** @type {import("../dist/index.js").Reconnect} */ { reason }) =>
    void (run === mine && set({ status: `reconnecting: ${reason.message}` }));
  const mine = (run = client.run(at("prompt").value, { onReconnect }));
  let view = EMPTY_VIEW;
  try {
    for await (const event of mine) if (run === mine) show(client, (view = viewAfter(view, event)));
    if (run === mine && view.end === null) set({ status: "lost", approval: "" });
  } catch (error) {
    if (run === mine) fail(error);
  }
}

/** @param {AuraClient} client @param {import("../dist/index.js").RunView} view */
function show(client, { answer, plan, tools, pendingApprovals: [question], error, end }) {
  const status = end?.status ?? (question ? "waiting for you" : "running");
  const steps = plan.map((step) => `${step.title}: ${step.status}`);
  const calls = tools.map((tool) => `${tool.toolName} ${JSON.stringify(tool.toolArgs)}: ${tool.status}`);
  set({ status: error ? `${status}: ${error.error}` : status, steps: [...steps, ...calls].join("\n"), answer });
  if (document.querySelector("fieldset")?.name === question?.requestId) return;
  set({ approval: "" });
  if (question) ask(client, question);
}

/**
 * Each question has a card of its own, whose buttons answer it and no other.
 * @param {AuraClient} client @param {import("../dist/index.js").HitlPayload} question
 */
function ask({ approvals }, { requestId, message, preview, context, contextBytes }) {
  at("approval").append(card.content.cloneNode(true));
  const [args, reason, whole] = [at("args"), at("reason"), JSON.stringify(context, null, 2)];
  at("card").name = requestId;
  set({ question: message, preview: preview?.content ?? "", args: whole });
  args.readOnly = contextBytes !== undefined; // These were cut, and all of them run.
  const changes = () => (args.value === whole ? {} : { args: JSON.parse(args.value) });
  onClick("approve", async () => approvals.approve(requestId, changes()));
  onClick("reject", async () => approvals.reject(requestId, { reason: reason.value }));
}
