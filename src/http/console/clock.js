/** Deadlines as clocks: one timer drives all of them, and they go by the server's time. */

import { h } from "./dom.js";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Differences that the rounding of a timestamp, or a slow network, would explain. */
const ROUNDING_MS = { behind: 2 * SECOND, ahead: SECOND };

/** How far the server's clock is ahead of this one, in milliseconds. */
let aheadMs = 0;

/** Every clock that runs, and the timer that moves them. */
const running = new Set();
let timer = null;

/** The server has just said what time it is, in Unix seconds: clocks of people are wrong by minutes, and by hours. */
export function noteServerTime(seconds, now = Date.now()) {
  const ahead = seconds * SECOND - now;
  aheadMs = ahead > -ROUNDING_MS.behind && ahead < ROUNDING_MS.ahead ? 0 : ahead;
}

/** The server's time, in milliseconds. */
export function serverNow() {
  return Date.now() + aheadMs;
}

/**
 * What is left until `deadlineMs`. It is spoken only once, a minute before the end; `what` is what that is said of.
 * Whoever made it stops it.
 */
export function makeClock(app, deadlineMs, what) {
  const text = document.createTextNode("");
  const element = h("span", { class: "clock", role: "timer" }, text);
  const clock = { app, deadlineMs, what, element, text, hasWarned: deadlineMs - serverNow() <= MINUTE };
  const tick = () => show(clock);
  tick();
  running.add(tick);
  timer ??= setInterval(tickAll, SECOND);
  return { element, stop: () => stop(tick) };
}

function tickAll() {
  for (const tick of running) tick();
}

function stop(tick) {
  running.delete(tick);
  if (running.size > 0 || timer === null) return;
  clearInterval(timer);
  timer = null;
}

function show(clock) {
  const { app, deadlineMs, element, text } = clock;
  const left = deadlineMs - serverNow();
  const said = left > 0 ? app.t("clock.left", { time: leftText(app, left) }) : app.t("clock.over");
  if (text.data !== said) text.data = said;
  element.classList.toggle("is-urgent", left <= MINUTE);
  if (left <= 0 || left > MINUTE || clock.hasWarned) return;
  clock.hasWarned = true;
  app.announce(app.t("clock.minute", { what: clock.what }));
}

/** `4:32`, `2 h 5 min`, `3 d 4 h`. */
export function leftText(app, ms) {
  if (ms >= DAY) return app.t("clock.days", { days: Math.floor(ms / DAY), hours: Math.floor((ms % DAY) / HOUR) });
  if (ms >= HOUR)
    return app.t("clock.hours", { hours: Math.floor(ms / HOUR), minutes: Math.floor((ms % HOUR) / MINUTE) });
  const seconds = Math.floor(ms / SECOND);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

/** A moment, in Unix milliseconds, as people write it; nothing if it is none. */
export function makeTime(app, ms) {
  const date = new Date(typeof ms === "number" ? ms : NaN);
  if (Number.isNaN(date.getTime())) return null;
  const isToday = date.toDateString() === new Date().toDateString();
  const form = isToday ? { timeStyle: "short" } : { dateStyle: "medium", timeStyle: "short" };
  const full = new Intl.DateTimeFormat(app.language, { dateStyle: "full", timeStyle: "medium" }).format(date);
  const text = new Intl.DateTimeFormat(app.language, form).format(date);
  return h("time", { datetime: date.toISOString(), title: full }, text);
}
