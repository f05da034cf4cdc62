/** Reloads, lost connections, killed servers: nothing is lost, and nothing comes twice. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { ask, consoleFor, ended, go, nothingWrong } from "./support/browser.mjs";
import { MERGE, modelFor, redisFor, replicaFor, serverFor, slowly } from "./support/scene.mjs";

const WORDS = 150;
const WHOLE = Array.from({ length: WORDS }, (_, at) => `낱말${at} `).join("");

const hasWord = (page, at) => page.waitForFunction((at) => document.querySelector(".answer")?.textContent.includes(`낱말${at} `), at);
const answer = (page) => page.locator(".answer").allTextContents();

test("a reload in the middle of an answer goes on with it, from its first event", async (t) => {
  const model = await modelFor(t, slowly(WORDS, 20));
  const window = await consoleFor(t, await serverFor(t, model.env));
  const { page } = window;
  await ask(page, "천천히");
  await hasWord(page, 10);
  await page.reload();
  await hasWord(page, 20);
  assert.equal(await page.textContent(".prompt"), "천천히");
  await page.reload();
  assert.equal(await ended(page), "completed");
  assert.deepEqual(await answer(page), [WHOLE]);
  assert.equal(await page.locator(".event.end").count(), 1);
  assert.deepEqual(await nothingWrong(window), []);
});

test("a server that is killed and started again in the middle of an answer costs nothing", async (t) => {
  const model = await modelFor(t, slowly(WORDS, 20));
  const server = await replicaFor(t, await redisFor(t), model.env);
  const window = await consoleFor(t, server);
  const { page } = window;
  await ask(page, "천천히");
  await hasWord(page, 10);
  await server.kill();
  await page.waitForSelector(".banner:not([hidden])");
  await page.evaluate(() => (window.isSamePage = true));
  await server.restart();
  assert.equal(await ended(page), "completed");
  assert.ok(await page.evaluate(() => window.isSamePage), "without a reload");
  await page.waitForSelector(".banner", { state: "hidden" });
  const shown = await answer(page);
  // A model that is asked again may say something twice; the page shows what the journal has, once.
  await go(page, "sessions");
  await page.click(".row");
  assert.equal(await ended(page), "completed");
  assert.deepEqual(await answer(page), shown);
  assert.ok(shown.join("").endsWith(`낱말${WORDS - 1} `));
  assert.deepEqual(await nothingWrong(window), []);
});

test("a reload while a question waits shows it again, and once it is answered how it was answered", async (t) => {
  const window = await consoleFor(t, await serverFor(t));
  const { page } = window;
  await ask(page, MERGE);
  await page.waitForSelector(".approval .primary");
  await page.reload();
  await page.click(".approval .primary");
  assert.equal(await ended(page), "completed");
  await page.reload();
  assert.equal(await ended(page), "completed");
  await page.waitForSelector('.approval[data-status="approved"]');
  assert.equal(await page.locator(".approval").count(), 1);
  assert.deepEqual(await nothingWrong(window), []);
});

test("a reload before the server has answered starts no second run", async (t) => {
  const window = await consoleFor(t, await serverFor(t));
  const { page } = window;
  const requests = [];
  await page.route("**/aura/test/stream", async (route) => {
    requests.push(route.request().headers()["idempotency-key"]);
    if (requests.length > 1) return route.continue();
    // The run is there and over, and the page has nothing of it until it is loaded anew.
    await route.fetch();
    await page.reload();
    return route.abort().catch(() => undefined);
  });
  await ask(page, "안녕하세요");
  assert.equal(await ended(page), "completed");
  await go(page, "sessions");
  await page.waitForSelector(".row");
  assert.equal(await page.locator(".row").count(), 1);
  assert.equal(requests.length, 2);
  assert.equal(requests[0], requests[1]);
  assert.deepEqual(await nothingWrong(window), []);
});

test("a draft and the whole conversation are there after a reload; another tab begins with nothing", async (t) => {
  const server = await serverFor(t);
  const window = await consoleFor(t, server);
  const { page } = window;
  for (const [runs, prompt] of ["안녕하세요", "저장소 상태를 알려줘"].entries()) {
    await ask(page, prompt);
    await ended(page, runs + 1);
  }
  await page.fill("#prompt", "아직 보내지 않은 글");
  await page.reload();
  await ended(page, 2);
  assert.deepEqual(await page.locator(".prompt").allTextContents(), ["안녕하세요", "저장소 상태를 알려줘"]);
  assert.equal(await page.inputValue("#prompt"), "아직 보내지 않은 글");
  const other = await window.context.newPage();
  await other.goto(server.base);
  await other.waitForSelector(".signin");
});

test("a session is listed, paged, replayed from its record, and a running one goes on live and can be stopped", async (t) => {
  const model = await modelFor(t, (messages) => (/천천히/.test(JSON.stringify(messages.at(-1))) ? slowly(5000, 20)() : { words: ["네"] }));
  const window = await consoleFor(t, await serverFor(t, { ...model.env, AURA__LIMITS__STARTS_PER_MINUTE_PER_USER: "0" }));
  const { page } = window;
  for (let run = 0; run < 22; run += 1) {
    await ask(page, `질문 ${run}`);
    await ended(page, run + 1);
  }
  await ask(page, "천천히");
  await page.waitForFunction(() => document.querySelectorAll(".answer").length === 23);
  await go(page, "sessions");
  await page.waitForSelector(".row");
  assert.equal(await page.locator(".row").count(), 20);
  await page.click(".rows ~ .button");
  await page.waitForFunction(() => document.querySelectorAll(".row").length === 23);
  assert.match(await page.locator(".row").last().textContent(), /질문 0/);
  await page.locator(".row").first().click();
  await page.waitForFunction(() => document.querySelector(".page .answer")?.textContent.includes("낱말5"));
  await page.click(".page-head .button");
  assert.equal(await ended(page), "cancelled");
  assert.deepEqual(await nothingWrong(window), []);
});
