/** What will happen if a request is approved, as its tool has described it: changes, a text, a checklist. */

import { h } from "./dom.js";
import { visible } from "./format.js";

/** `preview`: `{ type, title, content }`; a type that is not known here is shown as a text. `kind`: what it is called. */
export function makePreview(app, preview, kind = app.t("preview.title")) {
  const { type, content = "" } = preview;
  const title = visible(String(preview.title ?? ""));
  const body = BODIES.get(type) ?? text;
  const label = title === "" ? kind : `${kind}: ${title}`;
  return h(
    "figure",
    { class: "preview" },
    h("figcaption", { class: "preview-title" }, h("span", { class: "eyebrow" }, kind), title),
    // Long ones scroll inside, with the keyboard as well.
    h("div", { class: "preview-body", tabindex: "0", role: "group", "aria-label": label }, body(app, visible(String(content)))),
  );
}

const BODIES = new Map(Object.entries({ diff, text, checklist }));

function text(_app, content) {
  return h("div", { class: "preview-text" }, content);
}

/** Each line keeps its `+` or `-`: colour alone says nothing to whoever does not see it. */
function diff(_app, content) {
  const lines = content
    .split("\n")
    .map((line) => h("span", { class: `diff-line ${kindOf(line)}` }, line === "" ? " " : line));
  return h("code", { class: "diff" }, lines);
}

function kindOf(line) {
  if (/^(\+\+\+ |--- |diff |index |new file|deleted file|rename |similarity )/.test(line)) return "is-head";
  if (line.startsWith("@@")) return "is-place";
  if (line.startsWith("+")) return "is-added";
  if (line.startsWith("-")) return "is-removed";
  return "is-same";
}

function checklist(app, content) {
  const lines = content.split("\n").filter((line) => line.trim() !== "");
  return h(
    "ul",
    { class: "checklist" },
    lines.map((line) => checked(app, line)),
  );
}

/** `[x] all tests pass`, `✓ all tests pass`; what has no mark is shown as it is. */
function checked(app, line) {
  const [, mark, rest] = /^\s*(?:[-*] )?(\[[xX ]\]|[✓✔✗✘])\s*(.*)$/u.exec(line) ?? [];
  if (mark === undefined) return h("li", null, line);
  const isSo = /[xX✓✔]/u.test(mark);
  const word = app.t(isSo ? "preview.so" : "preview.notSo");
  return h(
    "li",
    { class: isSo ? "is-so" : "is-not-so" },
    h("span", { "aria-hidden": "true" }, isSo ? "✓ " : "✗ "),
    h("span", { class: "visually-hidden" }, `${word}: `),
    rest,
  );
}
