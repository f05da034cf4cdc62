/** Holds: what operators have stopped for now, putting one and lifting it. */

import { makeTime } from "./clock.js";
import { makeConfirm } from "./confirm.js";
import { h, replace } from "./dom.js";

/** What a hold may be called; the client sends nothing else. */
const NAME = /^[a-z0-9-]{1,64}$/;

export function makeHolds(app) {
  const holds = { app, isBusy: false, parts: makeParts(app) };
  const { form } = holds.parts;
  form.element.addEventListener("submit", (event) => {
    event.preventDefault();
    void put(holds);
  });
  const element = h(
    "section",
    { class: "operators-part", "aria-labelledby": "holds-title" },
    h("h2", { id: "holds-title", tabindex: "-1" }, app.t("holds.title")),
    holds.parts.empty,
    holds.parts.list,
    h("details", { class: "new-hold" }, h("summary", null, app.t("holds.new")), form.element),
  );
  return { element, refresh: () => refresh(holds) };
}

function makeParts(app) {
  return {
    list: h("ul", { class: "rows", "aria-labelledby": "holds-title" }),
    empty: h("p", { class: "soft" }, app.t("holds.none")),
    form: makeForm(app),
  };
}

function makeForm(app) {
  const fields = {
    name: textField(app, "name"),
    tool: textField(app, "tool"),
    tenant: textField(app, "tenant"),
    reason: textField(app, "reason"),
  };
  const runs = h("input", { type: "checkbox", id: "hold-runs" });
  const fault = h("p", { class: "problem", role: "alert" });
  const element = h(
    "form",
    { class: "edit-form", novalidate: true, "aria-label": app.t("holds.new") },
    fields.name.element,
    h(
      "fieldset",
      null,
      h("legend", null, app.t("holds.what")),
      h("div", { class: "edit-field is-boolean" }, runs, h("label", { for: "hold-runs" }, app.t("holds.runs"))),
      fields.tool.element,
    ),
    fields.tenant.element,
    fields.reason.element,
    fault,
    h("div", { class: "actions" }, h("button", { type: "submit", class: "button danger" }, app.t("holds.put"))),
  );
  return { element, fields, runs, fault };
}

function textField(app, name) {
  const id = `hold-${name}`;
  const input = h("input", { type: "text", id, autocomplete: "off", "aria-describedby": `${id}-hint ${id}-fault` });
  const fault = h("p", { class: "problem", id: `${id}-fault` });
  const hint = h("p", { class: "soft", id: `${id}-hint` }, app.t(`holds.${name}Hint`));
  return {
    input,
    element: h("div", { class: "edit-field" }, h("label", { for: id }, app.t(`holds.${name}`)), input, hint, fault),
    showFault(text) {
      replace(fault, text);
      if (text === "") input.removeAttribute("aria-invalid");
      else input.setAttribute("aria-invalid", "true");
    },
  };
}

async function refresh(holds) {
  const { app } = holds;
  try {
    show(holds, await app.client.admin.holds());
  } catch (error) {
    app.fail(error);
  }
}

function show(holds, all) {
  const { list, empty } = holds.parts;
  replace(
    list,
    all.map((hold) => row(holds, hold)),
  );
  empty.hidden = all.length > 0;
}

function row(holds, { name, tenant, tool, runs, reason, putBy, putAt }) {
  const { t } = holds.app;
  const what = [runs ? t("holds.stopsRuns") : null, tool === undefined ? null : t("holds.stopsTool", { tool })];
  const where = tenant === undefined ? t("holds.everywhere") : t("holds.ofTenant", { tenant });
  return h(
    "li",
    { class: "hold", "data-hold": name },
    h(
      "div",
      null,
      h(
        "p",
        null,
        h("code", { class: "tool-id" }, name),
        " ",
        what.filter((text) => text !== null).join(" "),
        " ",
        where,
      ),
      h("p", { class: "reason" }, reason),
      h(
        "p",
        { class: "soft" },
        t("holds.by", { user: putBy.userId, tenant: putBy.tenantId }),
        " · ",
        makeTime(holds.app, putAt * 1000),
      ),
    ),
    makeConfirm(holds.app, {
      label: t("holds.lift"),
      sure: t("holds.liftSure"),
      about: name,
      act: () => lift(holds, name),
    }),
  );
}

async function put(holds) {
  const { app, parts } = holds;
  if (holds.isBusy) return;
  const { fields, runs, fault } = parts.form;
  for (const field of Object.values(fields)) field.showFault("");
  replace(fault);
  const { name, ...wanted } = wantedOf(fields, runs);
  if (!NAME.test(name)) return showFault(fields.name, app.t("holds.nameFault"));
  holds.isBusy = true;
  try {
    await app.client.admin.hold(name, wanted);
    app.announce(app.t("holds.isPut", { name }));
    parts.form.element.reset();
    await refresh(holds);
  } catch (error) {
    refused(parts.form, error);
  } finally {
    holds.isBusy = false;
  }
}

/** What is not filled in is left out. */
function wantedOf(fields, runs) {
  const texts = Object.entries(fields).map(([name, { input }]) => [name, input.value.trim()]);
  const given = Object.fromEntries(texts.filter(([name, text]) => text !== "" || name === "reason" || name === "name"));
  return runs.checked ? { ...given, runs: true } : given;
}

/** The server begins with the field that it means: `reason: …`. */
function refused({ fields, fault }, error) {
  const said = error.detail ?? error.message;
  const named = /^`?(\w+)/.exec(said)?.[1] ?? "";
  if (error.status !== 400 || !Object.hasOwn(fields, named)) {
    replace(fault, said);
    return;
  }
  showFault(fields[named], said);
}

function showFault(field, text) {
  field.showFault(text);
  field.input.focus();
}

async function lift(holds, name) {
  const { app } = holds;
  try {
    await app.client.admin.lift(name);
    app.announce(app.t("holds.isLifted", { name }));
  } catch (error) {
    app.fail(error);
  }
  await refresh(holds);
  holds.parts.list.parentElement?.querySelector("h2")?.focus();
}
