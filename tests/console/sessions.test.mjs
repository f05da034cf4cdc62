/** The list of sessions, and reading one again. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { begin } from "./support/approvals.mjs";
import { consoleFor, go } from "./support/browser.mjs";
import { eventually } from "./support/process.mjs";
import { HELLO, MERGE, serverFor } from "./support/scene.mjs";

const MORE = ".page > div > .button:last-child";

test("whoever asks twice for more gets each session once, and the keyboard goes on with the first of them", async (t) => {
  const server = await serverFor(t);
  for (let at = 0; at < 25; at += 1) await begin(server, HELLO);
  const { page } = await consoleFor(t, server, { place: "sessions" });
  const rows = page.locator("a.row");
  await eventually("the first page", async () => (await rows.count()) === 20);
  await page.locator(MORE).evaluate((button) => (button.click(), button.click()));
  await page.locator(MORE).waitFor({ state: "hidden" });
  const addresses = await rows.evaluateAll((all) => all.map(({ hash }) => hash));
  assert.equal(addresses.length, 25);
  assert.equal(new Set(addresses).size, 25);
  await page.waitForFunction(() => document.activeElement === document.querySelectorAll("a.row")[20]);
});

test("a session that is left before the server has told of it is not read behind anybody's back", async (t) => {
  const server = await serverFor(t);
  const sessionId = await begin(server, MERGE);
  const { page } = await consoleFor(t, server);
  const asked = [];
  page.on("request", (request) => request.url().includes(sessionId) && asked.push(new URL(request.url()).pathname));
  let leave;
  const isLeft = new Promise((resolve) => (leave = resolve));
  await page.route(`**/aura/sessions/${sessionId}`, async (route) => (await isLeft, route.continue()));
  await go(page, `sessions/${sessionId}`);
  await eventually("it is asked for", () => asked.length === 1);
  await go(page, "approvals");
  const told = page.waitForResponse(`**/aura/sessions/${sessionId}`);
  leave();
  await (await told).finished();
  // Of a session that is read, the stream is asked for at once; the list comes later than that.
  await go(page, "sessions");
  await page.locator("a.row").first().waitFor();
  assert.deepEqual(asked, [`/aura/sessions/${sessionId}`]);
});
