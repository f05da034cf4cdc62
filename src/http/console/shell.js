/** What is around the views: signing in, the tabs, the address, what is said to everybody. */

import { makeClient, pageConfig, probe } from "./api.js";
import { makeBar } from "./bar.js";
import { h, replace } from "./dom.js";
import { inboxOf } from "./inbox.js";
import { makeNotices } from "./notices.js";
import { makeSession, tokenInAddress, userOf } from "./session.js";
import { makeTokenForm } from "./signin.js";
import { placeOf, viewsFor } from "./views.js";
import { chosenLanguage, makeWords } from "./words.js";

const BASE_TITLE = "Aura";
/** How long a page waits for a server that is not there, before it asks again. */
const AGAIN_MS = 1500;

/** Shows the page: the form for a token, or, once there is one, everything else. */
export async function startConsole() {
  const language = chosenLanguage();
  document.documentElement.lang = language;
  const t = makeWords(language);
  const config = await patiently(pageConfig, () => showAway(t));
  const page = { t, language, config, app: null };
  page.session = makeSession(config, {
    onWanted: () => (page.app === null ? showSignIn(page, null) : showRenewal(page)),
    onToken: (user, isOther) => onToken(page, user, isOther),
  });
  const given = tokenInAddress();
  const token = (config.tokenInFragment ? given : null) ?? page.session.kept();
  window.addEventListener("hashchange", () => takeFromAddress(page));
  if (token === null || !tried(() => page.session.take(token))) page.session.want();
}

/** An address with a token that is opened where this page is open already does not load it anew. */
function takeFromAddress({ config, session }) {
  const token = tokenInAddress();
  if (token !== null && config.tokenInFragment) tried(() => session.take(token));
}

/** Tries again until the server is there; a page that begins while it is away does not end with that. */
async function patiently(work, onFailure) {
  for (;;) {
    try {
      return await work();
    } catch {
      onFailure();
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    }
  }
}

function showAway(t) {
  replace(document.body, h("main", { class: "signin" }, h("h1", { class: "visually-hidden" }, BASE_TITLE), h("p", { role: "status" }, t("app.offline"))));
}

function tried(work) {
  try {
    work();
    return true;
  } catch {
    return false;
  }
}

/** Somebody else's page begins anew, with nothing of the one before. */
function onToken(page, user, isOther) {
  if (isOther) location.reload();
  else if (page.app === null) void enter(page, user);
  else page.renewal?.close();
}

function tokenForm(page, hint, done) {
  const check = async (token) => (await probe(token, userOf(token))).why;
  return makeTokenForm(page.t, { hint, check, done });
}

/** `why`: what the server has against the token that there was. */
function showSignIn(page, why) {
  const { t, session } = page;
  const hint = session.hasGiver ? `${t("signin.waiting")} ${t("signin.hint")}` : t("signin.hint");
  const form = tokenForm(page, hint, (token) => session.take(token));
  document.title = BASE_TITLE;
  replace(
    document.body,
    h(
      "main",
      { class: "signin" },
      h("div", { class: "card signin-card" }, h("h1", null, t("signin.title")), h("p", { class: "lead" }, t("signin.lead")), form.element),
    ),
  );
  if (why !== null) form.tell(t("signin.refused", { why }));
  form.focus();
}

/** A form above everything that is shown, which waits for the new token. */
function showRenewal(page) {
  if (page.renewal?.open) return;
  const { t, session } = page;
  const form = tokenForm(page, t("signin.hint"), (token) => session.take(token));
  const dialog = h(
    "dialog",
    { class: "dialog", "aria-labelledby": "renewal-title", onkeydown: (event) => event.key === "Escape" && event.preventDefault() },
    h("h2", { id: "renewal-title" }, t("signin.again")),
    h("p", null, t("signin.expired")),
    form.element,
  );
  // There is nothing to do without a token, and nobody is asked twice: whatever closes it, it is there again.
  dialog.addEventListener("close", () => (session.isGood() ? dialog.remove() : dialog.showModal()));
  document.body.append(dialog);
  page.renewal = dialog;
  dialog.showModal();
  form.focus();
}

async function enter(page, user) {
  page.app = {};
  const token = page.session.kept();
  const found = await patiently(() => probe(token, user), () => showAway(page.t));
  if (found.why !== null) {
    page.app = null;
    page.session.refuse(token);
    page.session.announce();
    showSignIn(page, found.why);
    return;
  }
  page.app = makeApp(page, user, found.roles);
  showViews(page);
}

function makeApp(page, user, roles) {
  const { t, language, session } = page;
  const notices = makeNotices(t);
  const client = makeClient(session, user, () => notices.online());
  let count = 0;
  let place = "";
  const title = () => (document.title = `${count > 0 ? `(${count}) ` : ""}${place}${BASE_TITLE}`);
  return {
    client,
    /** A token that the server takes, as soon as there is one; and the end of it. */
    token: () => session.source(),
    tokenLost: () => session.lost(),
    user: { tenant: user.tenant, id: user.id },
    roles,
    t,
    language,
    announce: notices.announce,
    fail: notices.fail,
    offline: notices.offline,
    baseTitle: BASE_TITLE,
    /** How many requests wait: in the window's title, and on their tab. */
    setCount(n) {
      count = n;
      title();
      this.bar?.setCount(n);
    },
    setPlace(name) {
      place = name === "" ? "" : `${name} · `;
      title();
    },
    notices,
    bar: null,
  };
}

function showViews(page) {
  const { app, session } = page;
  const views = viewsFor(app.roles);
  const signOut = () => {
    session.forget();
    location.reload();
  };
  // Where another page hands out tokens, it is there that one signs out: it would hand over the next at once.
  app.bar = makeBar(app, views, session.isGiven() ? null : signOut);
  const main = h("main", { id: "main", tabindex: "-1" });
  const skip = h("a", { class: "skip", href: "#main", onclick: (event) => (event.preventDefault(), main.focus()) }, app.t("app.skip"));
  replace(document.body, skip, app.bar.element, app.notices.banner, main, app.notices.region);
  const router = makeRouter(app, views, main);
  window.addEventListener("hashchange", () => router.go(true));
  router.go(false);
  inboxOf(app).start();
}

/** Shows the view that the address names. A view stays as it is while another is seen. */
function makeRouter(app, views, main) {
  const made = new Map();
  /** How far each view was scrolled when it was left. */
  const tops = new Map();
  const root = document.scrollingElement;
  let shown = null;
  return {
    go(isMove) {
      const { view, argument } = placeOf(location.hash, views);
      if (!made.has(view.name)) made.set(view.name, view.make(app));
      const next = made.get(view.name);
      const isOther = shown !== next;
      if (isOther) {
        if (shown !== null) tops.set(shown, root.scrollTop);
        shown?.close();
        replace(main, next.element);
      }
      shown = next;
      app.setPlace(app.t(`tab.${view.name}`));
      app.bar.setPlace(view.name);
      next.open(argument);
      if (isOther) root.scrollTop = tops.get(next) ?? 0;
      if (isMove) focusIn(next.element);
    },
  };
}

/** Whoever has followed a link goes on where it leads, unless the view has put them elsewhere already. */
function focusIn(element) {
  if (element.contains(document.activeElement)) return;
  const heading = element.querySelector("h1, h2");
  if (heading === null) return;
  heading.setAttribute("tabindex", "-1");
  heading.focus({ preventScroll: true });
}
