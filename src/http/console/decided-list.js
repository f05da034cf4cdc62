/** What was decided in the last seven days, a page at a time. */

import { outcome, person, requestOf } from "./approval-facts.js";
import { h, replace } from "./dom.js";

const PAGE = 20;
/** Rows that a list has at most, once nobody has asked for more of them: those after them can be asked for. */
const MOST = 200;

/** `refresh()` begins anew; `add(request)` puts what has just been decided to the top. */
export function makeDecidedList(app) {
  const list = { app, next: null, ids: new Set(), isBusy: false };
  list.items = h("ul", { class: "rows decided" });
  list.note = h("p", { class: "soft" });
  list.more = h("button", { type: "button", class: "button", onclick: () => void more(list) }, app.t("app.more"));
  const element = h(
    "section",
    { class: "decided-section", "aria-labelledby": "decided-title" },
    h("h2", { id: "decided-title" }, app.t("decidedList.title")),
    list.note,
    list.items,
    list.more,
  );
  showEnd(list);
  return { element, refresh: () => refresh(list), add: (request) => add(list, request) };
}

async function refresh(list) {
  const page = await read(list, {});
  if (page === null) return;
  list.ids.clear();
  replace(list.items);
  append(list, page);
}

async function more(list) {
  const page = await read(list, { before: list.next });
  if (page === null) return;
  const at = list.items.children.length;
  append(list, page);
  // The button may be gone: the keyboard goes on with what it has brought.
  list.items.children[at]?.querySelector("a")?.focus();
}

async function read(list, options) {
  if (list.isBusy) return null;
  list.isBusy = true;
  try {
    return await list.app.client.approvals.list({ status: "decided", limit: PAGE, ...options });
  } catch (error) {
    list.app.fail(error);
    return null;
  } finally {
    list.isBusy = false;
  }
}

function append(list, { approvals, next }) {
  for (const request of approvals) {
    if (!list.ids.has(request.requestId)) list.items.append(row(list, request));
  }
  list.next = next;
  showEnd(list);
}

function add(list, request) {
  if (list.ids.has(request.requestId) || request.status === "unknown") return;
  list.items.prepend(row(list, request));
  if (list.ids.size > MOST) forgetLast(list);
  showEnd(list);
}

function forgetLast(list) {
  const last = list.items.lastElementChild;
  if (last.contains(document.activeElement)) return;
  list.ids.delete(last.dataset.request);
  last.remove();
  list.next = list.items.lastElementChild.dataset.request;
}

function showEnd(list) {
  replace(list.note, list.ids.size === 0 ? list.app.t("decidedList.none") : null);
  list.note.hidden = list.ids.size > 0;
  list.more.hidden = list.next === null;
}

function row(list, told) {
  const { app } = list;
  const request = requestOf(told);
  list.ids.add(request.requestId);
  const asked = app.t("card.askedBy", { who: person(app, request.requestedBy) });
  return h(
    "li",
    { class: "decided-row", "data-status": request.status, "data-request": request.requestId },
    h(
      "a",
      { href: `#/approvals/${encodeURIComponent(request.requestId)}` },
      h("code", { class: "tool-id" }, request.actionType),
      " ",
      request.message,
    ),
    h("p", { class: "approval-outcome" }, outcome(app, request)),
    h("p", { class: "soft" }, asked),
  );
}
