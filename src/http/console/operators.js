/** For operators: the runs of all tenants, and holds (contract, section 5.7). */

import { h } from "./dom.js";
import { makeHolds } from "./holds.js";
import { makeRuns } from "./runs.js";

export function makeOperatorsView(app) {
  const [runs, holds] = [makeRuns(app), makeHolds(app)];
  const refresh = () => void Promise.all([runs.refresh(), holds.refresh()]);
  const button = h("button", { type: "button", class: "button", onclick: refresh }, app.t("sessions.refresh"));
  const title = h("h1", { id: "operators-title", tabindex: "-1" }, app.t("operators.title"));
  const element = h(
    "section",
    { class: "page operators", "aria-labelledby": "operators-title" },
    h("div", { class: "page-head" }, h("div", null, title, h("p", { class: "lead" }, app.t("operators.lead"))), button),
    holds.element,
    runs.element,
  );
  return { element, open: refresh, close: () => undefined };
}
