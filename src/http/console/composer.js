/** The box that prompts are written in. */

import { h, say, set } from "./dom.js";

/** Where there is none, a field that has the focus covers half of the window with one. */
export function hasKeyboard() {
  return matchMedia("(pointer: fine)").matches;
}

/** `onSend(prompt)`, `onStop()`, `onDraft(text)`. */
export function makeComposer(t, { onSend, onStop, onDraft }) {
  const field = h("textarea", {
    id: "prompt",
    rows: "1",
    placeholder: t("ask.placeholder"),
    "aria-describedby": "prompt-keys",
    onkeydown: onKey,
    oninput: () => onDraft(field.value),
  });
  const send = h("button", { class: "button primary", type: "submit" }, t("ask.send"));
  const stop = h("button", { class: "button", type: "button", hidden: true, onclick: onStopClick }, t("ask.stop"));

  /** The second half of a double click was not meant for the button that has come under it. */
  function onStopClick({ detail }) {
    if (detail < 2) onStop();
  }

  function submit(event) {
    event.preventDefault();
    const prompt = field.value.trim();
    if (prompt === "" || send.hidden) return;
    field.value = "";
    onDraft("");
    onSend(prompt);
  }

  /** While a syllable is being put together, Enter belongs to the input method. */
  function onKey(event) {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    form.requestSubmit();
  }

  const form = h(
    "form",
    { class: "composer", onsubmit: submit },
    h("label", { for: "prompt", class: "visually-hidden" }, t("ask.prompt")),
    h("div", { class: "composer-box" }, field, h("div", { class: "composer-buttons" }, stop, send)),
  );
  function focusAfter(isBusy) {
    if (hasKeyboard()) field.focus();
    else (isBusy ? stop : send).focus();
  }

  return {
    element: form,
    /** What its keys do. */
    keys: h("p", { class: "hint keys", id: "prompt-keys" }, t("ask.keys")),
    focus: () => field.focus(),
    write: (text) => (field.value = text),
    /** While a run is under way there is a button that stops it, in place of the one that sends. */
    setBusy(isBusy) {
      const hadFocus = document.activeElement === send || document.activeElement === stop;
      set(send, "hidden", isBusy);
      set(stop, "hidden", !isBusy);
      set(stop, "disabled", false);
      say(stop, t("ask.stop"));
      if (hadFocus) focusAfter(isBusy);
    },
    setStopping() {
      say(stop, t("ask.stopping"));
      set(stop, "disabled", true);
      if (hasKeyboard()) field.focus();
    },
  };
}
