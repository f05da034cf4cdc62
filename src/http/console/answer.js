/** An answer as it comes: pieces go into text nodes, once a frame, however many there are; code in fences is set as code. */

import { h } from "./dom.js";

/** After so many characters the answer goes on in a new block, so that a long one is not laid out again and again. */
const BLOCK = 4000;
/** What a line begins with that begins or ends code, as in Markdown. */
const FENCE = "```";

export function makeAnswer(label) {
  const element = h("div", { class: "answer", role: "group", "aria-label": label });
  let last = null;
  let waiting = "";
  let frame = 0;
  let isCode = false;
  let startsLine = true;

  function open() {
    last = document.createTextNode("");
    element.append(isCode ? h("pre", { class: "code" }, last) : h("div", { class: "answer-text" }, last));
  }

  function write(text) {
    for (let left = text; left !== ""; ) {
      if (last === null) open();
      const room = cut(left, BLOCK - last.length);
      last.appendData(left.slice(0, room));
      left = left.slice(room);
      if (left !== "") last = null;
    }
    startsLine = text.endsWith("\n");
  }

  /** The line itself is not shown, but stays part of the answer. */
  function turn(line) {
    element.append(h("span", { hidden: true }, line));
    isCode = !isCode;
    last = null;
    startsLine = true;
  }

  /** Shows what waits; unless that is all for now, not yet a line that may still become a fence. */
  function show(isAll) {
    cancelAnimationFrame(frame);
    frame = 0;
    while (waiting !== "") {
      const line = startsLine ? lineOf(waiting) : null;
      if (line !== null && !isAll && mayBecomeFence(line)) return;
      const text = line !== null && isFence(line) ? line : beforeFence(waiting);
      if (text === line && isFence(line)) turn(line);
      else write(text);
      waiting = waiting.slice(text.length);
    }
  }

  return {
    element,
    add(text) {
      waiting += text;
      if (frame === 0) frame = requestAnimationFrame(() => show(false));
    },
    flush: () => show(true),
    text: () => element.textContent + waiting,
  };
}

const lineOf = (text) => text.slice(0, cut(text, 0));
const isFence = (line) => line.startsWith(FENCE) && !line.slice(FENCE.length).includes("`");
const mayBecomeFence = (line) => !line.endsWith("\n") && (FENCE.startsWith(line) || isFence(line));

/** A text up to the next line that looks like a fence. */
function beforeFence(text) {
  const at = text.indexOf("\n`");
  return at === -1 ? text : text.slice(0, at + 1);
}

/** How much of a text still belongs to a block that has so much room: up to the end of a line. */
function cut(text, room) {
  if (text.length <= room) return text.length;
  const end = text.indexOf("\n", Math.max(0, room));
  // The line break itself ends a block already.
  return end === -1 ? text.length : end + 1;
}
