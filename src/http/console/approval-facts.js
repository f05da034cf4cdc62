/** What a card says of a request: the question, who asks, who may decide, what became of it. */

import { makeTime } from "./clock.js";
import { isExact } from "./edit-form.js";
import { h } from "./dom.js";
import { visible } from "./format.js";

/** One form for what the inbox, a run's stream and the stored request each say in their own. */
export function requestOf(told, before = {}) {
  const request = { ...before, ...told };
  request.status = told.outcome ?? told.status ?? before.status ?? "pending";
  request.requestedBy ??= request.userId;
  request.approvalsNeeded ??= 1;
  request.approvals ??= 0;
  return request;
}

export const isPending = ({ status }) => status === "pending";

/** Whether this caller's yes would count, as far as it can be known here; the server decides. */
export function mayApprove(app, request) {
  if (!isPending(request)) return false;
  if (request.canDecide !== undefined) return request.canDecide;
  if (request.approvers === "requester") return request.requestedBy === app.user.id;
  if (request.approvers === "not_requester") return request.requestedBy !== app.user.id;
  return true;
}

/** Whether whoever approves changed arguments has another person asked about them (contract, section 5.3, 9). */
export const wantsOtherEyes = ({ approvers, approvalsNeeded }) => approvers === "not_requester" || approvalsNeeded > 1;

/** `Kim asked at 14:03`. */
export function askedBy(app, request) {
  const who = request.requestedBy === undefined ? null : person(app, request.requestedBy);
  const when = request.createdAt === undefined ? null : [" · ", makeTime(app, request.createdAt)];
  return [who === null ? null : app.t("card.askedBy", { who }), when];
}

/** `you (7)`, or the id. */
export function person(app, id) {
  return id === app.user.id ? app.t("card.you", { id }) : app.t("card.person", { id });
}

/** Who may say yes, and how many have. */
export function approversText(app, request) {
  const { approvers = "tenant", approvalsNeeded, approvals } = request;
  const role = approvers.startsWith("role:") ? approvers.slice("role:".length) : null;
  const key = role === null ? (WHO.get(approvers) ?? "who.unknown") : "who.role";
  const who = app.t(key, { role, approvers, who: person(app, request.requestedBy ?? "?") });
  if (approvalsNeeded < 2) return who;
  return `${who} ${app.t("who.count", { given: approvals, needed: approvalsNeeded })}`;
}

const WHO = new Map([
  ["tenant", "who.tenant"],
  ["requester", "who.requester"],
  ["not_requester", "who.notRequester"],
]);

/** Why there is no button to approve with; null if there is one. */
export function whyNot(app, request) {
  if (!isPending(request) || mayApprove(app, request)) return null;
  return app.t(request.decidedByMe === true ? "card.saidYes" : "card.notYours");
}

/** What became of a request that is over: nodes. */
export function outcome(app, request) {
  const { status, supersededBy, reason } = request;
  if (supersededBy !== undefined) return superseded(app, request);
  const by = status === "approved" ? request.approvedBy : request.rejectedBy;
  const at = status === "approved" ? request.approvedAt : request.rejectedAt;
  const key = by === undefined || WITHOUT_PERSON.has(status) ? `outcome.${status}` : `outcome.${status}By`;
  const said = OUTCOMES.has(status) ? app.t(key, { who: person(app, by) }) : app.t("outcome.unknown");
  return [
    h("span", null, said),
    at === undefined ? null : [" · ", makeTime(app, at)],
    reason === undefined ? null : h("span", { class: "reason" }, app.t("outcome.reason", { reason: visible(reason) })),
  ];
}

const OUTCOMES = new Set(["approved", "rejected", "timed_out", "cancelled"]);
const WITHOUT_PERSON = new Set(["timed_out", "cancelled"]);

function superseded(app, { supersededBy, rejectedBy }) {
  const who = rejectedBy === undefined ? "?" : person(app, rejectedBy);
  return [
    h("span", null, app.t("outcome.superseded", { who })),
    " ",
    h("a", { href: `#/approvals/${encodeURIComponent(supersededBy)}` }, app.t("outcome.successor")),
  ];
}

/** The arguments, folded: a row for each. */
export function makeArguments(app, args, bytes) {
  const names = Object.keys(args);
  return h(
    "details",
    { class: "arguments" },
    h("summary", null, app.t("args.title", { count: names.length })),
    isExact(args) ? null : h("p", { class: "warning" }, app.t("args.inexact")),
    bytes === undefined ? null : h("p", { class: "soft" }, app.t("args.cut", { bytes })),
    names.length === 0 ? h("p", { class: "soft" }, app.t("args.none")) : table(app, args),
  );
}

function table(app, args) {
  const rows = Object.entries(args).map(([name, value]) =>
    h("tr", null, h("th", { scope: "row" }, h("code", null, visible(name))), h("td", null, valueOf(value))),
  );
  return h(
    "div",
    { class: "scrolls", tabindex: "0", role: "group", "aria-label": app.t("args.table") },
    h("table", { class: "arguments-table" }, h("tbody", null, rows)),
  );
}

function valueOf(value) {
  if (typeof value === "string") return h("span", { class: "value" }, value === "" ? "\u201c\u201d" : visible(value));
  return h("code", { class: "value" }, visible(JSON.stringify(value, null, 2)));
}
