/** One call of a tool, folded: what it is called, how it goes, and inside what it took and gave. */

import { h, replace, say, set } from "./dom.js";
import { duration, pretty, visible } from "./format.js";
import { wordOr } from "./words.js";

export function makeTool(app) {
  const { t } = app;
  const name = h("code", { class: "tool-name" });
  const state = h("span", { class: "chip" });
  const time = h("span", { class: "soft" });
  const body = h("div", { class: "tool-body" });
  const element = h("details", { class: "tool" }, h("summary", null, name, " ", state, " ", time), body);
  return {
    element,
    update(call) {
      const { status, requiresApproval, durationMs } = call;
      const isAsking = status === "pending" && requiresApproval;
      say(name, call.toolName);
      say(state, wordOr(app, `tool.${isAsking ? "asking" : status}`, status));
      set(state, "data-state", isAsking ? "asking" : status);
      say(time, typeof durationMs === "number" ? duration(t, durationMs) : "");
      replace(body, contents(t, call));
    },
  };
}

function contents(t, { toolArgs, result, error, resultBytes }) {
  const isThere = (value) => value !== null && value !== undefined && value !== "";
  const cut = resultBytes === undefined ? null : h("p", { class: "hint" }, t("tool.cut", { bytes: resultBytes }));
  const hasArguments = Object.keys(toolArgs ?? {}).length > 0;
  return [
    part(t("tool.arguments"), hasArguments ? code(t("tool.arguments"), toolArgs) : h("p", { class: "soft" }, t("tool.none"))),
    isThere(result) ? part(t("tool.result"), code(t("tool.result"), result), cut) : null,
    isThere(error) ? part(t("tool.error"), code(t("tool.error"), error)) : null,
  ];
}

function part(title, ...contents) {
  return h("div", { class: "part" }, h("p", { class: "eyebrow" }, title), ...contents);
}

/** Long ones scroll inside, with the keyboard as well. */
export function code(label, value) {
  return h("pre", { class: "code", tabindex: "0", role: "group", "aria-label": label }, visible(pretty(value)));
}
