import assert from "node:assert/strict";
import { test } from "node:test";
import { RunStore, type RunStatus } from "@dwp/aura-client";
import { answeredBy, frame, openStream, stream, trailer } from "../support/answers.js";
import { bytesOf, journalOf } from "../support/journal.js";
import { clientOf, MAIL, modelFor, proxyFor, serverFor, slowly } from "../support/scene.js";
import { token } from "../support/server.js";
import { eventually } from "../support/wait.js";

const reaches = (store: RunStore, status: RunStatus): Promise<true> =>
  eventually(`it is ${status}`, () => store.snapshot().status === status);

test(
  "what is started, left and started again is one run, and each event is shown once",
  { timeout: 60_000 },
  async (t) => {
    const model = await modelFor(t, slowly(100));
    const server = await serverFor(t, model.env);
    const client = clientOf((await proxyFor(t, server)).base);
    const store = new RunStore(client);
    t.after(store.detach);
    const start = (): void => store.start("천천히", { threadId: "thread_a" });
    // As strict mode does it, before anything was sent; and a double click.
    store.attach();
    start();
    store.detach();
    store.attach();
    start();
    start();
    await reaches(store, "running");
    for (const events of [5, 30, 60]) {
      await eventually("it has come that far", () => store.snapshot().events.length >= events);
      store.detach();
      const left = store.snapshot().events.length;
      await new Promise((resolve) => setTimeout(resolve, 30));
      assert.equal(store.snapshot().events.length, left, "nothing comes while nobody reads");
      store.attach();
      start();
    }
    await reaches(store, "completed");
    const { events, sessionId, answer } = store.snapshot();
    assert.equal(bytesOf(events), await journalOf(server, sessionId ?? ""));
    assert.equal(answer.trim().split(" ").length, 100);
    assert.equal((await client.sessions.list()).sessions.length, 1);
    start();
    await reaches(store, "completed");
    assert.equal((await client.sessions.list()).sessions.length, 2, "what is over can be started anew");
  },
);

test("another prompt takes the place of the run before, which goes on", { timeout: 60_000 }, async (t) => {
  const client = clientOf((await serverFor(t)).base);
  const store = new RunStore(client);
  t.after(store.detach);
  store.attach();
  assert.equal(store.snapshot(), store.snapshot(), "the same until something changes");
  await assert.rejects(store.cancel(), /no run/);
  store.start(MAIL);
  assert.equal(store.snapshot().status, "connecting");
  await reaches(store, "waiting_approval");
  const first = store.snapshot();
  store.start("안녕하세요");
  await reaches(store, "completed");
  assert.notEqual(store.snapshot().sessionId, first.sessionId);
  assert.equal((await client.sessions.get(first.sessionId ?? "")).status, "waiting_approval");
  store.join(first.sessionId ?? "");
  await reaches(store, "waiting_approval");
  assert.deepEqual(store.snapshot().events, first.events);
  assert.equal(store.snapshot().pendingApproval?.requestId, first.pendingApproval?.requestId);
  await store.approve(first.pendingApproval?.requestId ?? "");
  await reaches(store, "completed");
});

test(
  "a stream that cannot be read is an error; to start it again reads it, once that works",
  { timeout: 60_000 },
  async (t) => {
    const server = await serverFor(t);
    const sound = token();
    let given = token({ seconds: -60 });
    const store = new RunStore(clientOf(server.base, { token: () => given }));
    t.after(store.detach);
    const seen: RunStatus[] = [];
    store.subscribe(() => seen.push(store.snapshot().status));
    store.attach();
    store.start("안녕하세요");
    await reaches(store, "error");
    assert.match(store.snapshot().error?.message ?? "", /^E2002/);
    given = sound;
    store.start("안녕하세요");
    await reaches(store, "completed");
    assert.equal(store.snapshot().error, null);
    assert.deepEqual([...new Set(seen)], ["connecting", "error", "running", "completed"]);
  },
);

test(
  "a session that its server has lost is not asked about any more, and is started anew",
  { timeout: 60_000 },
  async (t) => {
    const server = await serverFor(t);
    const store = new RunStore(clientOf((await proxyFor(t, server)).base));
    t.after(store.detach);
    store.attach();
    store.start(MAIL);
    await reaches(store, "waiting_approval");
    const lost = store.snapshot();
    // Its store is its memory.
    await server.restart();
    await reaches(store, "error");
    assert.match(store.snapshot().error?.message ?? "", /^E1004/);
    assert.equal(store.snapshot().pendingApproval, null);
    store.start(MAIL);
    await reaches(store, "waiting_approval");
    assert.notEqual(store.snapshot().sessionId, lost.sessionId);
    assert.equal(store.snapshot().events[0]?.type, "start");
  },
);

const question = frame(1, "hitl", { requestId: "req_1" });

test("a stream that ends without the run's end asks nobody anything", { timeout: 10_000 }, async (t) => {
  const lost = frame(2, "error", { error: "the store came back empty", errorType: "SessionLostError" });
  const store = new RunStore(answeredBy(() => stream(question, lost, trailer(3))).client);
  t.after(store.detach);
  store.attach();
  store.start("a");
  await reaches(store, "lost");
  assert.equal(store.snapshot().pendingApproval, null);
  assert.equal(store.snapshot().failure?.errorType, "SessionLostError");
});

test("what has ended can be started anew, also before its trailer has come", { timeout: 10_000 }, async (t) => {
  const end = frame(2, "end", { status: "completed", usage: null });
  const { client, requests } = answeredBy((_, at) => openStream(at === 0 ? end : question));
  const store = new RunStore(client);
  t.after(store.detach);
  store.attach();
  store.start("a");
  await reaches(store, "completed");
  store.start("a");
  await reaches(store, "waiting_approval");
  const keys = requests.map(({ headers }) => headers.get("idempotency-key"));
  assert.deepEqual([keys.length, new Set(keys).size], [2, 2]);
});

test("what breaks after a run's end takes nothing from it", { timeout: 10_000 }, async (t) => {
  const end = frame(2, "end", { status: "completed", usage: null });
  const { client, requests } = answeredBy((_, at) => (at === 0 ? stream(end) : Response.json({}, { status: 404 })));
  const store = new RunStore(client);
  t.after(store.detach);
  store.attach();
  store.start("a");
  await eventually("the trailer was asked for", () => requests.length === 2);
  await eventually("it has been refused", () => requests[1]?.signal.aborted);
  assert.deepEqual([store.snapshot().status, store.snapshot().error], ["completed", null]);
});

test("after a token that was refused, to start again reads on", { timeout: 10_000 }, async (t) => {
  const expired = (): Response => Response.json({ errorCode: "E2002", message: "m" }, { status: 401 });
  const { client, requests } = answeredBy((_, at) =>
    at === 0 ? stream(question) : at === 1 ? expired() : openStream(frame(2, "content", { content: "a", metadata: {} })),
  );
  const store = new RunStore(client);
  t.after(store.detach);
  store.attach();
  store.start("a");
  await reaches(store, "error");
  store.start("a");
  await eventually("it goes on", () => store.snapshot().events.length === 2);
  const asked = requests.map(({ method, headers }) => [method, headers.get("x-session-id"), headers.get("last-event-id")]);
  assert.deepEqual(asked, [
    ["POST", null, null],
    ["POST", "session_1", "1"],
    ["GET", null, "1"],
  ]);
  assert.match(requests[2]?.url ?? "", /\/aura\/sessions\/session_1\/stream$/);
});

test("a decision is about the request that was read, whatever is asked by now", { timeout: 10_000 }, async (t) => {
  const [one, other] = [question, frame(2, "hitl", { requestId: "req_2" })];
  const decided = (url: string): Response => {
    const requestId = /approvals\/(.*)\//.exec(url)?.[1];
    return Response.json({ status: "SUCCESS", data: { requestId, sessionId: "session_1", status: "approved" } });
  };
  const { client, requests } = answeredBy(({ method, url }) =>
    url.includes("/approvals/") && method === "POST" ? decided(url) : openStream(one, other),
  );
  const store = new RunStore(client);
  t.after(store.detach);
  store.start("a");
  await eventually("both are asked", () => store.snapshot().pendingApprovals.length === 2);
  // Both clicks of a double click on the button of what was asked last.
  for (let clicks = 0; clicks < 2; clicks++) await store.approve("req_2");
  await store.reject("req_1", { reason: "no" });
  const paths = requests.slice(1).map(({ url }) => new URL(url).pathname);
  assert.deepEqual(paths, [
    "/api/aura/approvals/req_2/approve",
    "/api/aura/approvals/req_2/approve",
    "/api/aura/approvals/req_1/reject",
  ]);
  // @ts-expect-error of which request?
  await assert.rejects(store.approve(), { name: "TypeError" });
  // @ts-expect-error of which request?
  await assert.rejects(store.reject({ reason: "no" }), { name: "TypeError" });
  assert.equal(requests.length, 4);
});

test("a new store reads what is started; one that was detached waits", { timeout: 10_000 }, async (t) => {
  const { client, requests } = answeredBy(() => openStream(question));
  const [store, unmounted] = [new RunStore(client), new RunStore(client)];
  t.after(store.detach);
  store.start("a");
  await reaches(store, "waiting_approval");
  unmounted.detach();
  unmounted.start("a");
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.deepEqual([unmounted.snapshot().status, requests.length], ["connecting", 1]);
  assert.throws(() => store.join(""), TypeError);
  assert.equal(store.snapshot().status, "waiting_approval", "which changes nothing");
});

test("events are not copied for every change that somebody hears of", { timeout: 30_000 }, async (t) => {
  const count = 2000;
  const frames = Array.from({ length: count }, (_, at) => frame(at + 1, "content", { content: "a", metadata: {} }));
  const store = new RunStore(answeredBy(() => stream(...frames, trailer(count + 1))).client);
  t.after(store.detach);
  let copied = 0;
  const { slice } = Array.prototype;
  t.after(() => void (Array.prototype.slice = slice));
  Array.prototype.slice = function (from, to) {
    const part = slice.call(this, from, to);
    copied += part.length;
    return part;
  };
  let early = store.snapshot();
  store.subscribe(() => {
    const snapshot = store.snapshot();
    if (snapshot.answer.length === 10) early = snapshot;
  });
  store.start("a");
  await reaches(store, "lost");
  Array.prototype.slice = slice;
  assert.ok(copied < 10 * count, `${copied} copied for ${count} events`);
  assert.equal(store.snapshot().events.length, count);
  assert.equal(store.snapshot().events, store.snapshot().events);
  assert.equal(early.events.length, 10, "a snapshot stays as it was");
});

test("an event that was under way when its stream was closed is shown once", { timeout: 30_000 }, async () => {
  const next = frame(2, "content", { content: "a", metadata: {} });
  // Wherever on its way the event is: so many turns of the queue after it came.
  for (let turns = 0; turns < 60; turns++) {
    let push = (): void => assert.fail("there is no stream");
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => void (push = () => controller.enqueue(new TextEncoder().encode(question))),
    });
    const headers = { "Content-Type": "text/event-stream", "X-Session-ID": "session_1" };
    const { client } = answeredBy((request, at) => {
      if (at === 0) return new Response(body, { headers });
      return request.headers.get("last-event-id") === "1" ? openStream(next) : openStream(question, next);
    });
    const store = new RunStore(client);
    store.attach();
    store.start("a");
    await eventually("it is read", () => store.snapshot().sessionId !== null);
    push();
    for (let turn = 0; turn < turns; turn++) await null;
    store.detach();
    store.attach();
    await eventually("it goes on", () => store.snapshot().events.at(-1)?.id === "2");
    assert.deepEqual(
      store.snapshot().events.map(({ id }) => id),
      ["1", "2"],
      `closed after ${turns} turns`,
    );
    store.detach();
  }
});
