/** The plan of a run: its steps in their order, each with how it stands. */

import { h, say, set } from "./dom.js";
import { wordOr } from "./words.js";

export function makePlan(app) {
  const list = h("ol", { class: "plan-steps" });
  const steps = new Map();
  const element = h("div", { class: "plan", role: "group", "aria-label": app.t("plan.title") }, h("p", { class: "eyebrow" }, app.t("plan.title")), list);

  /** A step that is told of again takes its own place. */
  function put(step) {
    const shown = steps.get(step.stepId) ?? makeStep(app);
    shown.order = step.order;
    steps.set(step.stepId, shown);
    shown.update(step);
    const next = [...list.children].find((item) => Number(item.dataset.order) > step.order && item !== shown.element);
    set(shown.element, "data-order", step.order);
    list.insertBefore(shown.element, next ?? null);
  }

  return { element, put, update: (change) => steps.get(change.stepId)?.update(change) };
}

function makeStep(app) {
  const title = h("span", { class: "step-title" });
  const state = h("span", { class: "chip" });
  const element = h("li", { class: "step" }, title, " ", state);
  return {
    element,
    update(step) {
      if (step.title !== undefined) say(title, step.title);
      say(state, wordOr(app, `step.${step.status}`, step.status));
      set(state, "data-state", step.status);
      set(element, "data-state", step.status);
    },
  };
}
