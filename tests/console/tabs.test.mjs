/** Many tabs of one browser, which has six connections to a server. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { becomes, begin, button, call, card, waiting } from "./support/approvals.mjs";
import { consoleFor, enter, go, windowFor } from "./support/browser.mjs";
import { eventually } from "./support/process.mjs";
import { MAIL, MERGE, serverFor } from "./support/scene.mjs";
import { token } from "./support/server.mjs";

test("more tabs than a browser has connections all show what waits, also once the one that reads is closed", async (t) => {
  const server = await serverFor(t);
  const first = await consoleFor(t, server);
  await begin(server, MAIL, { user: "2" });
  await waiting(server, 1);
  const tabs = [first.page];
  for (let at = 1; at < 9; at += 1) {
    const page = await first.context.newPage();
    await enter(page, server, token());
    await go(page, "approvals");
    tabs.push(page);
  }
  for (const page of tabs.slice(1)) await becomes(card(page, "send_email"), "pending");
  await button(card(tabs[8], "send_email"), "approve").click();
  for (const page of tabs.slice(1)) await becomes(card(page, "send_email"), "approved");
  await first.page.close();
  await begin(server, MERGE, { user: "2" });
  for (const page of tabs.slice(1)) await becomes(card(page, "git_merge"), "pending");
  await eventually("all count it", async () =>
    (await Promise.all(tabs.slice(1).map((page) => page.title()))).every((title) => title.startsWith("(1) ")),
  );
});

test("a tab whose token is over leaves the reading to one that has a token", async (t) => {
  const server = await serverFor(t, {
    AURA__AUTH__LEEWAY_SECONDS: "0",
    AURA__AUTH__CLOSE_STREAMS_AT_EXPIRY: "true",
  });
  const { context, page } = await windowFor(t, server.base);
  await enter(page, server, token({ seconds: 8 }));
  const other = await context.newPage();
  await enter(other, server, token());
  await go(other, "approvals");
  await page.waitForSelector("dialog[open]");
  await begin(server, MERGE, { user: "2" });
  await becomes(card(other, "git_merge"), "pending");
  await page.fill("#signin-token", token());
  await page.press("#signin-token", "Enter");
  await go(page, "approvals");
  await becomes(card(page, "git_merge"), "pending");
  await other.close();
  await begin(server, MAIL, { user: "2" });
  await becomes(card(page, "send_email"), "pending");
});

test("tabs of two users of one browser do not tell each other anything", async (t) => {
  const server = await serverFor(t);
  const one = await consoleFor(t, server, { place: "approvals" });
  const other = await one.context.newPage();
  await enter(other, server, token({ user: "5", tenant: "2" }));
  await go(other, "approvals");
  await begin(server, MERGE, { user: "2" });
  await becomes(card(one.page, "git_merge"), "pending");
  await begin(server, MAIL, { user: "6", tenant: "2" });
  await becomes(card(other, "send_email"), "pending");
  assert.equal(await card(other, "git_merge").count(), 0);
  assert.equal(await card(one.page, "send_email").count(), 0);
  assert.equal((await (await call(server, "/aura/approvals")).json()).data.approvals.length, 1);
});
