/** Whatever a prompt, a model, a tool or a server says is shown as the text that it is. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { ask, consoleFor, ended, go, nothingWrong, overflow } from "./support/browser.mjs";
import { modelFor, serverFor } from "./support/scene.mjs";

const EVIL = `<img src=x onerror="alert(1)"><script>alert(2)</script><svg/onload=alert(3)></details></li>`;
const MORE = `javascript:alert(4) [x](javascript:alert(5)) \u202egnp.exe ${"W".repeat(500)}`;

/** No element but those that the page makes itself; nothing was run, nothing asked for. */
async function isHarmless(window) {
  const made = await window.page.evaluate(
    () => document.querySelectorAll("img, svg, iframe, object, form[action], [onerror], [onload], script:not([src^='console/']), a:not([href^='#'])").length,
  );
  assert.equal(made, 0);
  assert.equal(await overflow(window.page), 0);
  assert.deepEqual(await nothingWrong(window), []);
}

test("a prompt, an answer, thoughts, tool names, arguments and results make no element", async (t) => {
  const model = await modelFor(t, (messages) => {
    const results = messages.filter(({ role }) => role === "tool").length;
    const calls = [
      { name: "git_show_file", args: { path: EVIL, [EVIL]: MORE } },
      { name: EVIL, args: { a: EVIL } },
    ];
    return results < 2 ? { call: calls[results], reasoning: EVIL, words: [EVIL] } : { words: [EVIL, "\n", MORE], reasoning: MORE };
  });
  const window = await consoleFor(t, await serverFor(t, model.env), { viewport: { width: 390, height: 844 } });
  const { page } = window;
  await ask(page, `${EVIL} ${MORE}`);
  await ended(page);
  assert.ok((await page.textContent(".prompt")).includes(EVIL));
  assert.ok((await page.locator(".answer").allTextContents()).join("").includes(EVIL));
  for (const details of await page.locator("details:not(.menu)").all()) await details.locator("summary").first().click();
  assert.ok((await page.locator(".tool").allTextContents()).join("").includes("<img src=x"));
  await isHarmless(window);
  await go(page, "sessions");
  await page.waitForSelector(".row");
  assert.ok((await page.textContent(".row")).includes("<img src=x"));
  await page.click(".row");
  await ended(page);
  await isHarmless(window);
});

/** Every kind of event, with ill will in every field that can take it. */
function hostileStream() {
  const all = { message: EVIL, error: EVIL, errorType: EVIL, content: EVIL, title: EVIL, description: EVIL, status: EVIL, order: 0 };
  const events = [
    ["start", { threadId: EVIL, model: EVIL }],
    ["thought", { thoughtType: EVIL, sources: [EVIL] }],
    ["thought", { thoughtType: "reasoning" }],
    ["thought", { thoughtType: "__proto__" }],
    ["plan_step", { stepId: EVIL }],
    ["plan_step_update", { stepId: EVIL }],
    ["tool_execution", { toolCallId: EVIL, toolName: EVIL, toolArgs: { [EVIL]: EVIL }, result: { [EVIL]: EVIL }, durationMs: 1 }],
    ["tool_execution", { toolCallId: "__proto__", toolName: "constructor", toolArgs: {}, result: EVIL, status: "__proto__" }],
    ["content", { chunk: true, metadata: { result: { type: "checklist", title: EVIL, items: [{ label: EVIL, checked: true }] } } }],
    ["content", { chunk: true, metadata: { result: { type: EVIL, title: EVIL, content: EVIL } } }],
    ["content", { chunk: false, metadata: { notice: true } }],
    [EVIL.replaceAll("\n", ""), {}],
    ["failed", { requestId: EVIL }],
    ["error", { errorCode: EVIL, retryable: false }],
    ["end", { status: "constructor", durationMs: 1, usage: { promptTokens: 1, completionTokens: 1, totalTokens: 2 } }],
  ];
  const frames = events.map(([type, fields], at) => `id: ${at + 1}\nevent: ${type}\ndata: ${JSON.stringify({ ...all, type, ...fields })}\n\n`);
  return `${frames.join("")}id: ${events.length + 1}\ndata: [DONE]\n\n`;
}

test("a server that says nothing but ill makes no element either", async (t) => {
  const window = await consoleFor(t, await serverFor(t));
  const { page } = window;
  await page.route("**/aura/test/stream", (route) =>
    route.fulfill({ contentType: "text/event-stream", headers: { "X-Session-ID": EVIL.replaceAll(" ", "") }, body: hostileStream() }),
  );
  await ask(page, "안녕");
  await ended(page);
  assert.equal(await page.locator(".event").count(), 13);
  await isHarmless(window);
  await page.route("**/aura/sessions?*", (route) =>
    route.fulfill({
      json: { status: "SUCCESS", data: { sessions: [{ sessionId: `../${EVIL}`, status: EVIL, prompt: EVIL, createdAt: 1 }], next: EVIL } },
    }),
  );
  await go(page, "sessions");
  await page.waitForSelector(".row");
  await isHarmless(window);
  await page.route("**/aura/sessions?*", (route) =>
    route.fulfill({ status: 400, json: { status: "ERROR", message: EVIL, errorCode: EVIL, detail: EVIL, traceId: EVIL } }),
  );
  await page.click(".page-head .button");
  await page.waitForSelector(".fault");
  await isHarmless(window);
});

test("an address that means nothing shows the first view", async (t) => {
  const window = await consoleFor(t, await serverFor(t));
  const { page } = window;
  for (const hash of ["#/__proto__", "#/constructor/x", `#/${EVIL}`, "#/sessions/%E0%A4%A", "#token"]) {
    await page.evaluate((hash) => (location.hash = hash), hash);
    await page.waitForSelector(".tab[aria-current='page']");
  }
  await isHarmless(window);
});
