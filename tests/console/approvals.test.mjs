/** The inbox and its cards. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { becomes, begin, button, card, decide, hasFocus, inboxFor, said, says, waiting } from "./support/approvals.mjs";
import { ask, axe, consoleFor, ended, go, nothingWrong, overflow, picture, windowFor } from "./support/browser.mjs";
import { eventually } from "./support/process.mjs";
import { MAIL, MERGE, modelFor, redisFor, replicaFor, serverFor } from "./support/scene.mjs";
import { token } from "./support/server.mjs";

/** A model that wants this call, and then says that it is done. */
const wanting = (t, name, args) =>
  modelFor(t, (messages) =>
    messages.some(({ role }) => role === "tool") ? { words: ["끝"] } : { call: { name, args } },
  );

/** A field of a form with all that belongs to it. */
const field = (of, name) => of.locator(".edit-field", { has: of.page().getByLabel(name) });
const submit = (of) => of.locator('form button[type="submit"]');

test("several wait at once, are counted, and each is decided by its own buttons", async (t) => {
  const server = await serverFor(t);
  const window = await inboxFor(t, server);
  const { page } = window;
  await says(page.locator(".nothing"), "기다리는 요청이 없습니다");
  await picture(page, "inbox-empty");
  for (const subject of ["하나", "둘", "셋"]) await begin(server, MAIL.replace("보고", subject), { user: "2" });
  await waiting(server, 3);
  await eventually("all are shown", async () => (await page.locator(".approval").count()) === 3);
  assert.match(await page.title(), /^\(3\) /);
  assert.equal(await page.locator(".tab .count").textContent(), "3");
  await button(card(page, '"둘"'), "reject").click();
  await submit(card(page, '"둘"')).click();
  await becomes(card(page, '"둘"'), "rejected");
  await button(card(page, '"셋"'), "approve").click();
  await becomes(card(page, '"셋"'), "approved");
  await becomes(card(page, '"하나"'), "pending");
  assert.match(await page.title(), /^\(1\) /);
  assert.equal(await page.locator(".approval").count(), 3, "what was decided stays where it is");
  assert.equal(await overflow(page), 0);
  assert.deepEqual(await nothingWrong(window), []);
});

test("the second half of a double click decides nothing", async (t) => {
  const server = await serverFor(t);
  const { page } = await inboxFor(t, server);
  await begin(server, MAIL);
  await begin(server, MERGE);
  await waiting(server, 2);
  const sent = [];
  page.on("request", (request) => request.method() === "POST" && sent.push(new URL(request.url()).pathname));
  await button(card(page, "send_email"), "approve").dblclick();
  await becomes(card(page, "send_email"), "approved");
  await becomes(card(page, "git_merge"), "pending");
  // Also where it meets something that has come under the mouse since the first half.
  await button(card(page, "git_merge"), "approve").dispatchEvent("click", { detail: 2 });
  await button(card(page, "git_merge"), "reject").dispatchEvent("click", { detail: 2 });
  assert.equal(await card(page, "git_merge").locator("form").count(), 0);
  assert.equal(sent.length, 1, sent.join(" "));
});

test("more than fits a page waits: it is counted, and shown as it is asked for", async (t) => {
  const server = await serverFor(t);
  for (let at = 0; at < 52; at += 1) await begin(server, MAIL.replace("보고", `번호 ${at}`));
  const { page } = await inboxFor(t, server);
  const cards = page.locator(".approval");
  await says(page.locator(".approvals > .more"), "2건 더");
  assert.equal(await cards.count(), 50);
  assert.match(await page.title(), /^\(52\) /);
  await page.click(".approvals > .more");
  await eventually("all are shown", async () => (await cards.count()) === 52);
  assert.ok(await hasFocus(cards.nth(50)));
  assert.ok(!(await page.locator(".approvals > .more").isVisible()));
});

test("an inbox that is open all day has room for what is asked next, however much was decided", async (t) => {
  const server = await serverFor(t);
  const { page } = await inboxFor(t, server);
  for (let round = 0; round < 6; round += 1) {
    await Promise.all(Array.from({ length: 9 }, () => begin(server, MERGE, { user: "2" })));
    const all = await waiting(server, 9);
    await Promise.all(all.map(({ requestId }) => decide(server, requestId, "reject", { user: "3" })));
    await waiting(server, 0);
  }
  await eventually("all are listed", async () => (await page.locator(".decided-row").count()) === 54);
  await begin(server, MAIL, { user: "2" });
  await becomes(card(page, "send_email"), "pending");
  assert.equal(await page.locator(".approval").count(), 50);
});

test("whoever follows a second link before the first request is found is shown the second", async (t) => {
  const server = await serverFor(t);
  await begin(server, MERGE);
  await begin(server, MAIL);
  const all = await waiting(server, 2);
  for (const { requestId } of all) await decide(server, requestId, "reject");
  const { page } = await inboxFor(t, server);
  await eventually("both are listed", async () => (await page.locator(".decided-row").count()) === 2);
  const [first, second] = all.map(({ requestId }) => requestId);
  let answer;
  const isTime = new Promise((resolve) => (answer = resolve));
  await page.route(`**/aura/hitl/requests/${first}`, async (route) => (await isTime, route.continue()));
  await go(page, `approvals/${first}`);
  await go(page, `approvals/${second}`);
  const shown = page.locator(".linked .approval");
  await shown.waitFor();
  const told = page.waitForResponse(`**/aura/hitl/requests/${first}`);
  answer();
  await (await told).finished();
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
  assert.equal(await shown.getAttribute("data-request"), second);
});

test("a person changes the arguments in a form: these are what runs, and what is wrong is told at its field", async (t) => {
  const server = await serverFor(t);
  const { page } = await consoleFor(t, server);
  await ask(page, MAIL);
  const asked = card(page, "send_email");
  await button(asked, "edit").click();
  const to = asked.getByLabel("to");
  assert.ok(await hasFocus(to));
  await to.fill("[");
  await submit(asked).click();
  await says(field(asked, "to"), "JSON이 아닙니다");
  assert.equal(await to.getAttribute("aria-invalid"), "true");
  await to.fill('["lee@example.com"]');
  await asked.getByLabel("subject").fill("줄\u202e바꿈");
  await submit(asked).click();
  await says(field(asked, "subject"), "control or invisible characters");
  assert.ok(await hasFocus(asked.getByLabel("subject")), "the server's word is told at the field that it names");
  await asked.getByLabel("subject").fill("새 제목");
  const sending = page.waitForRequest((request) => request.url().endsWith("/approve"));
  await submit(asked).click();
  const { args } = (await sending).postDataJSON();
  assert.deepEqual(Object.keys(args).sort(), ["body", "subject", "to"], "all of them are sent");
  assert.deepEqual([args.to, args.subject], [["lee@example.com"], "새 제목"]);
  await becomes(asked, "approved");
  assert.equal(await ended(page), "completed");
  assert.match(await page.locator(".answer").last().textContent(), /lee@example\.com/);
});

test("arguments of which the question has only the beginning are read whole before they are changed", async (t) => {
  const body = "본문 ".repeat(10_000);
  const model = await wanting(t, "send_email", { to: ["kim@example.com"], subject: "보고", body });
  const server = await serverFor(t, model.env);
  const { page } = await inboxFor(t, server);
  await begin(server, "부탁해");
  const asked = card(page, "send_email");
  await button(asked, "edit").click();
  assert.equal(await asked.getByLabel("body").inputValue(), body);
  await asked.getByLabel("subject").fill("요약");
  const sending = page.waitForRequest((request) => request.url().endsWith("/approve"));
  await submit(asked).click();
  assert.equal((await sending).postDataJSON().args.body, body);
  await becomes(asked, "approved");
});

test("a rejection goes with its reason to whoever has asked", async (t) => {
  const server = await serverFor(t);
  const one = await consoleFor(t, server);
  const two = await inboxFor(t, server, { user: "2" });
  await ask(one.page, MERGE);
  const shown = card(two.page, "git_merge");
  await button(shown, "reject").click();
  assert.ok(await hasFocus(shown.locator("textarea")));
  await two.page.keyboard.press("Escape");
  assert.ok(await hasFocus(button(shown, "reject")), "leaving the form leads back to its button");
  await button(shown, "reject").click();
  await shown.locator("textarea").fill("아직 검토 중입니다");
  await submit(shown).click();
  await becomes(shown, "rejected");
  assert.equal(await ended(one.page), "rejected");
  assert.match(await said(card(one.page, "git_merge"), "outcome"), /사용자 2 거절.*아직 검토 중입니다/);
});

test("a link to a request leads to it, says so if it is over, and says so if there is none", async (t) => {
  const server = await serverFor(t);
  for (const subject of ["하나", "둘"]) await begin(server, MAIL.replace("보고", subject));
  const requests = await waiting(server, 2);
  const second = requests.find(({ message }) => message.includes('"둘"')).requestId;
  const { page } = await inboxFor(t, server, { place: `approvals/${second}` });
  await eventually("it has the focus", () => hasFocus(card(page, '"둘"')));
  assert.equal(await page.locator(".approval").count(), 2);
  const first = requests.find(({ message }) => message.includes('"하나"')).requestId;
  assert.equal((await decide(server, first, "reject", { user: "2", body: { reason: "아니요" } })).status, 200);
  await becomes(card(page, '"하나"'), "rejected");
  const later = await inboxFor(t, server, { place: `approvals/${first}` });
  const over = later.page.locator(".linked .approval");
  await becomes(over, "rejected");
  await eventually("it has the focus", () => hasFocus(over));
  assert.ok(!(await over.locator(".decision").isVisible()));
  await go(later.page, "approvals/req_00112233445566778899aabbccddeeff");
  await says(later.page.locator(".linked"), "그런 요청이 없거나");
  await go(later.page, "approvals/..%2F..%2F");
  await says(later.page.locator(".linked"), "그런 요청이 없거나");
  assert.ok(!(await later.page.locator(".fault").isVisible()));
});

test("a link to a request leads to it also for whoever has to sign in first", async (t) => {
  const server = await serverFor(t);
  await begin(server, MERGE, { user: "2" });
  const [{ requestId }] = await waiting(server, 1);
  const window = await windowFor(t, server.base);
  await window.page.goto(`${server.base}/#/approvals/${requestId}`);
  await window.page.fill("#signin-token", token());
  await window.page.keyboard.press("Enter");
  await eventually("it has the focus", () => hasFocus(card(window.page, "git_merge")));
  assert.deepEqual(await nothingWrong(window), []);
});

test("what was decided lately is listed, a page at a time", async (t) => {
  const server = await serverFor(t);
  for (let at = 0; at < 23; at += 1) {
    await begin(server, MAIL);
    const [{ requestId }] = await waiting(server, 1);
    await decide(server, requestId, "reject", { user: "2" });
  }
  const { page } = await inboxFor(t, server);
  const rows = page.locator(".decided-row");
  await eventually("the first page", async () => (await rows.count()) === 20);
  await page.click(".decided-section > .button");
  await eventually("all of them", async () => (await rows.count()) === 23);
  assert.ok(!(await page.locator(".decided-section > .button").isVisible()));
  assert.ok(await hasFocus(rows.nth(20).locator("a")));
});

test("the inbox outlives its server: what was asked and decided meanwhile is there without a reload", async (t) => {
  const redis = await redisFor(t);
  const [server, other] = await Promise.all([replicaFor(t, redis), replicaFor(t, redis)]);
  const { page } = await inboxFor(t, server);
  await begin(other, MAIL.replace("보고", "하나"));
  const first = card(page, '"하나"');
  await becomes(first, "pending");
  await server.kill();
  const [{ requestId }] = await waiting(other, 1);
  await decide(other, requestId, "approve", { user: "2" });
  await begin(other, MAIL.replace("보고", "둘"));
  await waiting(other, 1);
  await says(page.locator(".banner"), "연결이 끊");
  await server.restart();
  await becomes(first, "approved");
  await becomes(card(page, '"둘"'), "pending");
  assert.ok(!(await page.locator(".banner").isVisible()));
  assert.match(await page.title(), /^\(1\) /);
});

test("a server that has lost what waited leaves no question that cannot be answered", async (t) => {
  const server = await serverFor(t);
  const { page } = await inboxFor(t, server);
  await begin(server, MAIL);
  const shown = card(page, "send_email");
  await becomes(shown, "pending");
  // Its store is its memory.
  await server.restart();
  await becomes(shown, "unknown");
  assert.ok(!(await shown.locator(".decision").isVisible()));
  assert.ok(!(await page.title()).startsWith("("));
});

test("somebody approves with nothing but the keyboard", async (t) => {
  const server = await serverFor(t);
  const { page } = await consoleFor(t, server);
  await begin(server, MERGE, { user: "2" });
  await waiting(server, 1);
  await page.keyboard.press("Escape");
  /** Goes on with Tab until the focus is on what is wanted. */
  const tabTo = async (what) => {
    for (let at = 0; at < 40; at += 1) {
      if (await page.evaluate((what) => document.activeElement?.matches(what), what)) return;
      await page.keyboard.press("Tab");
    }
    assert.fail(`no way to ${what}`);
  };
  await tabTo('.tab[href="#/approvals"]');
  await page.keyboard.press("Enter");
  await becomes(card(page, "git_merge"), "pending");
  await tabTo(".preview-body");
  await tabTo(".arguments > summary");
  await page.keyboard.press("Enter");
  assert.match(await card(page, "git_merge").locator(".arguments-table").textContent(), /source_commit/);
  await tabTo('[data-act="approve"]');
  await page.keyboard.press("Space");
  await becomes(card(page, "git_merge"), "approved");
  assert.ok(await hasFocus(card(page, "git_merge")), "the focus is not lost with the button");
});

for (const colorScheme of ["light", "dark"]) {
  test(`cards, forms and lists are accessible, ${colorScheme}, also on a phone`, async (t) => {
    const server = await serverFor(t, { AURA__TOOLS__APPROVERS__GIT_MERGE: "not_requester" });
    const window = await inboxFor(t, server, { colorScheme, viewport: { width: 390, height: 844 } });
    const { page } = window;
    const isFine = async (what) => {
      assert.deepEqual((await axe(page)).violations, [], what);
      assert.equal(await overflow(page), 0, what);
    };
    await isFine("empty");
    for (const prompt of [MAIL, MERGE, MAIL.replace("보고", "또")]) await begin(server, prompt);
    await eventually("all are shown", async () => (await page.locator(".approval").count()) === 3);
    await button(card(page, '"보고"'), "edit").click();
    await card(page, '"보고"').getByLabel("to").fill("?");
    await submit(card(page, '"보고"')).click();
    await card(page, "git_merge").locator(".arguments > summary").click();
    await button(card(page, "git_merge"), "reject").click();
    await isFine("forms");
    await picture(page, `cards-${colorScheme}`);
    await submit(card(page, "git_merge")).click();
    await button(card(page, '"또"'), "approve").click();
    await becomes(card(page, '"또"'), "approved");
    await becomes(card(page, "git_merge"), "rejected");
    await isFine("decided");
    assert.deepEqual(await nothingWrong(window), []);
  });
}
