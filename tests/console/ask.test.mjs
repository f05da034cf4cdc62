/** Asking, as a person does. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { ask, consoleFor, ended, nothingWrong, picture } from "./support/browser.mjs";
import { HELLO, MERGE, modelFor, serverFor, slowly } from "./support/scene.mjs";

test("a first conversation: an example, its steps, its answer, and another question in the same thread", async (t) => {
  const server = await serverFor(t);
  const window = await consoleFor(t, server);
  const { page } = window;
  assert.ok(!page.url().includes("token"), "the token does not stay in the address");
  await picture(page, "welcome");
  await page.click(".example >> nth=0");
  assert.equal(await ended(page), "completed");
  assert.match(await page.textContent(".tool-name"), /git_status/);
  assert.deepEqual(new Set(await page.locator(".step .chip").allTextContents()), new Set(["완료"]));
  await page.click(".tool > summary");
  assert.match(await page.locator(".tool .code").last().textContent(), /"branch": "main"/);
  assert.match(await page.textContent(".artifact"), /충돌 없음/);
  assert.match(await page.textContent(".answer"), /main/);
  await picture(page, "answer");
  const threads = [];
  page.on("request", (request) => request.method() === "POST" && threads.push(request.postDataJSON().thread_id));
  for (const runs of [2, 3]) {
    await ask(page, HELLO);
    assert.equal(await ended(page, runs), "completed");
  }
  assert.equal(threads.length, 2);
  assert.equal(new Set(threads).size, 1);
  assert.deepEqual(await nothingWrong(window), []);
});

test("a run is stopped by its button, and the next prompt can be sent", async (t) => {
  const model = await modelFor(t, slowly(5000, 20));
  const window = await consoleFor(t, await serverFor(t, model.env));
  const { page } = window;
  await ask(page, "천천히");
  await page.waitForSelector(".answer");
  await page.click(".composer button:not([hidden])");
  assert.equal(await ended(page), "cancelled");
  assert.ok(await page.isVisible(".composer button[type=submit]"));
  assert.deepEqual(await nothingWrong(window), []);
});

test("an answer of thousands of words is shown as it comes, in a few text nodes, and whole", async (t) => {
  const window = await consoleFor(t, await serverFor(t));
  const { page } = window;
  const since = Date.now();
  await ask(page, "words=5000 짜리 답을 주세요");
  assert.equal(await ended(page), "completed");
  const took = Date.now() - since;
  const { words, nodes } = await page.evaluate(() => {
    const answer = document.querySelector(".answer");
    return { words: answer.textContent.trim().split(/\s+/).length, nodes: answer.querySelectorAll("*").length };
  });
  t.diagnostic(`5000 words in ${took} ms, ${nodes} elements`);
  assert.ok(words >= 5000, `${words}`);
  assert.ok(nodes < 100, `${nodes}`);
  assert.deepEqual(await nothingWrong(window), []);
});

test("the page stays at the end of an answer, but not under a reader who has scrolled up", async (t) => {
  const model = await modelFor(t, () => ({ words: Array.from({ length: 600 }, (_, at) => `줄 ${at}\n`), pauseMs: 5 }));
  const window = await consoleFor(t, await serverFor(t, model.env), { viewport: { width: 900, height: 500 } });
  const { page } = window;
  await ask(page, "길게");
  const distance = () => page.evaluate(() => document.scrollingElement.scrollHeight - window.scrollY - window.innerHeight);
  await page.waitForFunction(() => window.scrollY > 300);
  assert.ok((await distance()) < 100);
  await page.mouse.move(400, 200);
  await page.mouse.wheel(0, -250);
  await page.waitForSelector(".latest:not([hidden])");
  const at = await page.evaluate(() => window.scrollY);
  const shown = await page.evaluate(() => document.querySelector(".answer").textContent.length);
  await page.waitForFunction((shown) => document.querySelector(".answer").textContent.length > shown + 200, shown);
  assert.equal(await page.evaluate(() => window.scrollY), at);
  await page.click(".latest");
  await ended(page);
  await page.waitForFunction(() => document.scrollingElement.scrollHeight - window.scrollY - window.innerHeight < 100);
  assert.deepEqual(await nothingWrong(window), []);
});

test("a prompt that no server has taken can be taken back, and is one run however often it is sent", async (t) => {
  const server = await serverFor(t);
  const window = await consoleFor(t, server);
  const { page } = window;
  const keys = [];
  let takes = false;
  await page.route("**/aura/test/stream", (route) => {
    keys.push(route.request().headers()["idempotency-key"]);
    return takes ? route.continue() : route.fulfill({ status: 503, json: { status: "ERROR", errorCode: "E5000", message: "x", detail: "held: maintenance" } });
  });
  await ask(page, HELLO);
  await page.waitForFunction(() => document.querySelector(".run-line").textContent.includes("held: maintenance"));
  await page.click(".composer button:not([hidden])");
  await page.waitForSelector(".welcome");
  assert.equal(await page.inputValue("#prompt"), HELLO);
  takes = true;
  await page.press("#prompt", "Enter");
  assert.equal(await ended(page), "completed");
  assert.ok(keys.length > 1 && new Set(keys).size === 1);
});

test("what a model thinks aloud is folded, and no part of the answer", async (t) => {
  const model = await modelFor(t, () => ({ reasoning: "먼저 살펴본다", words: ["답입니다"] }));
  const window = await consoleFor(t, await serverFor(t, model.env));
  const { page } = window;
  await ask(page, "생각해줘");
  assert.equal(await ended(page), "completed");
  assert.equal(await page.textContent(".answer"), "답입니다");
  assert.equal(await page.isVisible(".reasoning-text"), false);
  await page.click(".reasoning summary");
  assert.match(await page.textContent(".reasoning-text"), /먼저 살펴본다/);
});

test("a run that is refused is told with its reason and can be changed; a server that does not answer is said", async (t) => {
  const server = await serverFor(t, { AURA__LIMITS__PROMPT_BYTES: "1024" });
  const window = await consoleFor(t, server);
  const { page } = window;
  await ask(page, "가".repeat(2000));
  await page.waitForFunction(() => /prompt/.test(document.querySelector(".run-line")?.textContent ?? ""));
  await page.waitForFunction(() => document.querySelector("#prompt").value.startsWith("가가"));
  await page.reload();
  await page.waitForSelector(".welcome");
  assert.equal(await page.locator(".turn").count(), 0, "what was refused is not sent again by itself");
  await server.kill();
  await ask(page, MERGE);
  await page.waitForSelector(".banner:not([hidden])");
  await server.restart();
  await page.waitForSelector(".banner", { state: "hidden" });
});

test("a new conversation begins without the old one, whose run goes on", async (t) => {
  const model = await modelFor(t, slowly(60, 20));
  const window = await consoleFor(t, await serverFor(t, model.env));
  const { page } = window;
  await ask(page, "천천히");
  await page.waitForSelector(".answer");
  await page.click(".ask-more button");
  await page.waitForSelector(".welcome");
  await page.click('.tab[href="#/sessions"]');
  await page.click(".row");
  assert.equal(await ended(page), "completed");
  assert.match(await page.textContent(".answer"), /낱말59/);
  assert.deepEqual(await nothingWrong(window), []);
});

test("code between fences is set as code, however it is cut into pieces, and the answer keeps every character", async (t) => {
  const words = ["앞 `a`\n``", "`js", "on\n{ \"a\": `1`,\n``b", "\n}\n`", "``\n뒤\n", "```\n끝나지 않은 코드"];
  const model = await modelFor(t, () => ({ words, pauseMs: 40 }));
  const window = await consoleFor(t, await serverFor(t, model.env));
  const { page } = window;
  await ask(page, "코드");
  assert.equal(await ended(page), "completed");
  assert.deepEqual(await page.locator(".answer pre").allTextContents(), ["{ \"a\": `1`,\n``b\n}\n", "끝나지 않은 코드"]);
  assert.deepEqual(await page.locator(".answer .answer-text").allTextContents(), ["앞 `a`\n", "뒤\n"]);
  assert.equal(await page.locator(".answer").textContent(), words.join(""));
  assert.deepEqual(await nothingWrong(window), []);
});
