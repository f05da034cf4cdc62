/** Numbers and times for people. */

/** `1.2 s`, `3 min 5 s`. */
export function duration(t, ms) {
  if (ms < 1000) return t("time.ms", { count: ms });
  if (ms < 60_000) return t("time.seconds", { count: (ms / 1000).toFixed(1) });
  const seconds = Math.round(ms / 1000);
  return t("time.minutes", { minutes: Math.floor(seconds / 60), seconds: seconds % 60 });
}

/** A time of the server, in Unix seconds, where the reader is. */
export function when(language, seconds) {
  return new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" }).format(new Date(seconds * 1000));
}

export function number(language, value) {
  return new Intl.NumberFormat(language).format(value);
}

/** A JSON value as text; a text as it is. */
export function pretty(value) {
  return typeof value === "string" ? value : JSON.stringify(value, null, 2);
}
