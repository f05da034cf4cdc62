import assert from "node:assert/strict";
import { test } from "node:test";
import { EMPTY_VIEW, viewAfter, type AuraEvent } from "@dwp/aura-client";
import { bytesOf, journalOf } from "../support/journal.js";
import { all, clientOf, MAIL, modelFor, proxyFor, serverFor, slowly } from "../support/scene.js";
import { token } from "../support/server.js";
import { eventually } from "../support/wait.js";

test("a run is started at once, and its events have their types", { timeout: 60_000 }, async (t) => {
  const client = clientOf((await serverFor(t)).base);
  const run = client.run("안녕하세요 words=7", { threadId: "thread_a", context: { activeApp: "mail", ticket: 7 } });
  const sessionId = await run.sessionId;
  const events = await all(run);
  const start = events[0];
  assert.ok(start?.type === "start" && start.data.threadId === "thread_a" && start.data.sessionId === sessionId);
  const words = events.flatMap((event) => (event.type === "content" ? [event.data.content] : []));
  assert.equal(words.length, 7);
  const result = await run.result();
  assert.equal(result.answer, words.join(""));
  assert.equal(result.status, "completed");
  assert.equal(result.sessionId, sessionId);
  assert.ok((result.usage?.totalTokens ?? 0) > 0);
  await assert.rejects(all(run), TypeError, "it can be read once");
});

test("the view of a run has its plan, its calls, what is asked, and the answer", { timeout: 60_000 }, async (t) => {
  const client = clientOf((await serverFor(t)).base);
  const run = client.run(MAIL);
  let view = EMPTY_VIEW;
  for await (const event of run) {
    view = viewAfter(view, event);
    if (event.type !== "hitl") continue;
    assert.deepEqual(view.pendingApprovals, [event.data]);
    assert.deepEqual(
      view.tools.map(({ status }) => status),
      ["pending"],
    );
    await client.approvals.approve(event.data.requestId);
  }
  assert.deepEqual(view.pendingApprovals, []);
  assert.deepEqual(
    view.tools.map(({ toolName, status }) => [toolName, status]),
    [["send_email", "success"]],
  );
  assert.deepEqual(
    view.plan.map(({ order, status, progress }) => [order, status, progress]),
    [
      [1, "completed", 1],
      [2, "completed", 1],
    ],
  );
  assert.equal(view.answer, (await run.result()).answer);
});

test(
  "leaving the loop closes the connection and leaves the run, which can be joined",
  { timeout: 60_000 },
  async (t) => {
    const model = await modelFor(t, slowly(40));
    const server = await serverFor(t, model.env);
    const proxy = await proxyFor(t, server);
    const client = clientOf(proxy.base);
    const run = client.run("천천히");
    const seen: AuraEvent[] = [];
    for await (const event of run) {
      seen.push(event);
      if (event.type === "content") break;
    }
    await eventually("the connection is closed", () => proxy.openStreams === 0);
    const last = seen.at(-1);
    const rest = await all(client.join(await run.sessionId, { lastEventId: last?.id ?? "0" }));
    const end = rest.at(-1);
    assert.ok(end?.type === "end" && end.data.status === "completed");
    assert.equal(bytesOf([...seen, ...rest]), await journalOf(server, await run.sessionId));
  },
);

test("an aborted signal ends the loop with its reason, and leaves the run", { timeout: 60_000 }, async (t) => {
  const server = await serverFor(t);
  const proxy = await proxyFor(t, server);
  const client = clientOf(proxy.base);
  const controller = new AbortController();
  const run = client.run(MAIL, { signal: controller.signal });
  const reading = all(run);
  const sessionId = await run.sessionId;
  await eventually("it waits", async () => (await client.sessions.get(sessionId)).status === "waiting_approval");
  controller.abort(new Error("the page is closed"));
  await assert.rejects(reading, { message: "the page is closed" });
  await assert.rejects(run.result(), { message: "the page is closed" });
  assert.equal((await client.sessions.get(sessionId)).status, "waiting_approval");
  const aborted = client.run("x", { signal: controller.signal });
  await assert.rejects(aborted.sessionId, { message: "the page is closed" });
  await assert.rejects(client.sessions.list({ signal: controller.signal }), { message: "the page is closed" });
  await eventually("the connection is closed", () => proxy.openStreams === 0);
});

test(
  "a run can be cancelled, and says so; cancelling it again tells that it was over",
  { timeout: 60_000 },
  async (t) => {
    const client = clientOf((await serverFor(t)).base);
    const run = client.run(MAIL);
    const events: AuraEvent[] = [];
    for await (const event of run) {
      events.push(event);
      if (event.type === "hitl")
        assert.deepEqual(await run.cancel(), { sessionId: await run.sessionId, status: "cancelled", wasOver: false });
    }
    const result = await run.result();
    assert.equal(result.status, "cancelled");
    assert.equal(result.answer, "", "that there is none is no answer");
    assert.ok(
      events.some((event) => event.type === "content"),
      "though people are told in a `content`",
    );
    assert.deepEqual(await run.cancel(), { sessionId: result.sessionId, status: "cancelled", wasOver: true });
  },
);

test("sessions are listed by pages, and shown to their owner only", { timeout: 60_000 }, async (t) => {
  const server = await serverFor(t);
  const client = clientOf(server.base);
  const ids: string[] = [];
  for (const prompt of ["하나", "둘", "셋"]) ids.unshift((await client.run(prompt).result()).sessionId);
  const first = await client.sessions.list({ limit: 2 });
  assert.deepEqual(
    first.sessions.map(({ sessionId }) => sessionId),
    ids.slice(0, 2),
  );
  const second = await client.sessions.list({ limit: 2, before: first.next ?? "" });
  assert.deepEqual(
    second.sessions.map(({ sessionId, prompt, status }) => [sessionId, prompt, status]),
    [[ids[2], "하나", "completed"]],
  );
  assert.equal(second.next, null);
  const session = await client.sessions.get(ids[0] ?? "");
  assert.deepEqual([session.prompt, session.plan.length, session.pendingApprovals], ["셋", 1, []]);
  const stranger = clientOf(server.base, { token: token({ user: "2" }) });
  await assert.rejects(stranger.sessions.get(ids[0] ?? ""), { status: 404, code: "E1004" });
  await assert.rejects(stranger.join(ids[0] ?? "").result(), { status: 404, code: "E1004" });
});

test("joining a session after its last event ends at once", { timeout: 60_000 }, async (t) => {
  const client = clientOf((await serverFor(t)).base);
  const { sessionId } = await client.run("안녕하세요").result();
  const { lastEventId } = await client.sessions.get(sessionId);
  assert.deepEqual(await all(client.join(sessionId, { lastEventId: String(lastEventId) })), []);
});
