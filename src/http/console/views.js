/**
 * The views, in the order of their tabs, and the address of each: `#/<name>`, `#/<name>/<argument>`.
 *
 * A view's module exports `make<Name>View(app)`, which returns `{ element, open(argument), close() }`: `open` is called
 * whenever the view comes to be seen, with what stands behind its name in the address (or `null`), and `close` when it
 * no longer is. `role` is the role of `app.roles` without which a view is not shown.
 */

import { makeApprovalsView } from "./approvals.js";
import { makeAskView } from "./ask.js";
import { makeAuditView } from "./audit.js";
import { makeOperatorsView } from "./operators.js";
import { makeSessionsView } from "./sessions.js";

export const VIEWS = [
  { name: "ask", make: makeAskView },
  { name: "approvals", make: makeApprovalsView },
  { name: "sessions", make: makeSessionsView },
  { name: "audit", role: "audit", make: makeAuditView },
  { name: "operators", role: "admin", make: makeOperatorsView },
];

/** The views that this caller may see. */
export function viewsFor(roles) {
  return VIEWS.filter(({ role }) => role === undefined || roles[role]);
}

/** What an address means: `#/sessions/session_1` is the view `sessions` with that argument. */
export function placeOf(hash, views) {
  const [name, ...rest] = hash.replace(/^#\/?/, "").split("/");
  const view = views.find((view) => view.name === name) ?? views[0];
  const argument = view.name === name && rest.length > 0 && rest[0] !== "" ? decoded(rest.join("/")) : null;
  return { view, argument };
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
