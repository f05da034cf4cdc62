/** The inbox: what waits in the tenant, live, each as a card to decide on; below, what was decided lately. */

import { makeApprovalCard } from "./approval-card.js";
import { isPending } from "./approval-facts.js";
import { makeDecidedList } from "./decided-list.js";
import { h, replace, say } from "./dom.js";
import { inboxOf, sayNew } from "./inbox.js";

/** Cards that are shown at first, and with each further click. */
const PAGE = 50;
/** How far back a request is looked for that is not stored by itself any more. */
const DECIDED_PAGES = 5;

export function makeApprovalsView(app) {
  const inbox = inboxOf(app);
  const view = {
    app,
    inbox,
    cards: new Map(),
    linked: null,
    isOpen: false,
    /** The request that the address names, and the same until it has been looked for. */
    place: null,
    wanted: null,
    most: PAGE,
    parts: makeParts(app),
  };
  view.parts.more.addEventListener("click", () => more(view));
  view.decided = makeDecidedList(app);
  view.element = h(
    "section",
    { class: "page approvals", "aria-labelledby": "approvals-title" },
    h("div", { class: "page-head" }, h("div", null, view.parts.title, view.parts.lead)),
    view.parts.linked,
    view.parts.empty,
    view.parts.list,
    view.parts.more,
    view.decided.element,
  );
  inbox.listen((change) => heard(view, change));
  return {
    element: view.element,
    open: (requestId) => open(view, requestId ?? null),
    close: () => close(view),
  };
}

function makeParts(app) {
  return {
    title: h("h1", { id: "approvals-title", tabindex: "-1" }, app.t("approvals.title")),
    lead: h("p", { class: "lead" }),
    linked: h("div", { class: "linked" }),
    empty: h(
      "div",
      { class: "nothing" },
      h("p", { class: "nothing-title" }, app.t("approvals.none")),
      h("p", null, app.t("approvals.noneHint")),
    ),
    more: h("button", { type: "button", class: "button more", hidden: true }),
    list: h("ul", { class: "cards", "aria-label": app.t("approvals.pending") }),
  };
}

function open(view, requestId) {
  const isAgain = view.isOpen;
  view.isOpen = true;
  view.wanted = requestId;
  view.place = requestId;
  if (!isAgain) {
    // The order is made when the view is opened; after that nothing moves under anybody's hands.
    rebuild(view);
    view.decided.refresh();
  }
  showState(view);
  replace(view.parts.linked);
  closeLinked(view);
  if (requestId !== null && view.inbox.isKnown) void focusWanted(view);
}

function close(view) {
  view.isOpen = false;
  for (const requestId of [...view.cards.keys()]) drop(view, requestId);
  closeLinked(view);
}

function closeLinked(view) {
  view.linked?.close();
  view.linked = null;
}

function rebuild(view) {
  for (const requestId of [...view.cards.keys()]) drop(view, requestId);
  view.most = PAGE;
  for (const request of view.inbox.pending) add(view, request);
}

/** More of what waits; the keyboard goes on with the first of them. */
function more(view) {
  const at = view.cards.size;
  view.most = at + PAGE;
  for (const request of view.inbox.pending) add(view, request);
  [...view.cards.values()][at]?.card.focus();
  showState(view);
}

function heard(view, { type, request }) {
  if (!view.isOpen) return;
  // Of a run that goes on elsewhere: no conversation is here to say it.
  if (type === "asked" && request.requestedBy === view.app.user.id) sayNew(view.app, request);
  if (type === "snapshot") arrived(view);
  else if (isPending(request)) add(view, request);
  else view.decided.add(request);
  showState(view);
}

/** What a snapshot has brought; cards that are there follow it by themselves. */
function arrived(view) {
  for (const request of view.inbox.pending) add(view, request);
  // What is hidden takes no focus.
  showState(view);
  if (view.wanted !== null && view.linked === null) void focusWanted(view);
}

/** New ones come to the end, as long as there is room. */
function add(view, request) {
  if (view.cards.has(request.requestId)) return;
  if (view.cards.size >= view.most) makeRoom(view);
  if (view.cards.size >= view.most) return;
  const card = makeApprovalCard(view.app, request);
  const item = h("li", null, card.element);
  view.cards.set(request.requestId, { card, item });
  view.parts.list.append(item);
}

/** Of what is over, the oldest that nobody is at or sees gives up its place; it is among what was decided lately. */
function makeRoom(view) {
  for (const [requestId, { card }] of view.cards) {
    const { top, bottom } = card.element.getBoundingClientRect();
    const isSeen = bottom > 0 && top < innerHeight;
    if (card.isOver() && !isSeen && !card.element.contains(document.activeElement)) return drop(view, requestId);
  }
}

function drop(view, requestId) {
  const { card, item } = view.cards.get(requestId);
  view.cards.delete(requestId);
  card.close();
  item.remove();
}

function showState({ app, inbox, cards, parts }) {
  const { pending } = inbox;
  const mine = pending.filter(({ canDecide }) => canDecide).length;
  parts.empty.hidden = !inbox.isKnown || pending.length > 0 || cards.size > 0;
  parts.list.hidden = cards.size === 0;
  const hidden = pending.filter(({ requestId }) => !cards.has(requestId)).length;
  parts.more.hidden = hidden === 0;
  say(parts.more, app.t("approvals.more", { count: hidden }));
  say(
    parts.lead,
    inbox.isKnown
      ? app.t(pending.length === 0 ? "approvals.nothing" : "approvals.count", { count: pending.length, mine })
      : app.t("app.loading"),
  );
}

/** A link to one request: it gets the focus, and says so if it is over. */
async function focusWanted(view) {
  const requestId = view.wanted;
  view.wanted = null;
  const there = view.cards.get(requestId);
  if (there !== undefined) return bringUp(there.card);
  const request = await find(view, requestId);
  // Whoever has followed another link meanwhile is shown that one.
  if (!view.isOpen || view.place !== requestId) return;
  if (request === null) {
    const missing = h("p", { class: "problem", tabindex: "-1" }, view.app.t("approvals.missing"));
    replace(view.parts.linked, missing);
    missing.focus();
    return;
  }
  view.linked = makeApprovalCard(view.app, request);
  replace(view.parts.linked, h("p", { class: "eyebrow" }, view.app.t("approvals.linked")), view.linked.element);
  bringUp(view.linked);
}

function bringUp(card) {
  card.element.scrollIntoView({ block: "start" });
  card.focus();
}

/** A request by itself, or among those that were decided lately; null if it is nowhere. */
async function find({ app }, requestId) {
  const { approvals } = app.client;
  try {
    return { ...(await approvals.get(requestId)), canDecide: undefined };
  } catch (error) {
    // What cannot be the id of a request, the client does not send.
    const isNone = error instanceof TypeError || error.status === 404 || error.status === 400;
    if (!isNone) {
      app.fail(error);
      return null;
    }
  }
  return findDecided(app, requestId);
}

async function findDecided(app, requestId) {
  let before;
  for (let page = 0; page < DECIDED_PAGES; page += 1) {
    const found = await app.client.approvals.list({ status: "decided", limit: 100, before }).catch(() => null);
    const request = found?.approvals.find((request) => request.requestId === requestId);
    if (request !== undefined) return request;
    if (found === null || found.next === null) return null;
    before = found.next;
  }
  return null;
}
