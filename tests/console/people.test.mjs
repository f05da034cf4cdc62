/** Several people decide, on several replicas, and all see it. */

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  becomes,
  begin,
  button,
  call,
  card,
  decide,
  hasFocus,
  inboxFor,
  marked,
  said,
  says,
  waiting,
} from "./support/approvals.mjs";
import { ask, consoleFor, ended, go, nothingWrong } from "./support/browser.mjs";
import { eventually } from "./support/process.mjs";
import { MAIL, MERGE, redisFor, replicaFor, serverFor } from "./support/scene.mjs";

const APPROVERS = "AURA__TOOLS__APPROVERS__SEND_EMAIL";

/** Two replicas on one Redis, and a browser on each. */
async function twoReplicas(t, env = {}) {
  const redis = await redisFor(t);
  return Promise.all([replicaFor(t, redis, env), replicaFor(t, redis, env)]);
}

test("a second person approves on another replica what the first has asked, and both see it without a reload", async (t) => {
  const [here, there] = await twoReplicas(t);
  const one = await consoleFor(t, here, { user: "1" });
  const two = await inboxFor(t, there, { user: "2" });
  const isTheSame = await marked(one.page);
  await ask(one.page, MERGE);
  const [asked, shown] = [card(one.page, "git_merge"), card(two.page, "git_merge")];
  await becomes(asked, "pending");
  await becomes(shown, "pending");
  assert.match(await two.page.title(), /^\(1\) /);
  assert.match(await shown.textContent(), /사용자 1/);
  await button(shown, "approve").click();
  await becomes(shown, "approved");
  await becomes(asked, "approved");
  assert.equal(await ended(one.page), "completed");
  assert.match(await said(asked, "outcome"), /사용자 2 승인/);
  await says(shown.locator(".approval-outcome"), /나 \(2\) 승인 · 오[전후] [0-9:]+/);
  assert.ok(!(await two.page.title()).startsWith("("), "nothing waits any more");
  assert.ok(await isTheSame());
  assert.deepEqual([...(await nothingWrong(one)), ...(await nothingWrong(two))], []);
});

test("whoever clicks too late is told which decision stands, and whose, and has not lost the focus before", async (t) => {
  const [here, there] = await twoReplicas(t);
  const one = await inboxFor(t, here, { user: "1" });
  const two = await inboxFor(t, there, { user: "2" });
  await begin(here, MERGE);
  const [late, early] = [card(one.page, "git_merge"), card(two.page, "git_merge")];
  await button(late, "approve").focus();
  await button(early, "reject").click();
  await early.locator("textarea").fill("금요일에는 안 됩니다");
  await early.locator('button[type="submit"]').click();
  await becomes(late, "rejected");
  assert.match(await said(late, "outcome"), /사용자 2 거절.*금요일에는 안 됩니다/);
  assert.ok(await hasFocus(button(late, "approve")), "what others do takes no focus away");
  await one.page.keyboard.press("Enter");
  await says(late.locator(".approval-said"), "이미 사용자 2 님이 거절했습니다");
  assert.ok(await hasFocus(late));
  assert.ok(!(await button(late, "approve").isVisible()));
});

test("two of two people approve: the first click counts, is shown to both, and only the second one decides", async (t) => {
  const [here, there] = await twoReplicas(t, { [APPROVERS]: "2 of tenant" });
  const one = await consoleFor(t, here, { user: "1" });
  const two = await inboxFor(t, there, { user: "2" });
  await ask(one.page, MAIL);
  const [first, second] = [card(one.page, "send_email"), card(two.page, "send_email")];
  await becomes(second, "pending");
  assert.match(await said(second, "who"), /2명 중 0명/);
  await button(first, "approve").click();
  await says(first.locator(".approval-said"), "2명 중 1명");
  assert.ok(!(await button(first, "approve").isVisible()), "nobody approves twice");
  assert.ok(await button(first, "reject").isVisible(), "a no still counts");
  await says(second.locator(".approval-who"), "2명 중 1명");
  await button(second, "approve").click();
  await becomes(second, "approved");
  await becomes(first, "approved");
  assert.equal(await ended(one.page), "completed");
});

test("whoever may not approve has no button for it, but is told who may", async (t) => {
  const server = await serverFor(t, {
    [APPROVERS]: "not_requester",
    AURA__TOOLS__APPROVERS__GIT_MERGE: "role:maintainer",
  });
  const { page } = await inboxFor(t, server);
  await begin(server, MAIL);
  await begin(server, MERGE);
  await waiting(server, 2);
  const [mail, merge] = [card(page, "send_email"), card(page, "git_merge")];
  await becomes(merge, "pending");
  for (const name of ["approve", "edit"]) {
    assert.ok(!(await button(mail, name).isVisible()), name);
    assert.ok(!(await button(merge, name).isVisible()), name);
  }
  assert.match(await said(mail, "who"), /요청한 사람\(나 \(1\)\)이 아닌 사람만/);
  assert.match(await said(merge, "who"), /maintainer 역할/);
  assert.ok(!(await page.title()).startsWith("("), "only what is yours to decide is counted");
  const maintainer = await inboxFor(t, server, { user: "3", roles: "maintainer" });
  await button(card(maintainer.page, "git_merge"), "approve").click();
  await becomes(merge, "approved");
});

test("arguments that another person has to see become a request of its own, in the name of whoever changed them", async (t) => {
  const [here, there] = await twoReplicas(t, { [APPROVERS]: "not_requester" });
  const one = await consoleFor(t, here, { user: "1" });
  const two = await inboxFor(t, there, { user: "2" });
  await ask(one.page, MAIL);
  const old = card(two.page, '"보고"');
  await button(old, "edit").click();
  await says(old.locator(".edit-form"), "다른 사람의 승인이 필요합니다");
  await old.getByLabel("subject").fill("월간 보고");
  await old.locator('.edit-form button[type="submit"]').click();
  await becomes(old, "rejected");
  await says(old.locator(".approval-outcome"), "나 (2) 님이 인자를 바꾸어");
  const again = card(one.page, "월간 보고").and(one.page.locator('[data-status="pending"]'));
  await button(again, "approve").click();
  assert.equal(await ended(one.page), "completed");
  assert.match(await said(card(one.page, "월간 보고").last(), "outcome"), /나 \(1\) 승인/);
});

test("a request that is decided in another way is shown as it ended: by the clock, by whoever has cancelled", async (t) => {
  const server = await serverFor(t, { AURA__HITL__TIMEOUTS__GIT_MERGE: "2" });
  const { page } = await inboxFor(t, server);
  const session = await begin(server, MAIL);
  await begin(server, MERGE);
  await becomes(card(page, "git_merge"), "pending");
  await becomes(card(page, "git_merge"), "timed_out");
  await says(card(page, "git_merge").locator(".approval-outcome"), "시간 안에 아무도 결정하지 않았습니다");
  assert.equal((await call(server, `/aura/sessions/${session}/cancel`, { method: "POST" })).status, 200);
  await becomes(card(page, "send_email"), "cancelled");
  assert.equal(await page.locator(".decided-row").count(), 2);
});

test("an answer to a request that is not there any more says that nothing was decided", async (t) => {
  const server = await serverFor(t);
  const { page } = await inboxFor(t, server);
  await begin(server, MAIL);
  const shown = card(page, "send_email");
  await becomes(shown, "pending");
  await page.route("**/aura/approvals/*/approve", (route) =>
    route.fulfill({
      status: 404,
      contentType: "application/json",
      body: '{"status":"ERROR","message":"없음","errorCode":"E1004"}',
    }),
  );
  await button(shown, "approve").click();
  await says(shown.locator(".approval-said"), "이번 클릭으로 결정된 것은 없습니다");
  const [{ requestId }] = await waiting(server, 1);
  assert.equal((await decide(server, requestId, "reject")).status, 200);
});

test("a click that the server does not hear is told, and can be made again", async (t) => {
  const server = await replicaFor(t, await redisFor(t));
  const { page } = await inboxFor(t, server);
  await begin(server, MAIL);
  const shown = card(page, "send_email");
  await becomes(shown, "pending");
  await server.kill();
  await button(shown, "approve").click();
  await says(shown.locator(".approval-said"), "서버에 연결할 수 없습니다");
  await becomes(shown, "pending");
  await server.restart();
  await button(shown, "approve").click();
  await becomes(shown, "approved");
});

test("whoever turns out not to be an approver is told so by the server's word, and keeps the right to reject", async (t) => {
  const server = await serverFor(t);
  const { page } = await inboxFor(t, server);
  await begin(server, MAIL);
  const shown = card(page, "send_email");
  await becomes(shown, "pending");
  const refusal = {
    status: 403,
    contentType: "application/json",
    body: '{"status":"ERROR","message":"권한이 없습니다.","errorCode":"E2001"}',
  };
  await page.route("**/aura/approvals/*/approve", (route) => route.fulfill(refusal));
  await button(shown, "approve").click();
  await says(shown.locator(".approval-said"), "아무것도 결정되지 않았습니다");
  assert.ok(!(await button(shown, "approve").isVisible()));
  await button(shown, "reject").click();
  await shown.locator('form button[type="submit"]').click();
  await becomes(shown, "rejected");
});

test("what others ask and decide is said to whoever does not see it, wherever they are in the console", async (t) => {
  const server = await serverFor(t);
  const { page } = await consoleFor(t, server);
  const heard = [];
  await page.exposeFunction("heard", (text) => heard.push(text));
  await page.evaluate(() => {
    const region = document.querySelector('[aria-live="polite"]');
    new MutationObserver(() => window.heard(region.textContent)).observe(region, {
      childList: true,
      characterData: true,
      subtree: true,
    });
  });
  await begin(server, MERGE, { user: "2" });
  const [{ requestId }] = await waiting(server, 1);
  await eventually("the question is said", () =>
    heard.some((text) => text.startsWith("새 승인 요청: ") && text.includes("feature")),
  );
  await go(page, "approvals");
  await becomes(card(page, "git_merge"), "pending");
  await decide(server, requestId, "approve", { user: "3" });
  await eventually("the decision is said", () => heard.some((text) => text.includes("사용자 3 승인")));
});
