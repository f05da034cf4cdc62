/** An answer as it comes: pieces go into text nodes, once a frame, however many there are. */

import { h } from "./dom.js";

/** After so many characters the answer goes on in a new block, so that a long one is not laid out again and again. */
const BLOCK = 4000;

export function makeAnswer(label) {
  const element = h("div", { class: "answer", role: "group", "aria-label": label });
  let last = null;
  let waiting = "";
  let frame = 0;

  function open() {
    last = document.createTextNode("");
    element.append(h("div", { class: "answer-text" }, last));
  }

  function flush() {
    cancelAnimationFrame(frame);
    frame = 0;
    while (waiting !== "") {
      if (last === null) open();
      const room = cut(waiting, BLOCK - last.length);
      last.appendData(waiting.slice(0, room));
      waiting = waiting.slice(room);
      if (waiting !== "") last = null;
    }
  }

  return {
    element,
    add(text) {
      waiting += text;
      if (frame === 0) frame = requestAnimationFrame(flush);
    },
    flush,
    text: () => element.textContent + waiting,
  };
}

/** How much of a text still belongs to a block that has so much room: up to the end of a line. */
function cut(text, room) {
  if (text.length <= room) return text.length;
  const end = text.indexOf("\n", Math.max(0, room));
  // The line break itself ends a block already.
  return end === -1 ? text.length : end + 1;
}
