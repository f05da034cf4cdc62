/** What the page says, in Korean and in English. */

import { browser } from "./storage.js";
import { EN_APPROVALS } from "./words-en-approvals.js";
import { EN } from "./words-en.js";
import { KO_APPROVALS } from "./words-ko-approvals.js";
import { KO } from "./words-ko.js";

/** Each language has tables with the same keys. */
const WORDS = { ko: { ...KO, ...KO_APPROVALS }, en: { ...EN, ...EN_APPROVALS } };
const KEPT = "language";

export const LANGUAGES = Object.keys(WORDS);

/** The language that was chosen, else the browser's, else Korean. */
export function chosenLanguage() {
  const wanted = [browser.get(KEPT), ...navigator.languages.map((name) => name.slice(0, 2))];
  return wanted.find((name) => LANGUAGES.includes(name)) ?? "ko";
}

export function chooseLanguage(language) {
  browser.set(KEPT, language);
}

/** `t("ask.tokens", { count: 3 })`: the text of that key, with `{count}` filled in. */
export function makeWords(language) {
  const table = WORDS[language];
  return (key, values = {}) => {
    const text = Object.hasOwn(table, key) ? table[key] : key;
    return text.replace(/\{(\w+)\}/g, (all, name) => (Object.hasOwn(values, name) ? String(values[name]) : all));
  };
}

/** The text of a key that may not be there, for words that a newer server sends. */
export function wordOr(app, key, other) {
  const text = app.t(key);
  return text === key ? other : text;
}
