/** A button for what cannot be taken back: it asks once more, in its own place. */

import { h } from "./dom.js";

/** `act()` does it, and may return a promise. `label`: of the button; `sure`: of the one that does it. */
export function makeConfirm(app, { label, sure, about, act }) {
  const place = h("span", { class: "confirm" });
  let isBusy = false;
  const opener = h(
    "button",
    { type: "button", class: "button danger", "aria-label": `${label}: ${about}`, onclick: open },
    label,
  );
  const yes = h(
    "button",
    { type: "button", class: "button danger sure", "aria-label": `${sure}: ${about}`, onclick: confirmed },
    sure,
  );
  const no = h("button", { type: "button", class: "button", onclick: keep }, app.t("confirm.no"));
  place.append(opener);
  place.addEventListener("keydown", (event) => event.key === "Escape" && keep());

  function open() {
    place.replaceChildren(yes, no);
    no.focus();
  }

  function keep() {
    if (opener.isConnected || isBusy) return;
    place.replaceChildren(opener);
    opener.focus();
  }

  async function confirmed(event) {
    if (isBusy || event.detail > 1) return;
    isBusy = true;
    yes.setAttribute("aria-disabled", "true");
    await act();
    isBusy = false;
    yes.removeAttribute("aria-disabled");
    // What is still there afterwards may be asked for again.
    if (place.isConnected) keep();
  }

  return place;
}
