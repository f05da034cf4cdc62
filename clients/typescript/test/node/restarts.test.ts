import assert from "node:assert/strict";
import { test } from "node:test";
import type { AuraEvent } from "@dwp/aura-client";
import { bytesOf, journalOf } from "../support/journal.js";
import { all, clientOf, durableServerFor, MAIL, modelFor, proxyFor, slowly } from "../support/scene.js";
import { eventually } from "../support/wait.js";

test(
  "a server that is killed in the middle of an answer costs a run nothing and repeats nothing",
  { timeout: 60_000 },
  async (t) => {
    const model = await modelFor(t, slowly(60));
    const { server } = await durableServerFor(t, model.env);
    const client = clientOf((await proxyFor(t, server)).base);
    const run = client.run("천천히");
    const events: AuraEvent[] = [];
    let restarted: Promise<void> | null = null;
    for await (const event of run) {
      events.push(event);
      if (event.type === "content" && restarted === null) restarted = server.restart();
    }
    assert.ok(restarted !== null);
    await restarted;
    assert.equal(bytesOf(events), await journalOf(server, await run.sessionId));
    assert.equal((await run.result()).status, "completed");
  },
);

test(
  "a server that is killed while a person is asked: the answer counts after the restart",
  { timeout: 60_000 },
  async (t) => {
    const { server } = await durableServerFor(t);
    const client = clientOf((await proxyFor(t, server)).base);
    const run = client.run(MAIL);
    const events: AuraEvent[] = [];
    for await (const event of run) {
      events.push(event);
      if (event.type !== "hitl") continue;
      await server.kill();
      // Nobody is there: it is repeated until somebody is.
      const approved = client.approvals.approve(event.data.requestId);
      await server.restart();
      const outcome = await approved;
      assert.ok(outcome.kind === "decided" && outcome.status === "approved");
    }
    assert.equal(bytesOf(events), await journalOf(server, await run.sessionId));
    assert.ok(events.some((event) => event.type === "tool_execution" && event.data.status === "success"));
  },
);

test("a Redis that is killed in the middle of an answer costs a run nothing", { timeout: 60_000 }, async (t) => {
  const model = await modelFor(t, slowly(60));
  const { server, redis } = await durableServerFor(t, model.env);
  const client = clientOf(server.base);
  const run = client.run("천천히");
  const events: AuraEvent[] = [];
  let restarted: Promise<void> | null = null;
  for await (const event of run) {
    events.push(event);
    if (event.type === "content" && restarted === null) restarted = redis.restart();
  }
  await restarted;
  assert.equal(bytesOf(events), await journalOf(server, await run.sessionId));
});

test(
  "a session that its server has forgotten is an error, and no run is started instead",
  { timeout: 60_000 },
  async (t) => {
    const { server, redis } = await durableServerFor(t);
    const client = clientOf((await proxyFor(t, server)).base);
    const run = client.run(MAIL);
    let seen = 0;
    const reading = (async () => {
      for await (const _ of run) seen += 1;
    })();
    await eventually("there is something to be forgotten", () => seen > 0);
    await server.kill();
    await redis.restartEmpty();
    await server.restart();
    await assert.rejects(reading, { status: 404, code: "E1004" });
    assert.deepEqual((await client.sessions.list()).sessions, []);
    await all(client.run("안녕하세요"));
  },
);
