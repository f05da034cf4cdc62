/** Streams that nobody reads any more. */

import assert from "node:assert/strict";
import { test } from "node:test";
import type { AuraEvent, AuraRun, Reconnect } from "@dwp/aura-client";
import { answeredBy, event, frame, openStream, stream, trailer } from "../support/answers.js";
import { eventually } from "../support/wait.js";

const isClosed = (requests: readonly Request[], at: number): Promise<true> =>
  eventually("the connection is closed", () => requests[at]?.signal.aborted === true);

test("a run that nobody reads keeps no connection, and is read on by whoever comes", { timeout: 10_000 }, async () => {
  const answers = [openStream(event(1)), openStream(event(2), event(3)), stream(event(4), trailer(5))];
  const { client, requests } = answeredBy((_, at) => answers[at] ?? stream(), { idleTimeoutMs: 100 });
  const reconnects: Reconnect[] = [];
  const run = client.run("a", { onReconnect: (reconnect) => reconnects.push(reconnect) });
  assert.equal(await run.sessionId, "session_1");
  await isClosed(requests, 0);
  const ids: string[] = [];
  for await (const { id } of run) {
    ids.push(id);
    // A reader who is elsewhere for long.
    if (id === "3") await isClosed(requests, 1);
  }
  assert.deepEqual(ids, ["1", "2", "3", "4"]);
  assert.deepEqual(
    requests.map(({ headers }) => headers.get("last-event-id")),
    [null, "1", "3"],
  );
  assert.deepEqual(reconnects, [], "nothing has failed");
});

test("whoever leaves while they wait for an event is let go at once", { timeout: 10_000 }, async () => {
  const ways: readonly ((run: AuraRun, iterator: AsyncIterator<AuraEvent>) => Promise<unknown> | undefined)[] = [
    (_, iterator) => iterator.return?.(),
    (run) => run.close(),
    (run) => run[Symbol.asyncDispose](),
  ];
  for (const leave of ways) {
    const { client, requests } = answeredBy(() => openStream(event(1)));
    const run = client.run("a");
    const iterator = run[Symbol.asyncIterator]();
    assert.equal((await iterator.next()).value?.id, "1");
    const waiting = assert.rejects(iterator.next(), { name: "AuraError", code: "left" });
    await leave(run, iterator);
    await waiting;
    assert.equal(requests[0]?.signal.aborted, true);
    await assert.rejects(iterator.next(), { code: "left" }, "what was left is no stream that has ended");
    await assert.rejects(run.result(), { code: "left" });
  }
});

test("a run that is closed before its head has come has no session to tell", { timeout: 10_000 }, async () => {
  const { client, requests } = answeredBy(() => new Promise(() => undefined));
  const run = client.run("a");
  await eventually("it was asked for", () => requests.length === 1);
  await run.close();
  await assert.rejects(run.sessionId, { code: "left" });
  assert.equal(requests[0]?.signal.aborted, true);
});

test("an inbox is left as a run is, and a signal that outlives it is let go", { timeout: 10_000 }, async () => {
  const { client, requests } = answeredBy(() => openStream(frame(1, "snapshot", { approvals: [] })));
  const controller = new AbortController();
  const watch = client.approvals.watch({ signal: controller.signal });
  assert.equal((await watch.next()).value?.type, "snapshot");
  const waiting = assert.rejects(watch.next(), { code: "left" });
  await watch.return();
  await waiting;
  assert.equal(requests[0]?.signal.aborted, true);

  const other = client.approvals.watch({ signal: controller.signal });
  assert.equal((await other.next()).value?.type, "snapshot");
  controller.abort(new Error("the page is closed"));
  await assert.rejects(other.next(), { message: "the page is closed" });
});
