import assert from "node:assert/strict";
import { test } from "node:test";
import type { Reconnect } from "@dwp/aura-client";
import { all, clientOf, durableServerFor, MAIL, proxyFor, serverFor } from "../support/scene.js";
import { eventually } from "../support/wait.js";

test("a start whose answer is lost starts one run, whatever gets lost how often", { timeout: 60_000 }, async (t) => {
  const server = await serverFor(t);
  const proxy = await proxyFor(t, server);
  proxy.plan = (stream) => (stream < 3 ? { afterFrames: -1 } : stream < 6 ? { afterFrames: 0 } : null);
  const client = clientOf(proxy.base);
  const run = client.run("안녕하세요");
  const first = (await all(run))[0];
  assert.equal(first?.type, "start");
  assert.equal(proxy.cuts, 6);
  assert.deepEqual(
    (await client.sessions.list()).sessions.map(({ sessionId }) => sessionId),
    [await run.sessionId],
  );
});

test(
  "the same key is the same run, also from another client; another prompt for it is refused",
  { timeout: 60_000 },
  async (t) => {
    const { base } = await serverFor(t);
    const [one, other] = [clientOf(base), clientOf(base)];
    const idempotencyKey = "order-66";
    const results = await Promise.all([
      one.run("안녕", { idempotencyKey }).result(),
      other.run("안녕", { idempotencyKey }).result(),
    ]);
    assert.equal(results[0].sessionId, results[1].sessionId);
    await assert.rejects(one.run("잘가", { idempotencyKey }).result(), {
      status: 409,
      code: "E3006",
      retryable: false,
    });
  },
);

test("too many runs (429): the start waits as long as it is told, and then works", { timeout: 60_000 }, async (t) => {
  const client = clientOf((await serverFor(t, { AURA__LIMITS__RUNS_PER_USER: 1 })).base);
  const blocking = client.run(MAIL);
  const reading = all(blocking);
  await eventually(
    "it waits",
    async () => (await client.sessions.get(await blocking.sessionId)).status === "waiting_approval",
  );
  const reconnects: Reconnect[] = [];
  const waiting = client.run("안녕하세요", { onReconnect: (reconnect) => reconnects.push(reconnect) });
  await eventually("it was refused", () => reconnects.length > 0);
  const refusal = reconnects[0];
  assert.deepEqual([refusal?.reason.status, refusal?.reason.code, refusal?.reason.retryAfterMs], [429, "E4290", 5000]);
  assert.ok((refusal?.delayMs ?? 0) >= 5000);
  await blocking.cancel();
  await reading;
  assert.equal((await waiting.result()).status, "completed");
});

test("a store that is away (503): the start is repeated until it is back", { timeout: 60_000 }, async (t) => {
  const { server, redis } = await durableServerFor(t, {
    AURA__REDIS__PATIENCE_SECONDS: 1,
    AURA__REDIS__COMMAND_TIMEOUT_MS: 200,
  });
  const client = clientOf(server.base);
  await redis.kill();
  const reconnects: Reconnect[] = [];
  const run = client.run("안녕하세요", { onReconnect: (reconnect) => reconnects.push(reconnect) });
  await eventually("it was refused", () =>
    reconnects.some(({ reason }) => reason.status === 503 && reason.code === "E5000"),
  );
  await redis.restart();
  assert.equal((await run.result()).status, "completed");
  assert.equal((await client.sessions.list()).sessions.length, 1);
});
