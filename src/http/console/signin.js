/** The form that takes a token. */

import { h, say } from "./dom.js";
import { Malformed, userOf } from "./session.js";

/**
 * `check(token)`: `null` if the server takes it, else why not; it throws if the server cannot be asked. `done(token)`
 * is called with one that it takes. Returns the form, `focus`, and
 * `tell(problem)`.
 */
export function makeTokenForm(t, { hint, check, done }) {
  const problem = h("p", { class: "problem", id: "signin-problem", role: "alert" });
  const field = h("textarea", {
    id: "signin-token",
    class: "token-field",
    rows: "4",
    spellcheck: "false",
    autocomplete: "off",
    autocapitalize: "off",
    required: true,
    "aria-describedby": "signin-hint signin-problem",
  });
  const button = h("button", { class: "button primary", type: "submit" }, t("signin.submit"));
  let isChecking = false;

  async function submit(event) {
    event.preventDefault();
    if (isChecking) return;
    isChecking = true;
    say(button, t("signin.checking"));
    const token = field.value.trim().replace(/^Bearer\s+/i, "");
    const wrong = await problemOf(t, token, check);
    say(problem, wrong ?? "");
    field.setAttribute("aria-invalid", String(wrong !== null));
    say(button, t("signin.submit"));
    isChecking = false;
    if (wrong === null) {
      field.value = "";
      done(token);
    } else {
      field.focus();
    }
  }

  /** Enter sends, as in a field of one line: a token has none. */
  function onKey(event) {
    if (event.key !== "Enter" || event.isComposing) return;
    event.preventDefault();
    form.requestSubmit();
  }

  field.addEventListener("keydown", onKey);
  const form = h(
    "form",
    { class: "signin-form", novalidate: true, onsubmit: submit },
    h("label", { for: "signin-token" }, t("signin.token")),
    field,
    h("p", { class: "hint", id: "signin-hint" }, hint),
    problem,
    button,
  );
  return { element: form, focus: () => field.focus(), tell: (text) => say(problem, text) };
}

async function problemOf(t, token, check) {
  try {
    userOf(token);
    const why = await check(token);
    return why === null ? null : t("signin.refused", { why });
  } catch (error) {
    return t(error instanceof Malformed ? "signin.malformed" : "signin.unreachable");
  }
}
