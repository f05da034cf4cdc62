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

/** Where nothing is seen: controls, what turns the direction of a text, blanks that are not the usual one. */
const UNSEEN =
  /((?<=\p{Emoji})\ufe0f|(?<=[\p{Extended_Pictographic}\p{Emoji_Modifier}\ufe0f])\u200d(?=\p{Extended_Pictographic})|[ \n\t]|\r(?=\n))|[\p{Cc}\p{Z}\p{Default_Ignorable_Code_Point}\p{Bidi_Control}\u2800]/gu;

/**
 * A text that somebody decides by, with all that is in it: what is not seen is shown as an escape, as the server does it in
 * questions and previews. Ends of lines, tabs and what emoji are made of stay.
 */
export function visible(text) {
  return text.replace(UNSEEN, (unseen, kept) => kept ?? `\\u{${unseen.codePointAt(0).toString(16)}}`);
}
