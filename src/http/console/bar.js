/** The bar at the top: tabs, and who is signed in. */

import { h, say, set } from "./dom.js";
import { chooseLanguage, LANGUAGES } from "./words.js";

const NAMES = { ko: "한국어", en: "English" };

/** `signOut`: `null` where that is done elsewhere. */
export function makeBar(app, views, signOut) {
  const { t } = app;
  const count = h("span", { class: "count", hidden: true, "aria-hidden": "true" });
  const spoken = h("span", { class: "visually-hidden" });
  const links = new Map(views.map(({ name }) => [name, tab(t, name, name === "approvals" ? [count, spoken] : [])]));
  const element = h(
    "header",
    { class: "bar" },
    h("a", { class: "brand", href: "#/ask" }, app.baseTitle),
    h("nav", { class: "tabs", "aria-label": t("app.views") }, h("ul", null, [...links.values()].map((link) => h("li", null, link)))),
    menu(app, signOut),
  );
  return {
    element,
    setPlace(name) {
      for (const [of, link] of links) set(link, "aria-current", of === name ? "page" : null);
      reach(links.get(name));
    },
    setCount(n) {
      say(count, String(n));
      set(count, "hidden", n === 0);
      say(spoken, n === 0 ? "" : ` (${t("tab.waiting", { count: n })})`);
    },
  };
}

/** On a phone not all tabs fit next to each other; the page itself stays where it is. */
function reach(link) {
  const tabs = link.closest(".tabs");
  const [shown, all] = [link, tabs].map((element) => element.getBoundingClientRect());
  tabs.scrollLeft += Math.max(0, shown.right - all.right) + Math.min(0, shown.left - all.left);
}

function tab(t, name, more) {
  return h("a", { class: "tab", href: `#/${name}` }, t(`tab.${name}`), more);
}

function menu(app, signOut) {
  const { t, user } = app;
  const language = h("select", { id: "language", onchange: ({ target }) => (chooseLanguage(target.value), location.reload()) });
  language.append(...LANGUAGES.map((name) => h("option", { value: name, lang: name, selected: name === app.language }, NAMES[name])));
  const details = h(
    "details",
    { class: "menu" },
    h("summary", { "aria-label": t("app.menu", user) }, h("span", { class: "avatar", "aria-hidden": "true" }, user.id.slice(0, 2))),
    h(
      "div",
      { class: "menu-body card" },
      h("dl", { class: "who" }, h("dt", null, t("app.user")), h("dd", null, user.id), h("dt", null, t("app.tenant")), h("dd", null, user.tenant)),
      h("label", { for: "language" }, t("app.language")),
      language,
      signOut && h("button", { class: "button", type: "button", onclick: signOut }, t("app.signOut")),
    ),
  );
  details.addEventListener("keydown", (event) => event.key === "Escape" && close(details));
  document.addEventListener("click", ({ target }) => details.contains(target) || (details.open = false));
  return details;
}

function close(details) {
  details.open = false;
  details.querySelector("summary").focus();
}
