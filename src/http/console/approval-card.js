/** One request for approval as a card, which people decide on, and which changes in place while others do. */

import { makeClock, serverNow } from "./clock.js";
import { h } from "./dom.js";
import { visible } from "./format.js";
import { inboxOf } from "./inbox.js";
import { makeDecision } from "./decision.js";
import { makePreview } from "./preview.js";
import { approversText, askedBy, isPending, makeArguments, outcome, requestOf, whyNot } from "./approval-facts.js";

let cards = 0;

/**
 * `request`: as the inbox, a `hitl` event or `approvals.get` has it. The card follows the inbox by itself, so that it
 * shows what others decide; `update(request)` is for whoever knows more. `close()` once it is not shown any more.
 */
export function makeApprovalCard(app, request) {
  const inbox = inboxOf(app);
  const waiting = inbox.find(request.requestId);
  const isInRun = request.type === "hitl";
  const card = {
    app,
    isInRun,
    request: requestOf(request, waiting ?? {}),
    id: `card-${(cards += 1)}`,
    clock: null,
    shown: {},
  };
  card.parts = makeParts(card);
  card.decision = makeDecision(app, {
    request: () => card.request,
    changed: (told) => change(card, told),
    say: (text) => say(card, text),
    focusCard: () => card.parts.element.focus(),
  });
  card.parts.actions.append(card.decision.element);
  show(card);
  const { requestId } = card.request;
  const unfollow = inbox.follow(requestId, (told) => update(card, told));
  // An event of a run only says that there was a question.
  if (isInRun && waiting === null) void refresh(card);
  return {
    element: card.parts.element,
    requestId,
    update: (told) => update(card, told),
    focus: () => card.parts.element.focus(),
    isOver: () => !isPending(card.request),
    close() {
      unfollow();
      card.clock?.stop();
    },
  };
}

function makeParts(card) {
  const { app, id, request } = card;
  const parts = {
    question: h("h2", { class: "approval-question", id: `${id}-question` }),
    badge: h("span", { class: "chip" }),
    clock: h("span", { class: "clock-place" }),
    asked: h("p", { class: "soft" }),
    prompt: h("p", { class: "approval-task" }),
    preview: h("div"),
    args: h("div"),
    who: h("p", { class: "approval-who" }),
    outcome: h("p", { class: "approval-outcome", hidden: true }),
    actions: h("div"),
    said: h("p", { class: "approval-said", hidden: true }),
  };
  parts.element = h(
    "article",
    { class: "approval", tabindex: "-1", "aria-labelledby": `${id}-question`, "data-request": request.requestId },
    h("div", { class: "approval-head" }, h("code", { class: "tool-id" }, request.actionType), parts.badge, parts.clock),
    parts.question,
    parts.asked,
    parts.prompt,
    parts.preview,
    parts.args,
    parts.who,
    parts.outcome,
    parts.said,
    parts.actions,
  );
  // What has the focus is not taken away under somebody's hands; it goes once they have gone.
  parts.element.addEventListener("focusout", () => queueMicrotask(() => card.decision.settle()));
  return parts;
}

/** What has become of the request. Where nobody knows any more, its deadline says that it is over. */
async function refresh(card) {
  const { app, request } = card;
  try {
    change(card, await app.client.approvals.get(request.requestId));
  } catch (error) {
    if (error.status === 404 && request.expiresAt * 1000 < serverNow()) change(card, { status: "unknown" });
  }
}

/** What others did is shown, and said to those who listen; focus stays where it is. */
function update(card, told) {
  const before = card.request;
  change(card, told);
  const { app, request } = card;
  if (isPending(before) && !isPending(request)) app.announce(card.parts.outcome.textContent);
  else if (request.approvals > before.approvals) app.announce(card.parts.who.textContent);
}

function change(card, told) {
  const before = card.request;
  // What is over does not wait again, whichever of two tellers was the slower.
  if (!isPending(before) && STANDS.has(told.status ?? "pending") && told.outcome === undefined) return;
  card.request = requestOf(told, before);
  // In a list, what lies below stays where it is: no click lands on another card than was meant.
  if (!card.isInRun && isPending(before) && !isPending(card.request)) hold(card.parts.element);
  show(card);
}

function hold(element) {
  if (element.isConnected) element.style.minHeight = `${element.offsetHeight}px`;
}

function show(card) {
  const { app, parts, request } = card;
  parts.element.dataset.status = request.status;
  parts.badge.dataset.state = request.status;
  put(card, "question", request.message ?? "");
  put(card, "badge", app.t(STATUSES.has(request.status) ? `status.${request.status}` : "status.unknown"));
  put(
    card,
    "who",
    isPending(request) ? [whyNot(app, request), approversText(app, request)].filter(Boolean).join(" ") : "",
  );
  putNodes(card, "asked", [request.requestedBy, request.createdAt], () => askedBy(app, request));
  putNodes(card, "prompt", request.prompt, () => promptOf(card));
  putNodes(card, "preview", request.preview, () => (request.preview ? makePreview(app, request.preview) : null));
  putNodes(card, "args", [request.context, request.contextBytes], () => argumentsOf(app, request));
  showEnd(card);
  card.decision.settle();
}

/** What says nothing of how a request has ended. */
const STANDS = new Set(["pending", "unknown"]);
const STATUSES = new Set(["pending", "approved", "rejected", "timed_out", "cancelled"]);

function showEnd(card) {
  const { app, parts, request } = card;
  if (isPending(request)) {
    card.clock ??= makeClock(app, request.deadlineMs ?? request.expiresAt * 1000, request.message);
    if (!card.clock.element.isConnected || card.clock.element.parentNode !== parts.clock) {
      parts.clock.replaceChildren(card.clock.element);
    }
    return;
  }
  card.clock?.stop();
  parts.clock.replaceChildren();
  const { status, approvedBy, approvedAt, rejectedBy, rejectedAt, reason, supersededBy } = request;
  putNodes(card, "outcome", [status, approvedBy, approvedAt, rejectedBy, rejectedAt, reason, supersededBy], () =>
    outcome(app, request),
  );
}

/** Replaces a part's text, unless it is the same: a screen reader would begin anew. */
function put(card, name, text) {
  putNodes(card, name, text, () => text);
}

function putNodes(card, name, key, make) {
  const version = JSON.stringify(key) ?? "";
  if (card.shown[name] === version) return;
  card.shown[name] = version;
  const nodes = [make()].flat(Infinity).filter((node) => node !== null && node !== undefined && node !== "");
  card.parts[name].replaceChildren(...nodes);
  card.parts[name].hidden = nodes.length === 0;
}

/** In its own run's timeline, the task stands above already. */
function promptOf({ app, isInRun, request: { prompt } }) {
  if (isInRun) return null;
  return prompt === undefined || prompt === "" ? null : [h("span", { class: "eyebrow" }, app.t("card.prompt")), visible(prompt)];
}

function argumentsOf(app, { context, contextBytes }) {
  return context === undefined ? null : makeArguments(app, context, contextBytes);
}

function say(card, text) {
  put(card, "said", text);
  if (text !== "") card.app.announce(text);
}
