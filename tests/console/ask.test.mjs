/** Asking, as a person does. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { ask, consoleFor, ended, nothingWrong, overflow, picture } from "./support/browser.mjs";
import { HELLO, serverFor } from "./support/scene.mjs";

test("a first conversation: an example, its steps, its answer, and another question in the same thread", async (t) => {
  const server = await serverFor(t);
  const window = await consoleFor(t, server);
  const { page } = window;
  assert.ok(!page.url().includes("token"), "the token does not stay in the address");
  await picture(page, "welcome");
  await page.click(".example >> nth=0");
  assert.equal(await ended(page), "completed");
  assert.match(await page.textContent(".tool-name"), /git_status/);
  await page.click(".tool > summary");
  assert.notEqual((await page.textContent(".tool .code >> nth=-1")).trim(), "");
  assert.notEqual((await page.textContent(".answer")).trim(), "");
  await picture(page, "conversation");
  await ask(page, HELLO);
  assert.equal(await ended(page, 2), "completed");
  assert.equal(await overflow(page), 0);
  assert.deepEqual(await nothingWrong(window), []);
});
