/** The box that prompts are written in. */

import { h, say, set } from "./dom.js";

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
  const stop = h("button", { class: "button", type: "button", hidden: true, onclick: onStop }, t("ask.stop"));

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
      if (hadFocus) field.focus();
    },
    setStopping() {
      say(stop, t("ask.stopping"));
      set(stop, "disabled", true);
      field.focus();
    },
  };
}
