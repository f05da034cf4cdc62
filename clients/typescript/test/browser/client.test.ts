/** The client itself in a browser: the same resuming, over another origin. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { pageFor, siteFor } from "../support/browser.js";
import { bytesOf, journalOf } from "../support/journal.js";
import { durableServerFor, MAIL, modelFor, proxyFor, serverFor, slowly, RETRY } from "../support/scene.js";
import { TENANT, token } from "../support/server.js";
import type { AuraEvent } from "@dwp/aura-client";

const PAGE = `<!doctype html><script type="module">
  import { AuraClient } from "/dist/index.js";
  window.ask = async (options, prompt) => {
    const client = new AuraClient(options);
    const run = client.run(prompt);
    const events = [];
    for await (const event of run) {
      events.push(event);
      if (event.type === "hitl") await client.approvals.approve(event.data.requestId);
      if (event.type === "content") document.title = "answering";
    }
    return { events, result: await run.result() };
  };
  document.title = "ready";
</script>`;

interface Asked {
  readonly events: AuraEvent[];
  readonly result: { readonly sessionId: string; readonly status: string };
}

declare global {
  interface Window {
    ask(options: object, prompt: string): Promise<Asked>;
  }
}

test(
  "in a browser, a run with an approval that is cut at every event has every event once",
  { timeout: 120_000 },
  async (t) => {
    const server = await serverFor(t);
    const proxy = await proxyFor(t, server);
    proxy.plan = (stream) => ({ afterFrames: 1, within: stream % 2 === 0 ? "character" : "half" });
    const { page, errors } = await pageFor(t);
    await page.goto(`${await siteFor(t, { "/page.html": PAGE })}/page.html`);
    await page.waitForFunction(() => document.title === "ready");
    const options = { baseUrl: proxy.base, token: token(), tenantId: TENANT, retry: RETRY };
    const { events, result } = await page.evaluate(([options, prompt]) => window.ask(options, prompt), [
      options,
      MAIL,
    ] as const);
    assert.equal(result.status, "completed");
    assert.equal(bytesOf(events), await journalOf(server, result.sessionId));
    assert.ok(proxy.cuts > events.length / 2);
    assert.deepEqual(errors, []);
  },
);

test(
  "in a browser, a server that is killed in the middle of an answer costs a run nothing",
  { timeout: 120_000 },
  async (t) => {
    const model = await modelFor(t, slowly(100));
    const { server } = await durableServerFor(t, model.env);
    const proxy = await proxyFor(t, server);
    const { page } = await pageFor(t);
    await page.goto(`${await siteFor(t, { "/page.html": PAGE })}/page.html`);
    await page.waitForFunction(() => document.title === "ready");
    const options = { baseUrl: proxy.base, token: token(), tenantId: TENANT, retry: RETRY };
    const asked = page.evaluate(([options, prompt]) => window.ask(options, prompt), [options, "천천히"] as const);
    await page.waitForFunction(() => document.title === "answering");
    await server.restart();
    const { events, result } = await asked;
    assert.equal(result.status, "completed");
    assert.equal(bytesOf(events), await journalOf(server, result.sessionId));
  },
);
