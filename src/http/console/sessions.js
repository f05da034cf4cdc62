/** The caller's sessions, and one of them as its record has it. */

import { h, replace } from "./dom.js";
import { when } from "./format.js";
import { makeRunView } from "./run-view.js";
import { wordOr } from "./words.js";

const PAGE = 20;
const ALIVE = new Set(["running", "waiting_approval"]);

export function makeSessionsView(app) {
  const element = h("div", { class: "page" });
  let shown = null;
  return {
    element,
    open(sessionId) {
      shown?.close();
      shown = sessionId === null ? makeList(app) : makeReplay(app, sessionId);
      replace(element, shown.element);
      document.scrollingElement.scrollTop = 0;
      void shown.load();
    },
    close() {
      shown?.close();
      shown = null;
    },
  };
}

function makeList(app) {
  const { t, client } = app;
  const list = h("ul", { class: "rows" });
  const more = h("button", { class: "button", type: "button", hidden: true, onclick: () => void loadMore() }, t("app.more"));
  const empty = h("p", { class: "empty", role: "status" }, t("app.loading"));
  const refresh = h("button", { class: "button", type: "button", onclick: () => load(null) }, t("sessions.refresh"));
  const head = h("div", { class: "page-head" }, h("div", null, h("h1", null, t("sessions.title")), h("p", { class: "lead" }, t("sessions.lead"))), refresh);
  let next = null;
  let reading = 0;

  /** What was asked for before, and comes later, is not shown. */
  async function load(before = null) {
    const mine = (reading += 1);
    try {
      const page = await client.sessions.list({ limit: PAGE, ...(before === null ? {} : { before }) });
      if (mine !== reading) return;
      if (before === null) replace(list);
      list.append(...page.sessions.map((session) => row(app, session)));
      next = page.next;
      more.hidden = next === null;
      replace(empty, list.childElementCount > 0 ? null : [t("sessions.none"), " ", h("a", { href: "#/ask" }, t("sessions.first"))]);
    } catch (error) {
      app.fail(error);
    }
  }

  /** The button may be gone: the keyboard goes on with what it has brought. */
  async function loadMore() {
    const at = list.childElementCount;
    await load(next);
    list.children[at]?.querySelector("a").focus();
  }

  return { element: h("div", null, head, list, empty, more), load: () => load(null), close: () => undefined };
}

function row(app, { sessionId, status, prompt, createdAt }) {
  return h(
    "li",
    null,
    h(
      "a",
      { class: "row", href: `#/sessions/${encodeURIComponent(sessionId)}` },
      h("span", { class: "row-title" }, prompt),
      h("span", { class: "row-more" }, stateChip(app, status), h("span", { class: "soft" }, when(app.language, createdAt))),
    ),
  );
}

function stateChip(app, status) {
  return h("span", { class: "chip", "data-state": status }, wordOr(app, `session.${status}`, status));
}

function makeReplay(app, sessionId) {
  const { t, client } = app;
  const view = makeRunView(app);
  const state = h("div", { class: "row-more" });
  const prompt = h("h1", { class: "prompt-title" }, t("app.loading"));
  const cancel = h("button", { class: "button", type: "button", hidden: true, onclick: stop }, t("sessions.cancel"));
  const back = h("p", null, h("a", { href: "#/sessions" }, `← ${t("sessions.back")}`));
  const head = h("div", { class: "page-head" }, h("div", null, prompt, state), cancel);

  async function describe() {
    const session = await client.sessions.get(sessionId);
    prompt.textContent = session.prompt;
    replace(state, stateChip(app, session.status), h("span", { class: "soft" }, t("sessions.started", { time: when(app.language, session.createdAt) })));
    cancel.hidden = !ALIVE.has(session.status);
  }

  async function load() {
    try {
      await describe();
    } catch (error) {
      prompt.textContent = error.status === 404 ? t("sessions.missing") : t("sessions.title");
      if (error.status !== 404) app.fail(error);
      return;
    }
    const end = await view.read(
      (options) => client.join(sessionId, options),
      () => undefined,
    );
    if (end !== null && end !== "unreadable") await describe().catch(app.fail);
  }

  async function stop() {
    try {
      const { status, wasOver } = await client.sessions.cancel(sessionId);
      app.announce(wasOver ? t("sessions.over", { status: t(`session.${status}`) }) : t("sessions.cancelled"));
      cancel.hidden = true;
    } catch (error) {
      app.fail(error);
    }
  }

  return { element: h("div", null, back, head, view.element), load, close: view.close };
}
