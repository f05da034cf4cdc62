/** The runs of all tenants, as operators see them. */

import { makeTime } from "./clock.js";
import { makeConfirm } from "./confirm.js";
import { h, replace } from "./dom.js";
import { wordOr } from "./words.js";

const PAGE = 50;
/** A page may have nothing of what is looked for, although there is more behind it. */
const EMPTY_PAGES = 10;
const STATUSES = ["running", "waiting_approval", "completed", "failed", "rejected", "cancelled"];
const ALIVE = new Set(["running", "waiting_approval"]);

export function makeRuns(app) {
  const list = { app, filter: null, next: null, reading: 0, parts: makeParts(app) };
  const { parts } = list;
  parts.more.addEventListener("click", () => void more(list));
  parts.filter.addEventListener("submit", (event) => {
    event.preventDefault();
    void refresh(list);
  });
  const element = h(
    "section",
    { class: "operators-part", "aria-labelledby": "runs-title" },
    h("h2", { id: "runs-title" }, app.t("runs.title")),
    parts.filter,
    parts.scroller,
    parts.empty,
    parts.more,
  );
  return { element, refresh: () => refresh(list) };
}

function makeParts(app) {
  const tenant = h("input", { type: "text", id: "runs-tenant", autocomplete: "off", spellcheck: "false" });
  const status = h(
    "select",
    { id: "runs-status" },
    h("option", { value: "" }, app.t("runs.any")),
    STATUSES.map((name) => h("option", { value: name }, app.t(`session.${name}`))),
  );
  const rows = h("tbody");
  const head = ["started", "who", "prompt", "status", "act"].map((name) =>
    h("th", { scope: "col" }, app.t(`runs.${name}`)),
  );
  const table = h("table", { class: "entries runs" }, h("thead", null, h("tr", null, head)), rows);
  return {
    tenant,
    status,
    rows,
    filter: h(
      "form",
      { class: "filter", role: "search", "aria-label": app.t("runs.filter") },
      h("div", { class: "edit-field" }, h("label", { for: "runs-tenant" }, app.t("runs.tenant")), tenant),
      h("div", { class: "edit-field" }, h("label", { for: "runs-status" }, app.t("runs.status")), status),
      h("button", { type: "submit", class: "button" }, app.t("runs.show")),
    ),
    scroller: h(
      "div",
      { class: "scrolls", tabindex: "0", role: "group", "aria-label": app.t("runs.title"), hidden: true },
      table,
    ),
    empty: h("p", { class: "empty", role: "status", hidden: true }),
    more: h("button", { type: "button", class: "button", hidden: true }, app.t("app.more")),
  };
}

async function refresh(list) {
  list.filter = filterOf(list.parts);
  await read(list, null);
}

async function more(list) {
  const at = list.parts.rows.children.length;
  await read(list, list.next);
  const row = list.parts.rows.children[at];
  row?.setAttribute("tabindex", "-1");
  row?.focus();
}

/** Reads on, or, from `null`, anew; what was asked for before and comes later is not shown. */
async function read(list, before) {
  const { app, parts } = list;
  const reading = (list.reading += 1);
  try {
    const { runs, next } = await page(app, list.filter, before);
    if (reading !== list.reading) return;
    if (before === null) replace(parts.rows);
    parts.rows.append(...runs.map((run) => row(app, run)));
    list.next = next;
  } catch (error) {
    if (reading === list.reading) app.fail(error);
    return;
  }
  const isEmpty = parts.rows.children.length === 0;
  parts.more.hidden = list.next === null;
  parts.scroller.hidden = isEmpty;
  parts.empty.hidden = !isEmpty;
  replace(parts.empty, isEmpty ? app.t("runs.none") : null);
}

function filterOf({ tenant, status }) {
  const filter = { limit: PAGE };
  if (tenant.value.trim() !== "") filter.tenant = tenant.value.trim();
  if (status.value !== "") filter.status = status.value;
  return filter;
}

async function page({ client }, filter, before) {
  let found = { runs: [], next: before };
  for (let at = 0; at < EMPTY_PAGES; at += 1) {
    found = await client.admin.runs(found.next === null ? filter : { ...filter, before: found.next });
    if (found.runs.length > 0 || found.next === null) break;
  }
  return found;
}

function row(app, run) {
  const { sessionId, tenantId, userId, prompt, createdAt } = run;
  const status = h("span", { class: "chip" });
  const act = h("td", null);
  const show = (now) => {
    status.dataset.state = now;
    replace(status, wordOr(app, `session.${now}`, now));
    replace(act, ALIVE.has(now) ? makeCancel(app, run, show) : null);
  };
  show(run.status);
  return h(
    "tr",
    { "data-session": sessionId },
    h("td", null, makeTime(app, createdAt * 1000)),
    h("td", null, app.t("runs.user", { tenant: tenantId, user: userId })),
    h("td", { class: "run-prompt" }, prompt),
    h("td", null, status),
    act,
  );
}

function makeCancel(app, { sessionId, prompt }, show) {
  return makeConfirm(app, {
    label: app.t("runs.cancel"),
    sure: app.t("runs.sure"),
    about: prompt,
    async act() {
      try {
        const { status, wasOver } = await app.client.admin.cancel(sessionId);
        app.announce(app.t(wasOver ? "runs.over" : "runs.cancelled", { prompt }));
        show(status);
      } catch (error) {
        app.fail(error);
      }
    },
  });
}
