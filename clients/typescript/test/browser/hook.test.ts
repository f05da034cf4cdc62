/** `useAuraRun`, rendered by React in strict mode in a browser. */

import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import type { Page } from "playwright-core";
import { pageFor, siteFor } from "../support/browser.js";
import { journalOf } from "../support/journal.js";
import { clientOf, MAIL, modelFor, proxyFor, serverFor, slowly } from "../support/scene.js";
import { TENANT, token, type Server } from "../support/server.js";
import { eventually } from "../support/wait.js";

const HTML =
  '<!doctype html><div id="root"></div><script type="module" src="/build/test/browser/pages/hook.bundle.js"></script>';

async function opened(
  t: TestContext,
  server: string,
  asked: Readonly<Record<string, string>>,
): Promise<{ page: Page; errors: string[] }> {
  const { page, errors } = await pageFor(t);
  const query = new URLSearchParams({ server, token: token(), tenant: TENANT, ...asked });
  await page.goto(`${await siteFor(t, { "/hook.html": HTML })}/hook.html?${query}`);
  return { page, errors };
}

const shown = async (page: Page, id: string): Promise<string> => (await page.textContent(`#${id}`)) ?? "";
const shows = (page: Page, id: string, text: string): Promise<unknown> =>
  page.waitForFunction(([id, text]) => document.getElementById(id)?.textContent === text, [id, text] as const);

async function idsOf(server: Server, sessionId: string): Promise<string> {
  return [...(await journalOf(server, sessionId)).matchAll(/^id: ([0-9]+)$/gm)].map((match) => match[1]).join(" ");
}

test(
  "an effect that starts a run starts one, though strict mode mounts twice; approved, it comes to its end",
  { timeout: 120_000 },
  async (t) => {
    const server = await serverFor(t);
    const { page, errors } = await opened(t, server.base, { prompt: MAIL });
    await shows(page, "status", "waiting_approval");
    assert.match(await shown(page, "question"), /kim@example\.com/);
    assert.equal(await shown(page, "tools"), "send_email: pending");
    await page.click("#approve");
    await shows(page, "status", "completed");
    assert.equal(await shown(page, "question"), "");
    assert.equal(await shown(page, "tools"), "send_email: success");
    assert.match(await shown(page, "plan"), /: completed; .*: completed$/);
    assert.match(await shown(page, "answer"), /kim@example\.com/);
    const sessions = await clientOf(server.base).sessions.list();
    const sessionId = await shown(page, "session");
    assert.deepEqual(
      sessions.sessions.map((session) => session.sessionId),
      [sessionId],
    );
    assert.equal(await shown(page, "ids"), await idsOf(server, sessionId));
    assert.deepEqual(errors, []);
  },
);

test(
  "a component that goes closes its stream; the run goes on, and a page that is loaded again shows all of it",
  { timeout: 120_000 },
  async (t) => {
    const model = await modelFor(t, slowly(150));
    const server = await serverFor(t, model.env);
    const proxy = await proxyFor(t, server);
    const { page, errors } = await opened(t, proxy.base, { prompt: "천천히" });
    await shows(page, "status", "running");
    for (let times = 0; times < 5; times++) await page.click("#render");
    await page.click("#toggle");
    await eventually("the stream is closed", () => proxy.openStreams === 0);
    const [session] = (await clientOf(server.base).sessions.list()).sessions;
    assert.equal(session?.status, "running", "the run goes on");
    await page.goto(page.url().replace(/prompt=[^&]*/, `session=${session?.sessionId}`));
    await shows(page, "status", "completed");
    assert.equal(await shown(page, "ids"), await idsOf(server, session?.sessionId ?? ""));
    assert.equal((await clientOf(server.base).sessions.list()).sessions.length, 1);
    assert.deepEqual(errors, []);
  },
);

test("a rejection and a cancellation are shown as what they are", { timeout: 120_000 }, async (t) => {
  const server = await serverFor(t);
  for (const [button, status] of [
    ["reject", "rejected"],
    ["cancel", "cancelled"],
  ] as const) {
    const { page } = await opened(t, server.base, { prompt: MAIL });
    await shows(page, "status", "waiting_approval");
    await page.click(`#${button}`);
    await shows(page, "status", status);
    assert.equal(await shown(page, "tools"), "send_email: cancelled");
    assert.equal(await shown(page, "answer"), "");
  }
});

test("a stream that is refused is shown as an error", { timeout: 120_000 }, async (t) => {
  const server = await serverFor(t);
  const { page } = await opened(t, server.base, { prompt: MAIL, tenant: "2" });
  await page.waitForFunction(() => document.getElementById("status")?.textContent?.startsWith("E2007"));
});
