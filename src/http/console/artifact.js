/** What a tool gave people to look at, below the answer: changes, a text, a checklist. */

import { h } from "./dom.js";
import { makePreview } from "./preview.js";
import { code } from "./tool.js";

/** `result`: an artifact, or in the rare case that it did not fit, the beginning of its JSON. */
export function makeArtifact(app, result) {
  const title = app.t("tool.result");
  if (typeof result !== "object" || result === null) return code(title, result);
  const { type, items, content, truncated, contentBytes } = result;
  const isList = type === "checklist" && Array.isArray(items);
  if (!isList && typeof content !== "string") return code(title, result);
  const cut = truncated ? h("p", { class: "hint" }, app.t("tool.cut", { bytes: contentBytes })) : null;
  const shown = { type, title: result.title, content: isList ? items.map(line).join("\n") : content };
  return h("div", { class: "artifact" }, makePreview(app, shown, title), cut);
}

function line({ label, checked }) {
  // A line of the list is one line, whatever it is about.
  return `[${checked ? "x" : " "}] ${String(label).replace(/\s+/g, " ")}`;
}
