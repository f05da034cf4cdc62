/** A run that is being read into a timeline, and a line that says how it goes. */

import { AuraError } from "./aura-client.js";
import { h, say, set } from "./dom.js";
import { sentence } from "./notices.js";
import { makeTimeline } from "./timeline.js";

/**
 * `read(open, onSession)` reads the run that `open({ onReconnect })` gives, to its end, which it returns: the status,
 * `"unreadable"` if it cannot be read, which is shown, or `null` if it was left, also before it was begun.
 */
export function makeRunView(app) {
  const { t } = app;
  const timeline = makeTimeline(app);
  const line = h("p", { class: "run-line" });
  const element = h("div", { class: "run" }, timeline.element, line);
  let run = null;
  let isClosed = false;

  function tell(text, state) {
    say(line, text);
    set(line, "data-state", state);
    set(line, "hidden", text === "");
  }

  function onReconnect({ reason }) {
    const why = reason.status > 0 ? ` ${reason.detail ?? reason.message}` : "";
    tell(t("ask.reconnecting") + why, "away");
    if (reason.status === 0) app.offline();
  }

  function show(event) {
    timeline.add(event);
    if (event.type === "hitl") {
      tell(t("ask.waiting"), "asking");
      app.announce(t("ask.asked", { question: event.data.message }));
    } else {
      tell(t("ask.working"), "working");
    }
  }

  async function follow() {
    let status = "lost";
    for await (const event of run) {
      show(event);
      if (event.type === "end") status = event.data.status;
    }
    tell(status === "lost" ? t("ask.lost") : "", "over");
    return status;
  }

  async function read(open, onSession) {
    if (isClosed) return null;
    tell(t("ask.connecting"), "working");
    run = open({ onReconnect });
    run.sessionId.then(onSession, () => undefined);
    try {
      return await follow();
    } catch (error) {
      if (error instanceof AuraError && error.code === "left") return null;
      tell(error instanceof AuraError && error.status === 404 ? t("ask.gone") : sentence(t, error), "over");
      return "unreadable";
    }
  }

  return {
    element,
    read,
    answer: timeline.answer,
    /** Stops reading; the run goes on. */
    close() {
      isClosed = true;
      timeline.close();
      void run?.close();
    },
    cancel: () => run?.cancel(),
  };
}
