/** A form for a call's arguments: a field for each plain value, JSON for all else. */

import { h } from "./dom.js";

/** What is longer than this, or has lines, gets an area instead of a line. */
const LINE_MAX = 80;

let forms = 0;

/**
 * `args`: the arguments, whole. `onSubmit(args)` gets all of them, changed or not, and may return a promise; what it
 * rejects with stays the caller's. `note`: a sentence above the fields, or null.
 *
 * Returns `{ element, focus(), showFault(text), setBusy(isBusy) }`. `showFault` puts a refusal to the field that it names.
 */
export function makeEditForm(app, args, { onSubmit, onCancel, note = null }) {
  const id = `edit-${(forms += 1)}`;
  const fields = Object.entries(args).map(([key, value], at) => makeField(app, key, value, `${id}-${at}`));
  const fault = h("p", { class: "problem", role: "alert" });
  const submit = h("button", { type: "submit", class: "button primary" }, app.t("edit.submit"));
  const cancel = h("button", { type: "button", class: "button", onclick: onCancel }, app.t("edit.cancel"));
  const form = { app, fields, fault, submit };
  const element = h(
    "form",
    { class: "edit-form", novalidate: true, "aria-label": app.t("edit.title") },
    note === null ? null : h("p", { class: "warning" }, note),
    fields.map((field) => field.element),
    fault,
    h("div", { class: "actions" }, submit, cancel),
  );
  element.addEventListener("submit", (event) => {
    event.preventDefault();
    submitted(form, onSubmit);
  });
  return {
    element,
    focus: () => (fields[0]?.input ?? submit).focus(),
    showFault: (text) => showFault(form, text),
    setBusy: (isBusy) => submit.setAttribute("aria-disabled", String(isBusy)),
  };
}

function submitted(form, onSubmit) {
  if (form.submit.getAttribute("aria-disabled") === "true") return;
  clearFaults(form);
  const read = form.fields.map((field) => field.read());
  const wrong = read.findIndex(({ fault }) => fault !== undefined);
  if (wrong >= 0) {
    read.forEach(({ fault }, at) => fault !== undefined && form.fields[at].showFault(fault));
    form.fields[wrong].input.focus();
    return;
  }
  const entries = read.map(({ value }, at) => [form.fields[at].key, value]);
  // `__proto__` is a name like any other here.
  onSubmit(Object.fromEntries(entries));
}

function clearFaults({ fields, fault }) {
  fault.replaceChildren();
  for (const field of fields) field.showFault("");
}

/** The server names a field in backticks: `to`, or as a path, `/to/0`. */
function showFault(form, text) {
  const named = Array.from(text.matchAll(/`\/?([^`/]+)[^`]*`/g), ([, name]) => name);
  const field = form.fields.find(({ key }) => named.includes(key));
  if (field === undefined) {
    form.fault.replaceChildren(text);
    return;
  }
  field.showFault(text);
  field.input.focus();
}

function makeField(app, key, value, id) {
  const kind = kindOf(value);
  const input = kind.input(value, id);
  const fault = h("p", { class: "problem", id: `${id}-fault` });
  const hint = h("span", { class: "soft" }, app.t(`edit.type.${kind.name}`));
  input.setAttribute("aria-describedby", `${id}-fault`);
  const label = h("label", { for: id }, h("code", null, key), " ", hint);
  const inside = kind.name === "boolean" ? [input, label] : [label, input];
  return {
    key,
    input,
    element: h("div", { class: `edit-field is-${kind.name}` }, inside, fault),
    read: () => kind.read(app, input, value),
    showFault(text) {
      fault.replaceChildren(text);
      if (text === "") input.removeAttribute("aria-invalid");
      else input.setAttribute("aria-invalid", "true");
    },
  };
}

/** How a value is shown in a form and read from it: `read` gives `{ value }` or `{ fault }`. */
function kindOf(value) {
  if (typeof value === "string") return TEXT;
  if (typeof value === "number") return NUMBER;
  return typeof value === "boolean" ? BOOLEAN : JSON_VALUE;
}

const TEXT = {
  name: "string",
  input: (value, id) => (isLong(value) ? area(value, id) : line(value, id)),
  read(_app, input, before) {
    // An area has made one line feed of each end of a line.
    const same = input.value === before.replaceAll(/\r\n?/g, "\n");
    return { value: same ? before : input.value };
  },
};

const NUMBER = {
  name: "number",
  input: (value, id) => line(String(value), id, { inputmode: "decimal" }),
  read(app, input, before) {
    const text = input.value.trim();
    // What was not touched stays the number that it was.
    if (text === String(before)) return { value: before };
    const value = parsed(text);
    if (typeof value !== "number") return { fault: app.t("edit.noNumber") };
    return isExact(value) ? { value } : { fault: app.t("edit.inexact") };
  },
};

const BOOLEAN = {
  name: "boolean",
  input: (value, id) => h("input", { type: "checkbox", id, checked: value }),
  read: (_app, input) => ({ value: input.checked }),
};

const JSON_VALUE = {
  name: "json",
  input: (value, id) => area(JSON.stringify(value, null, 2), id, { class: "is-code", spellcheck: "false" }),
  read(app, input) {
    const value = parsed(input.value);
    if (value === undefined) return { fault: app.t("edit.noJson") };
    return isExact(value) ? { value } : { fault: app.t("edit.inexact") };
  },
};

const isLong = (text) => text.length > LINE_MAX || /[\r\n]/.test(text);

function line(value, id, props = {}) {
  const input = h("input", { type: "text", id, autocomplete: "off", ...props });
  input.value = value;
  return input;
}

function area(value, id, props = {}) {
  const rows = Math.min(12, Math.max(3, value.split("\n").length + 1));
  const input = h("textarea", { id, rows, ...props });
  input.value = value;
  return input;
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Whether a browser's numbers can hold all that are in it: whole ones above 2^53 would come back changed, 1e999 as nothing. */
export function isExact(value) {
  if (typeof value === "number") return Number.isFinite(value) && (!Number.isInteger(value) || Number.isSafeInteger(value));
  if (typeof value !== "object" || value === null) return true;
  return Object.values(value).every(isExact);
}
