/** The audit stream, and the check of its chain in the browser. */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { begin, call, card, decide, says, waiting } from "./support/approvals.mjs";
import { axe, consoleFor, go, nothingWrong, overflow, picture } from "./support/browser.mjs";
import { eventually } from "./support/process.mjs";
import { MAIL, redisFor, replicaFor, serverFor } from "./support/scene.mjs";

const STREAM = "aura:audit:1";
const AUDITOR = { roles: "auditor" };

const redisCli = (redis, ...args) =>
  execFileSync("redis-cli", ["-p", String(redis.port), ...args], { encoding: "utf8" });

/** So many requests that were asked and approved: four entries each. */
async function history(server, requests) {
  for (let at = 0; at < requests; at += 1) {
    await begin(server, MAIL);
    const [{ requestId }] = await waiting(server, 1);
    await decide(server, requestId, "approve", { user: "2" });
    await eventually("it is all recorded", async () => (await recorded(server)) === 4 * (at + 1));
  }
}

async function recorded(server) {
  const { data } = await (await call(server, "/aura/audit?limit=1000", AUDITOR)).json();
  return data.entries.length;
}

async function checked(page) {
  await page.click(".chain .button.primary");
  await page.waitForSelector(".chain-result p");
  return page.locator(".chain-result").textContent();
}

test("an auditor reads what was recorded, newest first, page by page, and the chain is whole", async (t) => {
  const redis = await redisFor(t);
  const server = await replicaFor(t, redis);
  await history(server, 14);
  const window = await consoleFor(t, server, { ...AUDITOR, place: "audit" });
  const { page } = window;
  const rows = page.locator("tbody tr");
  await eventually("the newest are shown", async () => (await rows.count()) === 50);
  assert.equal(await rows.first().getAttribute("data-number"), "56");
  assert.match(await rows.first().textContent(), /도구 실행 끝: 완료.*send_email.*모의 실행/);
  await page.click(".audit > .button");
  await eventually("all are shown", async () => (await rows.count()) === 56);
  assert.equal(await rows.last().getAttribute("data-number"), "1");
  assert.match(await checked(page), /1번부터 56번까지 체인이 온전합니다 \(56건\).*봉인이 없으므로/);
  const { data } = await (await call(server, "/aura/audit?after=55", AUDITOR)).json();
  assert.ok(
    (await page.locator(".chain-result").textContent()).includes(data.entries[0].hash),
    "what is to be kept is the last hash",
  );
  await picture(page, "audit");
  await rows.first().locator("a").click();
  await says(page.locator(".linked"), "승인");
  assert.deepEqual(await nothingWrong(window), []);
});

/** What a check says once somebody has had their hands on the stream. */
async function manipulated(t, work) {
  const redis = await redisFor(t);
  const server = await replicaFor(t, redis);
  await history(server, 2);
  work(redis);
  const { page } = await consoleFor(t, server, { ...AUDITOR, place: "audit" });
  return checked(page);
}

/** Writes all entries anew, `change` having been at each. */
function rewritten(redis, change) {
  const lines = redisCli(redis, "XRANGE", STREAM, "-", "+").split("\n").slice(0, -1);
  redisCli(redis, "DEL", STREAM);
  for (let at = 0; at < lines.length; at += 7) {
    const fields = change(at / 7 + 1, lines.slice(at + 1, at + 7));
    redisCli(redis, "XADD", STREAM, lines[at], ...fields);
  }
}

test("an entry that somebody has changed in the store is found, and what can still be relied on is said", async (t) => {
  const said = await manipulated(t, (redis) =>
    rewritten(redis, (number, fields) =>
      number === 6 ? fields.map((field) => field.replace('"who":"2"', '"who":"3"')) : fields,
    ),
  );
  assert.match(said, /6번 기록이 변조되었습니다.*5번까지는 믿을 수 있습니다/);
});

test("an entry that somebody has removed is missed", async (t) => {
  const said = await manipulated(t, (redis) => redisCli(redis, "XDEL", STREAM, "3-0"));
  assert.match(said, /3번 기록이 없습니다.*2번까지는 믿을 수 있습니다/);
});

test("a beginning that is not there is said, and not taken for whole", async (t) => {
  const said = await manipulated(t, (redis) => redisCli(redis, "XDEL", STREAM, "1-0"));
  assert.match(said, /2번부터 8번까지.*1번까지는 없습니다/);
});

test("seals are not checked in a browser, which says so", async (t) => {
  const server = await replicaFor(t, await redisFor(t), { AURA__AUDIT__KEY: "0123456789abcdef0123456789abcdef-audit" });
  await history(server, 1);
  const { page } = await consoleFor(t, server, { ...AUDITOR, place: "audit" });
  assert.match(await checked(page), /온전합니다.*봉인은 브라우저에서 검사할 수 없고/);
});

test("whoever has not the role sees no tab for it", async (t) => {
  const server = await serverFor(t);
  const { page } = await consoleFor(t, server);
  await page.waitForSelector('.tab[href="#/approvals"]');
  assert.equal(await page.locator('.tab[href="#/audit"], .tab[href="#/operators"]').count(), 0);
  await page.evaluate(() => (location.hash = "#/audit"));
  await page.waitForSelector('.tab[href="#/ask"][aria-current]');
});

for (const colorScheme of ["light", "dark"]) {
  test(`the audit stream is accessible, ${colorScheme}, also on a phone`, async (t) => {
    const server = await serverFor(t);
    await history(server, 1);
    const { page } = await consoleFor(t, server, {
      ...AUDITOR,
      place: "audit",
      colorScheme,
      viewport: { width: 390, height: 844 },
    });
    await page.waitForSelector("tbody tr");
    await page.locator("summary", { hasText: "모든 항목" }).first().click();
    await checked(page);
    assert.deepEqual((await axe(page)).violations, []);
    assert.equal(await overflow(page), 0);
    await go(page, "approvals");
    await says(page.locator(".decided-row"), "사용자 2 승인");
    assert.equal(await card(page, "send_email").count(), 0);
  });
}
