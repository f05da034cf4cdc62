/** The conversation: ask for something, and see what comes of it. */

import { hasKeyboard, makeComposer } from "./composer.js";
import { keptConversation } from "./conversation.js";
import { h, replace, set } from "./dom.js";
import { followEnd } from "./follow.js";
import { makeRunView } from "./run-view.js";

const EXAMPLES = ["status", "merge", "mail"];
/** Answers that are read out as a whole. */
const SPOKEN = 600;

export function makeAskView(app) {
  const { t } = app;
  const kept = keptConversation(app.user);
  const turns = h("div", { class: "turns" });
  const latest = h("button", { class: "button latest", type: "button", hidden: true }, t("ask.latest"));
  const fresh = h("button", { class: "button quiet", type: "button", onclick: begin }, t("ask.new"));
  const composer = makeComposer(t, { onSend: send, onStop: stop, onDraft: (text) => (kept.draft = text) });
  const foot = h("div", { class: "ask-foot" }, latest, composer.element, h("div", { class: "ask-more" }, composer.keys, fresh));
  const title = h("h1", { class: "visually-hidden" }, t("tab.ask"));
  const element = h("div", { class: "ask" }, title, turns, foot);
  /** The runs that are being read, the last one being that of the composer's buttons. */
  let views = [];
  let following = null;
  let wasFollowing = true;
  let isBusy = false;
  latest.addEventListener("click", () => following?.toEnd());

  function showLatest() {
    set(latest, "hidden", !isBusy || (following?.isFollowing() ?? true));
  }

  function setBusy(busy) {
    isBusy = busy;
    composer.setBusy(busy);
    showLatest();
    // What comes with the last event is laid out after it.
    if (!busy) requestAnimationFrame(() => following?.isFollowing() && following.toEnd());
  }

  function begin() {
    for (const view of views) view.close();
    views = [];
    kept.begin();
    setBusy(false);
    showWelcome();
    composer.focus();
  }

  function showWelcome() {
    set(fresh, "hidden", true);
    set(title, "hidden", true);
    replace(turns, welcome(t, send));
  }

  function send(prompt) {
    if (kept.turns.length === 0) replace(turns);
    app.announce(t("ask.started"));
    following?.toEnd();
    void read(kept.add(prompt), true);
  }

  async function stop() {
    const [turn, view] = [kept.turns.at(-1), views.at(-1)];
    if (turn?.sessionId === null) {
      leave(turn, view);
      return;
    }
    composer.setStopping();
    try {
      await view?.cancel();
    } catch (error) {
      app.fail(error);
      setBusy(true);
    }
  }

  /** Reads a turn's run: one that is known is joined from its first event, the request for any other is sent (again). */
  async function read(turn, isNew) {
    const view = showTurn(turn);
    setBusy(true);
    const { key: idempotencyKey, sessionId, prompt } = turn;
    const open = (options) =>
      sessionId === null
        ? app.client.run(prompt, { ...options, idempotencyKey, threadId: kept.threadId })
        : app.client.join(sessionId, options);
    const status = await view.read(open, (id) => turn.sessionId ?? kept.named(turn, id));
    if (status === "unreadable" && turn.sessionId === null) takeBack(turn);
    if (views.at(-1) === view) setBusy(false);
    if (isNew && status !== null && status !== "unreadable") app.announce(spoken(t, status, view.answer()));
  }

  /** What was refused can be changed and sent again. */
  function takeBack(turn) {
    kept.drop(turn);
    if (kept.draft !== "") return;
    kept.draft = turn.prompt;
    composer.write(turn.prompt);
  }

  /** There is nothing to stop yet: the server has not answered. */
  function leave(turn, view) {
    view.close();
    takeBack(turn);
    view.element.closest(".turn").remove();
    if (turns.childElementCount === 0) showWelcome();
  }

  function showTurn({ prompt }) {
    set(fresh, "hidden", false);
    set(title, "hidden", false);
    const view = makeRunView(app);
    views.push(view);
    turns.append(h("article", { class: "turn" }, h("p", { class: "visually-hidden" }, t("ask.you")), h("h2", { class: "prompt" }, prompt), view.element));
    return view;
  }

  async function restore() {
    if (kept.turns.length === 0) showWelcome();
    const { threadId } = kept;
    // One after the other: a browser has few connections to a server.
    for (const turn of kept.turns) {
      if (kept.threadId === threadId) await read(turn, false);
    }
  }

  composer.write(kept.draft);
  void restore();
  return {
    element,
    open() {
      following = followEnd(turns, () => isBusy, showLatest, wasFollowing);
      if (hasKeyboard()) composer.focus();
    },
    close() {
      wasFollowing = following?.isFollowing() ?? true;
      following?.stop();
      following = null;
    },
  };
}

function welcome(t, send) {
  const example = (name) =>
    h(
      "li",
      null,
      h(
        "button",
        { class: "example", type: "button", onclick: () => send(t(`ask.example.${name}`)) },
        h("span", null, t(`ask.example.${name}`)),
        h("span", { class: "soft" }, t(`ask.example.${name}.about`)),
      ),
    );
  return h(
    "div",
    { class: "welcome" },
    h("h1", null, t("ask.title")),
    h("p", { class: "lead" }, t("ask.lead")),
    h("ul", { class: "examples", "aria-label": t("ask.examples") }, EXAMPLES.map(example)),
  );
}

function spoken(t, status, answer) {
  return t("ask.ended", { status: t(`end.${status}`), answer: answer.length > SPOKEN ? "" : answer });
}
