/** The example page, as a person uses it. */

import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import type { Page } from "playwright-core";
import { pageFor, siteFor } from "../support/browser.js";
import { MAIL, modelFor, proxyFor, serverFor } from "../support/scene.js";
import { token, type ServerEnv } from "../support/server.js";

async function asked(t: TestContext, prompt: string, env: ServerEnv = {}): Promise<{ page: Page; errors: string[] }> {
  const server = await serverFor(t, env);
  const proxy = await proxyFor(t, server);
  proxy.plan = (stream) => (stream < 5 ? { afterFrames: 2, within: "half" } : null);
  const { page, errors } = await pageFor(t);
  await page.goto(`${await siteFor(t)}/example/index.html`);
  await page.fill("#server", proxy.base);
  await page.fill("#token", token());
  await page.fill("#prompt", prompt);
  await page.click("#start");
  await page.waitForSelector("#card");
  return { page, errors };
}

const status = (page: Page, text: string): Promise<unknown> =>
  page.waitForFunction((text) => document.getElementById("status")?.textContent?.startsWith(text), text);

test("a person asks, sees the steps, and approves", { timeout: 120_000 }, async (t) => {
  const { page, errors } = await asked(t, MAIL);
  assert.match((await page.textContent("#question")) ?? "", /kim@example\.com/);
  assert.match((await page.textContent("#steps")) ?? "", /send_email .*: pending/);
  await page.click("#approve");
  await status(page, "completed");
  assert.match((await page.textContent("#answer")) ?? "", /kim@example\.com/);
  assert.match((await page.textContent("#steps")) ?? "", /send_email .*: success/);
  assert.equal(await page.textContent("#approval"), "");
  assert.deepEqual(errors, []);
});

test("a button answers the question that it was shown with, and no other", { timeout: 120_000 }, async (t) => {
  const call = (subject: string) => ({ name: "send_email", args: { to: ["kim@example.com"], subject, body: "본문" } });
  const model = await modelFor(t, (messages) => {
    const sent = messages.filter(({ role }) => role === "tool").length;
    return sent === 2 ? { words: ["보냈습니다"] } : { words: [], call: call(sent === 0 ? "하나" : "둘") };
  });
  const { page } = await asked(t, "부탁해", model.env);
  const first = await page.waitForSelector("#approve");
  await first.click();
  await page.waitForFunction(() => document.getElementById("question")?.textContent?.includes("둘"));
  const answered: string[] = [];
  page.on("request", (request) => request.method() === "POST" && answered.push(new URL(request.url()).pathname));
  const late = page.waitForResponse((response) => response.url().endsWith("/approve"));
  await first.evaluate((button) => (button as HTMLElement).click());
  assert.equal((await late).status(), 409, "what it was shown with is decided already");
  // The second half of a double click is no answer to what has come under it.
  await page.dispatchEvent("#approve", "click", { detail: 2 });
  await page.click("#approve");
  await status(page, "completed");
  assert.equal(new Set(answered).size, 2);
  assert.equal(answered.length, 2);
});

test("a person changes the arguments: these are what runs", { timeout: 120_000 }, async (t) => {
  const { page } = await asked(t, MAIL);
  const args = (await page.inputValue("#args")).replaceAll("kim@", "lee@");
  await page.fill("#args", args);
  await page.click("#approve");
  await status(page, "completed");
  assert.match((await page.textContent("#answer")) ?? "", /lee@example\.com/);
});

test("arguments that were too long for the question are only read; all of them run", { timeout: 120_000 }, async (t) => {
  const body = "본문 ".repeat(10_000);
  const call = { name: "send_email", args: { to: ["kim@example.com"], subject: "보고", body } };
  const model = await modelFor(t, (messages) =>
    messages.some(({ role }) => role === "tool") ? { words: ["보냈습니다"] } : { words: [], call },
  );
  const { page, errors } = await asked(t, "부탁해", model.env);
  assert.equal(await page.locator("#args[readonly]").count(), 1);
  const approval = page.waitForRequest((request) => request.url().includes("/approve"));
  await page.click("#approve");
  assert.equal((await approval).postDataJSON()?.args, undefined, "what was shown is not all");
  await status(page, "completed");
  assert.deepEqual(errors, []);
});

test("what is wrong is told, and nothing of the run before is left", { timeout: 120_000 }, async (t) => {
  const { page } = await asked(t, MAIL);
  await page.fill("#args", "{");
  await page.click("#approve");
  await status(page, "SyntaxError");
  await page.fill("#token", "no token");
  await page.click("#start");
  await status(page, "AuraError: E200");
  for (const id of ["answer", "steps", "approval"]) assert.equal(await page.textContent(`#${id}`), "", id);
  await page.fill("#server", "localhost:9000");
  await page.click("#start");
  assert.match((await page.textContent("#status")) ?? "", /TypeError: baseUrl must/);
  // Nobody is there: the page says that it tries again.
  await page.fill("#server", "http://127.0.0.1:9");
  await page.click("#start");
  await status(page, "reconnecting: ");
});

test("a person rejects, and says why", { timeout: 120_000 }, async (t) => {
  const { page } = await asked(t, MAIL);
  await page.fill("#reason", "아직 아닙니다");
  await page.click("#reject");
  await status(page, "rejected: 아직 아닙니다");
});

test("what a model writes is shown as text, not as HTML", { timeout: 120_000 }, async (t) => {
  const html = `<img src=x onerror="document.title='owned'">`;
  const call = { name: "send_email", args: { to: ["kim@example.com"], subject: html, body: html } };
  const model = await modelFor(t, (messages) =>
    messages.some(({ role }) => role === "tool") ? { words: [html] } : { words: [], call },
  );
  const { page } = await asked(t, "부탁해", model.env);
  for (const id of ["question", "preview", "steps"]) assert.match((await page.textContent(`#${id}`)) ?? "", /<img/, id);
  await page.click("#approve");
  await status(page, "completed");
  assert.equal(await page.textContent("#answer"), html);
  assert.equal(await page.locator("img").count(), 0);
  assert.notEqual(await page.title(), "owned");
});
