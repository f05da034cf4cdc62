/** What a run came to, however much of it was read. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { answeredBy, event, frame, stream, trailer } from "../support/answers.js";
import { all, clientOf, serverFor } from "../support/scene.js";

const end = frame(3, "end", { status: "completed", usage: null });

test("a result is of the whole run, also where its stream is read from the middle", { timeout: 10_000 }, async () => {
  const whole = [event(1, "first half, "), event(2, "second half"), end, trailer(4)];
  const { client, requests } = answeredBy(({ headers }) => {
    const last = Number(headers.get("last-event-id") ?? 0);
    if (last >= 4) return new Response(null, { status: 204, headers: { "X-Session-ID": "session_1" } });
    return stream(...whole.slice(last));
  });
  for (const lastEventId of ["1", "3", "4", "99"]) {
    const run = client.join("session_1", { lastEventId });
    const { sessionId, status, answer } = await run.result();
    assert.deepEqual([sessionId, status, answer], ["session_1", "completed", "first half, second half"], lastEventId);
    requests.length = 0;
    assert.equal(await run.result(), await run.result());
    assert.equal(requests.length, 0, "it is read once");
  }
  const left = client.join("session_1", { lastEventId: "1" });
  for await (const _ of left) break;
  await assert.rejects(left.result(), { code: "left" });
});

test("the result of a session that is over is known to whoever joins it at its end", { timeout: 60_000 }, async (t) => {
  const client = clientOf((await serverFor(t)).base);
  const run = client.run("안녕하세요 words=5");
  const events = await all(run);
  const result = await run.result();
  for (const { id } of [events[3], events.at(-1)].filter((event) => event !== undefined)) {
    assert.deepEqual(await client.join(result.sessionId, { lastEventId: id }).result(), result);
  }
  const { lastEventId } = await client.sessions.get(result.sessionId);
  assert.deepEqual(await client.join(result.sessionId, { lastEventId: String(lastEventId) }).result(), result);
});

test("a start takes no last event, unless it is said which run has it", { timeout: 10_000 }, async () => {
  const { client, requests } = answeredBy(() => stream(trailer(8)));
  // @ts-expect-error the server would read on in whichever run has that event
  assert.throws(() => client.run("a", { lastEventId: "7" }), { name: "TypeError", message: /lastEventId.*join\(/ });
  // @ts-expect-error a session is joined
  assert.throws(() => client.run("a", { sessionId: "session_1" }), { name: "TypeError", message: /sessionId.*join\(/ });
  assert.equal(requests.length, 0);
  await all(client.run("a", { lastEventId: "7", idempotencyKey: "k" }));
  const { headers } = requests[0] ?? new Request("http://aura.test");
  assert.deepEqual([headers.get("last-event-id"), headers.get("idempotency-key")], ["7", "k"]);
});
