/** What is told from anywhere: politely to those who listen, as a bar to those who look. */

import { AuraError } from "./aura-client.js";
import { h, replace, say } from "./dom.js";

export function makeNotices(t) {
  const spoken = h("div", { class: "visually-hidden", "aria-live": "polite", "aria-atomic": "true" });
  const faults = h("div", { class: "faults", role: "alert" });
  const banner = h("p", { class: "banner", role: "status", hidden: true }, t("app.offline"));
  const dismiss = () => replace(faults);
  return {
    region: h("div", null, spoken, faults),
    banner,
    announce: (text) => say(spoken, spoken.textContent === text ? `${text}\u00a0` : text),
    fail(error) {
      if (error?.name === "AbortError" || (error instanceof AuraError && error.code === "left")) return;
      const close = h("button", { class: "button quiet", type: "button", onclick: dismiss }, t("app.dismiss"));
      replace(faults, h("div", { class: "fault" }, h("p", null, sentence(t, error)), close));
    },
    offline: () => (banner.hidden = false),
    online: () => (banner.hidden = true),
  };
}

/** What has gone wrong, for people. */
export function sentence(t, error) {
  if (!(error instanceof AuraError)) return t("error.other", { why: error?.message ?? String(error) });
  const why = [error.detail ?? error.message, error.traceId].filter(Boolean).join(" · ");
  if (error.code === "connection") return t("error.connection");
  const held = heldReason(error);
  if (held !== null) return t("error.held", { why: held });
  if (error.status === 429) return t("error.busy", { why });
  if (error.status === 404) return t("error.missing");
  if (error.status === 403) return t("error.forbidden");
  return t("error.other", { why });
}

/** What an operator wrote about a hold, without the server's English around it; `null` if it is none. */
export function heldReason({ detail }) {
  return /^an operator has put .+? on hold: (.+)$/su.exec(detail ?? "")?.[1] ?? null;
}
