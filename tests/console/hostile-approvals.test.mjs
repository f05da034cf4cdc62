/** Requests, reasons and facts that somebody has written who means ill: they are shown as the texts that they are. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { becomes, begin, button, card, inboxFor, says } from "./support/approvals.mjs";
import { consoleFor, go, nothingWrong, overflow } from "./support/browser.mjs";
import { eventually } from "./support/process.mjs";
import { modelFor, serverFor } from "./support/scene.mjs";

const EVIL = `<img src=x onerror="alert(1)"><script>alert(2)</script><svg/onload=alert(3)>{{7*7}}</td></details>`;
const LINK = `[x](javascript:alert(4)) <a href="//evil.example">x</a>`;

/** No element that this page has not made, and nothing that was run or asked for elsewhere. */
async function isHarmless(window) {
  const { page } = window;
  const made = await page.evaluate(
    () =>
      document.querySelectorAll("img, script:not([src]), svg, iframe, main [onerror], a[href]:not([href^='#'])").length,
  );
  assert.equal(made, 0);
  assert.equal(await overflow(page), 0);
  assert.deepEqual(await nothingWrong(window), []);
}

test("what a model, its user and a colleague write reaches a card as text", async (t) => {
  const args = { to: ["kim@example.com"], subject: EVIL, body: `${EVIL}\n${LINK}` };
  const model = await modelFor(t, (messages) =>
    messages.some(({ role }) => role === "tool") ? { words: [EVIL] } : { call: { name: "send_email", args } },
  );
  const server = await serverFor(t, model.env);
  const window = await inboxFor(t, server, { viewport: { width: 390, height: 844 } });
  const { page } = window;
  await begin(server, `${EVIL} ${LINK}`, { user: `u"><img src=x>` });
  const asked = card(page, "send_email");
  await becomes(asked, "pending");
  await asked.locator(".arguments > summary").click();
  for (const part of [".approval-question", ".approval-task", ".preview-body", ".arguments-table"])
    await says(asked.locator(part), "<img src=x");
  await button(asked, "edit").click();
  assert.equal(await asked.getByLabel("subject").inputValue(), EVIL);
  await button(asked, "reject").click();
  await asked.locator("textarea").fill(EVIL);
  await asked.locator('form button[type="submit"]').click();
  await becomes(asked, "rejected");
  await says(asked.locator(".approval-outcome"), "<script>alert(2)");
  await isHarmless(window);
});

test("what turns the direction of a text, or is not seen in it, is seen by whoever decides", async (t) => {
  const args = { to: ["kim@example.com"], subject: "보고", body: "\u202e원만0001\u202c 송금" };
  const model = await modelFor(t, (messages) =>
    messages.some(({ role }) => role === "tool") ? { words: ["끝"] } : { call: { name: "send_email", args } },
  );
  const server = await serverFor(t, model.env);
  const { page } = await inboxFor(t, server);
  await begin(server, "\u202e해송발\u200b", { user: "2" });
  const asked = card(page, "send_email");
  await becomes(asked, "pending");
  await says(asked.locator(".approval-task"), String.raw`\u{202e}해송발\u{200b}`);
  await asked.locator(".arguments > summary").click();
  await says(asked.locator(".arguments-table"), String.raw`\u{202e}원만0001\u{202c} 송금`);
  assert.doesNotMatch(await asked.textContent(), /[\u202a-\u202e\u200b]/);
});

/** A request of which every text is hostile. */
const request = (requestId, more = {}) => ({
  requestId,
  sessionId: EVIL,
  userId: EVIL,
  requestedBy: EVIL,
  tenantId: "1",
  actionType: EVIL,
  context: JSON.parse(
    `{"__proto__": {"a": ${JSON.stringify(EVIL)}}, "constructor": ${JSON.stringify(EVIL)}, "n": 9007199254740993, ${JSON.stringify(EVIL)}: null}`,
  ),
  message: EVIL,
  status: "pending",
  createdAt: Date.now(),
  expiresAt: Math.floor(Date.now() / 1000) + 120,
  approvers: `role:${EVIL}`,
  approvalsNeeded: 2,
  approvals: 1,
  preview: { type: EVIL, title: EVIL, content: EVIL },
  canDecide: true,
  decidedByMe: false,
  prompt: EVIL,
  ...more,
});

const TYPES = ["diff", "checklist", "text", "__proto__"];

async function hostileServer(t, options = {}) {
  const server = await serverFor(t);
  const window = await consoleFor(t, server, { roles: "auditor", ...options });
  const json = (data) => ({ contentType: "application/json", body: JSON.stringify({ status: "SUCCESS", data }) });
  const waiting = TYPES.map((type, at) =>
    request(`req_${at}`, { preview: { type, title: EVIL, content: `+${EVIL}\n[x] ${EVIL}\n- ${EVIL}` } }),
  );
  const snapshot = {
    version: "1.0",
    type: "snapshot",
    timestamp: Math.floor(Date.now() / 1000),
    approvals: waiting,
    count: 4,
    next: null,
  };
  const { page } = window;
  await page.route("**/aura/approvals/stream", (route) =>
    route.fulfill({
      contentType: "text/event-stream",
      body: `id: 1\nevent: snapshot\ndata: ${JSON.stringify(snapshot)}\n\n`,
    }),
  );
  const decided = ["approved", "rejected", "timed_out", EVIL].map((status, at) =>
    request(`req_9${at}`, {
      status,
      approvedBy: EVIL,
      rejectedBy: EVIL,
      reason: EVIL,
      supersededBy: at === 1 ? EVIL : undefined,
    }),
  );
  await page.route("**/aura/approvals?*", (route) => route.fulfill(json({ approvals: decided, count: 0, next: null })));
  const fact = {
    kind: EVIL,
    tool: EVIL,
    who: EVIL,
    claimedBy: EVIL,
    reason: EVIL,
    requestId: EVIL,
    atMs: "x",
    verdict: EVIL,
    [EVIL]: { a: EVIL },
  };
  const entries = [
    { number: 1, previous: EVIL, hash: EVIL, mac: EVIL, fact },
    { number: 2, previous: EVIL, hash: EVIL, fact: { ...fact, atMs: 8.64e15 + 1 } },
  ];
  await page.route("**/aura/audit?*", (route) => {
    const after = Number(new URL(route.request().url()).searchParams.get("after") ?? 0);
    return route.fulfill(json({ entries: entries.slice(after), next: null }));
  });
  // Streams that were open before are opened anew, to be answered like this.
  await page.reload();
  await page.waitForSelector(".bar");
  return window;
}

test("a server that says nothing but ill makes no element, whatever it calls things", async (t) => {
  const window = await hostileServer(t);
  const { page } = window;
  await go(page, "approvals");
  await eventually("all are shown", async () => (await page.locator(".approval").count()) === TYPES.length);
  await page.evaluate(() => document.querySelectorAll("details").forEach((details) => (details.open = true)));
  await says(page.locator(".arguments-table").first(), "constructor");
  await says(page.locator(".warning").first(), "브라우저가 정확히 표시할 수 없을 만큼");
  await button(page.locator(".approval").first(), "edit").click();
  await says(page.locator(".approval-said").first(), "여기서는 수정할 수 없습니다");
  await eventually("what was decided is listed", async () => (await page.locator(".decided-row").count()) === 4);
  await isHarmless(window);
  await go(page, "audit");
  await eventually("all facts are shown", async () => (await page.locator("tbody tr").count()) === 2);
  await page.evaluate(() => document.querySelectorAll("details").forEach((details) => (details.open = true)));
  await page.locator(".chain .button.primary").click();
  await says(page.locator(".chain-result"), "체인이 끊겼습니다");
  await isHarmless(window);
});
