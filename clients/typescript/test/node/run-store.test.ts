import assert from "node:assert/strict";
import { test } from "node:test";
import { RunStore, type RunStatus } from "@dwp/aura-client";
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
  await assert.rejects(store.approve(), /nobody is asked/);
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
  await store.approve();
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
