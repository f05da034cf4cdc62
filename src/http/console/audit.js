/** The tenant's audit stream, newest first, and the check of its chain. */

import { canCheck, checkChain } from "./chain.js";
import { makeTime } from "./clock.js";
import { h, replace, say } from "./dom.js";
import { person } from "./approval-facts.js";
import { wordOr } from "./words.js";

const PAGE = 50;

export function makeAuditView(app) {
  const view = { app, isOpen: false, oldest: null, checking: null, parts: makeParts(app) };
  const { parts } = view;
  parts.older.addEventListener("click", () => void older(view));
  parts.refresh.addEventListener("click", () => void newest(view));
  parts.check.addEventListener("click", () => void check(view));
  const element = h(
    "section",
    { class: "page audit", "aria-labelledby": "audit-title" },
    h(
      "div",
      { class: "page-head" },
      h(
        "div",
        null,
        h("h1", { id: "audit-title", tabindex: "-1" }, app.t("audit.title")),
        h("p", { class: "lead" }, app.t("audit.lead")),
      ),
    ),
    h("div", { class: "chain" }, h("div", { class: "actions" }, parts.check, parts.refresh), parts.result),
    parts.empty,
    parts.scroller,
    parts.older,
  );
  return { element, open: () => open(view), close: () => close(view) };
}

function makeParts(app) {
  const head = ["number", "time", "what", "tool", "who", "details"].map((name) =>
    h("th", { scope: "col" }, app.t(`audit.${name}`)),
  );
  const rows = h("tbody");
  const table = h("table", { class: "entries" }, h("thead", null, h("tr", null, head)), rows);
  return {
    rows,
    check: h("button", { type: "button", class: "button primary" }, app.t("audit.check")),
    refresh: h("button", { type: "button", class: "button" }, app.t("audit.refresh")),
    older: h("button", { type: "button", class: "button", hidden: true }, app.t("audit.older")),
    result: h("div", { class: "chain-result", role: "status" }),
    empty: h("p", { class: "empty", hidden: true }, app.t("audit.none")),
    scroller: h(
      "div",
      { class: "scrolls", tabindex: "0", role: "group", "aria-label": app.t("audit.title"), hidden: true },
      table,
    ),
  };
}

function open(view) {
  view.isOpen = true;
  void newest(view);
}

function close(view) {
  view.isOpen = false;
  view.checking?.abort();
}

/** The last page, which has to be found: the stream is read from its beginning, and nothing says how long it is. */
async function newest(view) {
  await told(view, async () => {
    const last = await lastNumber((after) => view.app.client.audit.list({ after, limit: 1 }));
    replace(view.parts.rows);
    view.oldest = last + 1;
    await readOlder(view);
    view.parts.empty.hidden = last > 0;
    view.parts.scroller.hidden = last === 0;
  });
}

/** The number of the newest entry, 0 if there is none, in a few dozen reads of one entry. */
export async function lastNumber(readAfter) {
  const has = async (after) => (await readAfter(after)).entries.length > 0;
  if (!(await has(0))) return 0;
  let [low, high] = [0, 64];
  while (await has(high)) [low, high] = [high, high * 4];
  // There is an entry after `low`, and none after `high`.
  while (low + 1 < high) {
    const middle = Math.floor((low + high) / 2);
    if (await has(middle)) low = middle;
    else high = middle;
  }
  return high;
}

async function older(view) {
  const at = view.parts.rows.children.length;
  await told(view, () => readOlder(view));
  const row = view.parts.rows.children[at];
  row?.setAttribute("tabindex", "-1");
  row?.focus();
}

async function readOlder(view) {
  const { app, parts } = view;
  const after = Math.max(0, view.oldest - 1 - PAGE);
  const limit = view.oldest - 1 - after;
  const { entries } = limit > 0 ? await app.client.audit.list({ after, limit }) : { entries: [] };
  const mine = entries.filter(({ number }) => number < view.oldest);
  parts.rows.append(...mine.reverse().map((entry) => row(app, entry)));
  view.oldest = after + 1;
  parts.older.hidden = after === 0;
}

async function told(view, work) {
  try {
    await work();
  } catch (error) {
    view.app.fail(error);
  }
}

function row(app, { number, hash, fact }) {
  return h(
    "tr",
    { "data-number": number },
    h("td", { class: "is-number", title: hash }, number),
    h("td", null, makeTime(app, fact.atMs)),
    h("td", null, whatOf(app, fact)),
    h(
      "td",
      null,
      fact.tool === undefined ? null : h("code", null, fact.tool),
      fact.dryRun === true ? [" ", h("span", { class: "chip" }, app.t("audit.dryRun"))] : null,
    ),
    h("td", null, whoOf(app, fact)),
    h("td", { class: "entry-details" }, detailsOf(app, fact)),
  );
}

function whatOf(app, { kind, verdict, outcome }) {
  const what = wordOr(app, `fact.${kind}`, kind);
  const how = verdict ?? outcome;
  return how === undefined ? what : `${what}: ${wordOr(app, `fact.${how}`, how)}`;
}

/** A token was checked, or somebody has said of himself who he is. */
function whoOf(app, { who, claimedBy, via, byTenant }) {
  // Operators are of any tenant, and another tenant's user may have the reader's number.
  if (who !== undefined && byTenant !== undefined && byTenant !== app.user.tenant)
    return app.t("runs.user", { tenant: byTenant, user: who });
  if (who !== undefined) return person(app, who);
  if (claimedBy !== undefined) return app.t("audit.claimed", { who: claimedBy });
  return via === "signal" ? app.t("audit.unnamed") : null;
}

const SHOWN = new Set([
  "atMs",
  "kind",
  "verdict",
  "outcome",
  "tool",
  "dryRun",
  "who",
  "claimedBy",
  "via",
  "requestId",
  "reason",
  "hold",
]);

function detailsOf(app, fact) {
  const rest = Object.entries(fact).filter(([name]) => !SHOWN.has(name));
  return [
    fact.hold === undefined ? null : h("p", null, h("code", { class: "tool-id" }, fact.hold)),
    fact.reason === undefined ? null : h("p", { class: "reason" }, fact.reason),
    fact.requestId === undefined
      ? null
      : h("a", { href: `#/approvals/${encodeURIComponent(fact.requestId)}` }, app.t("audit.request")),
    h(
      "details",
      null,
      h("summary", null, app.t("audit.more")),
      h(
        "dl",
        null,
        rest.map(([name, value]) => [h("dt", null, name), h("dd", null, h("code", null, textOf(value)))]),
      ),
    ),
  ];
}

const textOf = (value) => (typeof value === "string" ? value : JSON.stringify(value));

async function check(view) {
  const { app, parts } = view;
  if (view.checking !== null) return;
  if (!canCheck()) return showResult(view, "broken", [app.t("chain.unavailable")]);
  const controller = new AbortController();
  view.checking = controller;
  parts.check.setAttribute("aria-disabled", "true");
  try {
    const result = await checkChain({
      read: (options) => app.client.audit.list(options),
      tenant: app.user.tenant,
      signal: controller.signal,
      onProgress: (number) => say(parts.check, app.t("chain.progress", { number })),
    });
    showResult(view, result.kind, resultText(app, result));
  } catch (error) {
    if (!controller.signal.aborted) app.fail(error);
  } finally {
    view.checking = null;
    parts.check.removeAttribute("aria-disabled");
    say(parts.check, app.t("audit.check"));
  }
}

function showResult({ parts }, kind, sentences) {
  parts.result.dataset.kind = kind;
  replace(
    parts.result,
    sentences.map((sentence) => h("p", null, sentence)),
  );
}

/** What a check has found, in sentences. */
function resultText(app, result) {
  if (result.kind === "empty") return [app.t("chain.empty")];
  if (result.kind === "broken") {
    const until = result.last === null ? app.t("chain.untilNothing") : app.t("chain.until", { last: result.last });
    return [app.t(`chain.${result.why}`, result), until];
  }
  const { first, last, count, hash, isSealed } = result;
  return [
    app.t("chain.whole", { first, last, count }),
    first > 1 ? app.t("chain.begins", { first, before: first - 1 }) : null,
    app.t("chain.keep", { last, hash }),
    app.t(isSealed ? "chain.sealed" : "chain.unsealed"),
  ].filter((sentence) => sentence !== null);
}
