import assert from "node:assert/strict";
import { test } from "node:test";
import type { AuraClient, InboxEvent } from "@dwp/aura-client";
import { approvingAll, clientOf, durableServerFor, MAIL, proxyFor, serverFor } from "../support/scene.js";
import { token } from "../support/server.js";
import { eventually } from "../support/wait.js";

test(
  "what waits is listed for everybody of the tenant, and what was decided after that",
  { timeout: 60_000 },
  async (t) => {
    const server = await serverFor(t, { AURA__TOOLS__APPROVERS__SEND_EMAIL: "not_requester" });
    const [one, other] = [clientOf(server.base), clientOf(server.base, { token: token({ user: "2" }) })];
    const run = one.run(MAIL);
    const reading = approvingAll(other, run);
    const decided = await eventually(
      "it was decided",
      async () => (await one.approvals.list({ status: "decided" })).approvals[0],
    );
    await reading;
    assert.deepEqual(
      [decided.sessionId, decided.status, decided.decidedByMe, decided.prompt, decided.requestedBy],
      [await run.sessionId, "approved", false, MAIL, "1"],
    );

    await approvingAll(other, one.run(MAIL));
    const mine = await other.approvals.list({ status: "decided", limit: 1 });
    assert.deepEqual([mine.approvals[0]?.decidedByMe, mine.next !== null], [true, true]);
    const before = await other.approvals.list({ status: "decided", limit: 1, before: mine.next ?? "" });
    assert.equal(before.approvals[0]?.requestId, decided.requestId);
    assert.deepEqual(await one.approvals.list(), { approvals: [], count: 0, next: null });
  },
);

test("whoever lists what waits is told whether it is theirs to decide", { timeout: 60_000 }, async (t) => {
  const server = await serverFor(t, { AURA__TOOLS__APPROVERS__SEND_EMAIL: "not_requester" });
  const [one, other] = [clientOf(server.base), clientOf(server.base, { token: token({ user: "2" }) })];
  const stranger = clientOf(server.base, { tenantId: "2", token: token({ tenant: "2" }) });
  for await (const event of one.run(MAIL)) {
    if (event.type !== "hitl") continue;
    const { requestId } = event.data;
    const asked = await eventually("it is listed", async () => {
      const page = await one.approvals.list();
      return page.approvals.length > 0 && page;
    });
    assert.deepEqual(
      [asked.count, asked.approvals[0]?.requestId, asked.approvals[0]?.canDecide],
      [0, requestId, false],
    );
    const theirs = await other.approvals.list({ status: "pending" });
    assert.deepEqual(
      [theirs.count, theirs.approvals[0]?.requestId, theirs.approvals[0]?.canDecide],
      [1, requestId, true],
    );
    assert.deepEqual((await stranger.approvals.list()).approvals, []);
    await other.approvals.reject(requestId);
  }
});

/** Watches until the test is over; what has come so far. */
function watched(client: AuraClient, signal: AbortSignal, lastEventId?: string): InboxEvent[] {
  const events: InboxEvent[] = [];
  const watch = async (): Promise<void> => {
    const options = lastEventId === undefined ? { signal } : { signal, lastEventId };
    for await (const event of client.approvals.watch(options)) events.push(event);
  };
  watch().catch((error: unknown) => assert.equal(error, signal.reason));
  return events;
}

const told = (events: readonly InboxEvent[]): string[] =>
  events.map((event) =>
    event.type === "snapshot" || event.type === "unknown"
      ? event.type
      : `${event.type} ${event.data.request.requestId}`,
  );

test(
  "whoever watches the inbox sees what is asked and decided, once, through cuts and a server that is killed",
  { timeout: 60_000 },
  async (t) => {
    const { server } = await durableServerFor(t);
    const proxy = await proxyFor(t, server);
    proxy.plan = (stream) => ({ afterFrames: 1, within: stream % 2 === 0 ? "half" : "character" });
    const [one, other] = [clientOf(server.base), clientOf(proxy.base, { token: token({ user: "2" }) })];
    const controller = new AbortController();
    t.after(() => controller.abort());
    const events = watched(other, controller.signal);
    await eventually("the snapshot is there", () => events.length > 0);
    assert.ok(events[0]?.type === "snapshot" && events[0].data.approvals.length === 0);

    const expected = ["snapshot"];
    for (const verb of ["approve", "reject"] as const) {
      for await (const event of one.run(MAIL)) {
        if (event.type !== "hitl") continue;
        expected.push(`asked ${event.data.requestId}`, `decided ${event.data.requestId}`);
        await eventually("it is told", () => told(events).includes(`asked ${event.data.requestId}`));
        await other.approvals[verb](event.data.requestId);
      }
    }
    await eventually("all is told", () => events.length === expected.length);
    assert.deepEqual(told(events), expected);
    const [asked, decided] = [events[1], events[2]];
    assert.ok(asked?.type === "asked" && asked.data.request.canDecide && asked.data.request.requestedBy === "1");
    assert.ok(
      decided?.type === "decided" && decided.data.request.status === "approved" && decided.data.request.decidedByMe,
    );

    await server.restart();
    const again = clientOf(server.base);
    await approvingAll(again, again.run(MAIL));
    await eventually("what came after the restart is told", () => events.length === expected.length + 2);
    // From an event on, it is told again byte for byte.
    const replay = watched(other, controller.signal, events[1]?.id);
    await eventually("it is told again", () => replay.length === events.length - 2);
    assert.deepEqual(replay, events.slice(2));
  },
);

test("whoever watches an inbox that its server has lost is told what waits now", { timeout: 60_000 }, async (t) => {
  const server = await serverFor(t);
  const client = clientOf((await proxyFor(t, server)).base);
  const controller = new AbortController();
  t.after(() => controller.abort());
  const events = watched(client, controller.signal);
  const asking = async (): Promise<string> => {
    for await (const event of client.run(MAIL)) if (event.type === "hitl") return event.data.requestId;
    throw new Error("nobody was asked");
  };
  const first = await asking();
  await eventually("it is told", () => told(events).includes(`asked ${first}`));
  // Its store is its memory.
  await server.restart();
  await eventually("the inbox begins anew", () => told(events).filter((what) => what === "snapshot").length === 2);
  const anew = events.at(-1);
  assert.ok(anew?.type === "snapshot" && anew.data.approvals.length === 0);
  const second = await asking();
  await eventually("it is told", () => told(events).includes(`asked ${second}`));
});
