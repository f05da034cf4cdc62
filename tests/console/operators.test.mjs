/** What operators see and do. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { becomes, begin, button, call, card, inboxFor, says, waiting } from "./support/approvals.mjs";
import { ask, axe, consoleFor, go, nothingWrong, overflow, picture } from "./support/browser.mjs";
import { eventually } from "./support/process.mjs";
import { HELLO, MAIL, MERGE, redisFor, replicaFor, serverFor } from "./support/scene.mjs";


const ENV = { AURA__ADMIN__ROLE: "operator" };
const OPERATOR = { user: "9", tenant: "9", roles: "operator" };

const operatorFor = (t, server, options = {}) => consoleFor(t, server, { ...OPERATOR, place: "operators", ...options });
const rows = (page) => page.locator(".operators tbody tr");
const hold = (page, name) => page.locator(`[data-hold="${name}"]`);

/** Puts a hold with the form. */
async function put(page, { runs = false, ...fields }) {
  if (!(await page.locator("#hold-name").isVisible())) await page.click(".new-hold > summary");
  for (const [name, text] of Object.entries(fields)) await page.fill(`#hold-${name}`, text);
  await page.setChecked("#hold-runs", runs);
  await page.click('.new-hold button[type="submit"]');
}

async function confirmed(of) {
  await of.locator(".confirm .button").first().click();
  await of.locator(".confirm .sure").click();
}

test("an operator sees the runs of all tenants, narrows them down, and stops one", async (t) => {
  const server = await serverFor(t, ENV);
  const stopped = await begin(server, MAIL, { user: "7", tenant: "2" });
  await begin(server, MERGE);
  await begin(server, HELLO);
  await waiting(server, 1, { user: "7", tenant: "2" });
  await waiting(server, 1);
  const window = await operatorFor(t, server);
  const { page } = window;
  await eventually("all are shown", async () => (await rows(page).count()) === 3);
  const shown = page.locator(`[data-session="${stopped}"]`);
  assert.match(await shown.textContent(), /테넌트 2의 사용자 7.*메일을.*승인 대기/);
  await picture(page, "operators");
  await page.fill("#runs-tenant", "1");
  await page.selectOption("#runs-status", "waiting_approval");
  await page.press("#runs-tenant", "Enter");
  await eventually("one is left", async () => (await rows(page).count()) === 1);
  assert.match(await rows(page).textContent(), /feature/);
  await page.fill("#runs-tenant", "2");
  await page.press("#runs-tenant", "Enter");
  await shown.waitFor();
  await shown.locator(".confirm .button").click();
  await page.keyboard.press("Escape");
  assert.match(await shown.textContent(), /승인 대기/, "asked once more, and left alone");
  await confirmed(shown);
  await says(shown.locator(".chip"), "취소");
  assert.equal(await shown.locator(".confirm").count(), 0);
  const { data } = await (await call(server, `/aura/sessions/${stopped}`, { user: "7", tenant: "2" })).json();
  assert.equal(data.status, "cancelled");
  assert.deepEqual(await nothingWrong(window), []);
});

test("a hold on a tool is felt on another replica: nobody approves it, the reason is told, and once lifted it goes on", async (t) => {
  const redis = await redisFor(t);
  const [here, there] = await Promise.all([replicaFor(t, redis, ENV), replicaFor(t, redis, ENV)]);
  const { page } = await operatorFor(t, here);
  const inbox = await inboxFor(t, there);
  await begin(there, MERGE, { user: "2" });
  const asked = card(inbox.page, "git_merge");
  await becomes(asked, "pending");
  await put(page, { name: "release-day", tool: "git_merge", reason: "오늘은 배포하는 날입니다" });
  await says(hold(page, "release-day"), "도구 git_merge");
  await eventually(
    "the hold is felt",
    async () => (await (await call(there, "/aura/admin/holds", OPERATOR)).json()).data.holds.length === 1,
  );
  await eventually("it cannot be approved", async () => {
    await button(asked, "approve").click();
    return (await asked.locator(".approval-said").textContent()).includes("오늘은 배포하는 날입니다");
  });
  const refused = await asked.locator(".approval-said").textContent();
  assert.equal(refused, "운영자가 보류해 지금은 승인할 수 없습니다: 오늘은 배포하는 날입니다");
  await becomes(asked, "pending");
  await confirmed(hold(page, "release-day"));
  await says(page.locator(".operators-part"), "보류된 것이 없습니다");
  await eventually("it can be approved again", async () => {
    // Looked at and clicked in one step: it goes away between two, once the click before has counted.
    await button(asked, "approve").evaluateAll((found) => found.filter((it) => !it.hidden).forEach((it) => it.click()));
    return (await asked.getAttribute("data-status")) === "approved";
  });
});

test("a hold on runs refuses what is asked for, with its reason, and what is wrong with a hold is told at its field", async (t) => {
  const server = await serverFor(t, ENV);
  const { page } = await operatorFor(t, server);
  await put(page, { name: "Not Good", tool: "", reason: "점검" });
  await says(page.locator(".new-hold .edit-field", { has: page.locator("#hold-name") }), "a-z");
  await put(page, { name: "maintenance", reason: "", runs: true });
  await says(page.locator(".new-hold .edit-field", { has: page.locator("#hold-reason") }), "reason");
  await put(page, { name: "maintenance", reason: "정기 점검 중입니다", runs: true });
  await says(hold(page, "maintenance"), "새 실행");
  const user = await consoleFor(t, server);
  await ask(user.page, HELLO);
  await says(user.page.locator("#main"), "운영자가 보류해 지금은 할 수 없습니다: 정기 점검 중입니다");
});

test("what an operator does is in the chain of the tenant that it is about, under the operator's name", async (t) => {
  const server = await replicaFor(t, await redisFor(t), ENV);
  const { page } = await operatorFor(t, server);
  await put(page, { name: "quiet", tool: "git_merge", tenant: "1", reason: "조사 중" });
  await confirmed(hold(page, "quiet"));
  await says(page.locator(".operators-part"), "보류된 것이 없습니다");
  const auditor = await consoleFor(t, server, { user: "9", roles: "auditor", place: "audit" });
  const entries = auditor.page.locator(".audit tbody tr");
  await eventually("both are recorded", async () => (await entries.count()) === 2);
  assert.match(await entries.last().textContent(), /보류 설정.*git_merge.*테넌트 9의 사용자 9.*quiet.*조사 중/);
  assert.match(await entries.first().textContent(), /보류 해제.*테넌트 9의 사용자 9/, "not the user 9 of this tenant");
  await auditor.page.click(".chain .button.primary");
  await says(auditor.page.locator(".chain-result"), "1번부터 2번까지 체인이 온전합니다");
});

for (const colorScheme of ["light", "dark"]) {
  test(`what operators see is accessible, ${colorScheme}, also on a phone`, async (t) => {
    const server = await serverFor(t, ENV);
    await begin(server, MAIL);
    await waiting(server, 1);
    const { page } = await operatorFor(t, server, { colorScheme, viewport: { width: 390, height: 844 } });
    await put(page, { name: "a", tool: "git_merge", reason: "이유" });
    await hold(page, "a").waitFor();
    await put(page, { name: "", reason: "이유" });
    await hold(page, "a").locator(".confirm .button").click();
    await rows(page).first().waitFor();
    const stop = rows(page).first().locator(".confirm .button");
    const { x, width } = await stop.boundingBox();
    assert.ok(x >= 0 && x + width <= 390, `what stops a run is in sight: ${x}, ${width}`);
    await stop.click();
    assert.deepEqual((await axe(page)).violations, []);
    assert.equal(await overflow(page), 0);
    await go(page, "approvals");
  });
}
