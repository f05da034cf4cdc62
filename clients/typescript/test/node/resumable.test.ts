/** How a stream goes on, against a `fetch` that answers what each test wants. */

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  AuraClient,
  AuraError,
  type AuraEvent,
  type AuraRun,
  type InboxEvent,
  type Reconnect,
} from "@dwp/aura-client";
import { retryAfterMs } from "#dist/refusal";
import {
  answeredBy as clientOf,
  event,
  frame,
  KEEP_ALIVE,
  openStream,
  RETRY,
  stream,
  trailer,
} from "../support/answers.js";

async function idsOf(run: AuraRun): Promise<string[]> {
  const ids: string[] = [];
  for await (const { id } of run) ids.push(id);
  return ids;
}

const refused = (status: number, headers: Record<string, string> = {}): Response =>
  Response.json({ status: "ERROR", message: "m", errorCode: "E4290", detail: "d", traceId: "t" }, { status, headers });

test("a stream that ends as it should, but without its trailer, is a lost connection", async () => {
  const answers = [stream(event(1), event(2)), stream(event(3)), stream(trailer(4))];
  const { client, requests } = clientOf((_, at) => answers[at] ?? refused(400));
  assert.deepEqual(await idsOf(client.run("a")), ["1", "2", "3"]);
  const heads = requests.map(({ method, url, headers }) => [
    method,
    url,
    headers.get("last-event-id"),
    headers.get("x-session-id"),
  ]);
  const url = "http://aura.test/api/aura/test/stream";
  assert.deepEqual(heads, [
    ["POST", url, null, null],
    ["POST", url, "2", "session_1"],
    ["POST", url, "3", "session_1"],
  ]);
  assert.equal(
    new Set(requests.map(({ headers }) => headers.get("idempotency-key"))).size,
    1,
    "one key for all of them",
  );
});

test("what something in between repeats, or has no id, is not handed out", async () => {
  const answers = [
    stream(event(9), event(9), event(8), "event: note\ndata: {}\n\n"),
    // Another digit: these are numbers, not texts.
    stream(event(9), event(10), event("18446744073709551615"), event("18446744073709551614")),
    stream(trailer("18446744073709551616")),
  ];
  const { client } = clientOf((_, at) => answers[at] ?? refused(400));
  assert.deepEqual(await idsOf(client.join("session_1")), ["9", "10", "18446744073709551615"]);
});

test("events of kinds that are not known yet are passed on", async () => {
  const { client } = clientOf(() => stream('id: 1\nevent: hologram\ndata: {"a":1}\n\n', trailer(2)));
  const events: AuraEvent[] = [];
  for await (const event of client.join("session_1")) events.push(event);
  assert.deepEqual(events, [{ id: "1", type: "unknown", name: "hologram", data: { a: 1 }, raw: '{"a":1}' }]);
});

test("a connection on which nothing comes is given up, keep-alives keep it", async () => {
  const alive = (): Response => {
    let left = 10;
    const pull = async (c: ReadableStreamDefaultController<Uint8Array>): Promise<void> => {
      await new Promise((resolve) => setTimeout(resolve, 30));
      c.enqueue(new TextEncoder().encode(left > 0 ? KEEP_ALIVE : trailer(2)));
      left -= 1;
    };
    return new Response(new ReadableStream({ pull }, { highWaterMark: 0 }), {
      headers: { "Content-Type": "text/event-stream", "X-Session-ID": "session_1" },
    });
  };
  const reasons: string[] = [];
  const onReconnect = ({ reason }: Reconnect): unknown => reasons.push(reason.message);
  const { client, requests } = clientOf((_, at) => (at === 0 ? openStream(event(1)) : alive()), {
    idleTimeoutMs: 200,
  });
  assert.deepEqual(await idsOf(client.run("a", { onReconnect })), ["1"]);
  assert.deepEqual(reasons, ["nothing came for too long"]);
  assert.equal(requests[0]?.signal.aborted, true, "the silent connection was closed");
});

test("a stream is given up after as many attempts in a row as may fail, counted anew after each event", async () => {
  const { client, requests } = clientOf((_, at) => {
    if (at === 3) return stream(event(1));
    throw new TypeError("fetch failed");
  });
  const run = client.run("a");
  const error = await idsOf(run).catch((error: unknown) => error);
  assert.ok(error instanceof AuraError && error.code === "connection" && error.retryable && error.status === 0);
  // The connection that broke off after its event counts as the first failure of the second row.
  assert.equal(requests.length, 4 + 3);
  await assert.rejects(run.result(), error);
});

test("a trailer ends the stream, also where the reader asks past its end", { timeout: 10_000 }, async () => {
  const { client, requests } = clientOf(() => stream(trailer(5)));
  assert.deepEqual(await idsOf(client.join("session_1", { lastEventId: "99" })), []);
  assert.equal(requests.length, 1);
});

test("a server that brings nothing new before it breaks off is given up", { timeout: 10_000 }, async () => {
  const retry = { maxDelayMs: 30_000 };
  for (const nothing of [KEEP_ALIVE, event(7), event(6)]) {
    const { client, requests } = clientOf(() => stream(nothing), { retry });
    await assert.rejects(idsOf(client.join("session_1", { lastEventId: "7" })), { code: "connection" });
    assert.equal(requests.length, RETRY.maxAttempts);
  }
});

test("connections that last are no failures, though nothing but keep-alives comes", { timeout: 10_000 }, async () => {
  const lasting = async (c: ReadableStreamDefaultController<Uint8Array>): Promise<void> => {
    await new Promise((resolve) => setTimeout(resolve, 10 * RETRY.maxDelayMs));
    c.enqueue(new TextEncoder().encode(KEEP_ALIVE));
    c.close();
  };
  const { client, requests } = clientOf((_, at) => {
    const headers = { "Content-Type": "text/event-stream", "X-Session-ID": "session_1" };
    return at < 10 ? new Response(new ReadableStream({ pull: lasting }), { headers }) : stream(event(1), trailer(2));
  });
  assert.deepEqual(await idsOf(client.run("a")), ["1"]);
  assert.equal(requests.length, 11);
});

const snapshot = (id: number): string => frame(id, "snapshot", { approvals: [] });
const askedFor = (id: number): string => frame(id, "asked", { request: { requestId: "req_1" } });

test("an inbox that was lost begins anew with a snapshot, whatever its id", { timeout: 10_000 }, async () => {
  const answers = [stream(snapshot(7), askedFor(9)), stream(snapshot(0)), stream(askedFor(1)), stream(snapshot(1))];
  const { client, requests } = clientOf((_, at) => answers[at] ?? stream(askedFor(2)));
  const seen: InboxEvent[] = [];
  for await (const event of client.approvals.watch()) {
    seen.push(event);
    if (event.id === "2") break;
  }
  const told = seen.map(({ type, id }) => `${type} ${id}`);
  assert.deepEqual(told, ["snapshot 7", "asked 9", "snapshot 0", "asked 1", "snapshot 1", "asked 2"]);
  assert.deepEqual(
    requests.map(({ headers }) => headers.get("last-event-id")),
    [null, "9", "0", "1", "1"],
  );
});

test("an inbox that begins anew on every connection brings nothing new", { timeout: 10_000 }, async () => {
  const { client, requests } = clientOf(() => stream(snapshot(0)), { retry: { maxDelayMs: 30_000 } });
  const watching = (async () => {
    for await (const _ of client.approvals.watch());
  })();
  await assert.rejects(watching, { code: "connection" });
  // The first one was the first that ever came.
  assert.equal(requests.length, RETRY.maxAttempts);
});

test("a refusal whose text does not come is a lost connection", { timeout: 10_000 }, async () => {
  const { client, requests } = clientOf(() => new Response(new ReadableStream(), { status: 409 }), {
    idleTimeoutMs: 50,
  });
  await assert.rejects(client.run("a").result(), { code: "connection" });
  assert.equal(requests.length, RETRY.maxAttempts);
});

test("a time without an end is none, and one that is no time is refused", { timeout: 10_000 }, async () => {
  const patient = clientOf(
    async () => {
      await new Promise((resolve) => setTimeout(resolve, 30));
      return stream(event(1), trailer(2));
    },
    { idleTimeoutMs: Infinity },
  );
  assert.deepEqual(await idsOf(patient.client.run("a")), ["1"]);
  assert.equal(patient.requests.length, 1);

  const retry = { maxRetryAfterMs: Infinity };
  const busy = clientOf(() => refused(503, { "Retry-After": "9999999999" }), { retry });
  const controller = new AbortController();
  setTimeout(() => controller.abort(), 50);
  await assert.rejects(busy.client.run("a", { signal: controller.signal }).result(), { name: "AbortError" });
  assert.equal(busy.requests.length, 1);

  for (const idleTimeoutMs of [0, -1, NaN]) {
    assert.throws(() => clientOf(() => refused(400), { idleTimeoutMs }), RangeError);
  }
});

test("a refusal that will not change is an error at once, with all that the server says", async () => {
  const body =
    'id: 1\nevent: error\ndata: {"error":"prompt: missing","errorCode":"E4001","message":"필수","retryable":false}\n\n' +
    trailer(2);
  const answers = {
    stream: () =>
      new Response(body, { status: 400, headers: { "Content-Type": "text/event-stream", "X-Correlation-ID": "c" } }),
    envelope: () => refused(400),
    page: () => new Response("<h1>Bad gateway</h1>", { status: 403, headers: { "Content-Type": "text/html" } }),
  };
  const failed = async (answer: () => Response): Promise<unknown> => {
    const { client, requests } = clientOf(answer);
    const run = client.run("a");
    const error = await run.result().catch((error: unknown) => error);
    assert.ok(error instanceof AuraError);
    assert.equal(await run.sessionId.catch((error: unknown) => error), error);
    assert.equal(requests.length, 1);
    const { status, code, detail, traceId, retryable } = error;
    return { status, code, detail, traceId, retryable };
  };
  assert.deepEqual(await failed(answers.stream), {
    status: 400,
    code: "E4001",
    detail: "prompt: missing",
    traceId: "c",
    retryable: false,
  });
  assert.deepEqual(await failed(answers.envelope), {
    status: 400,
    code: "E4290",
    detail: "d",
    traceId: "t",
    retryable: false,
  });
  assert.deepEqual(await failed(answers.page), {
    status: 403,
    code: "HTTP 403",
    detail: null,
    traceId: null,
    retryable: false,
  });
});

test("another prompt for a key that was used (409) is an error, not an outcome", async () => {
  const { client } = clientOf(() => refused(409));
  await assert.rejects(client.run("a", { idempotencyKey: "k" }).result(), { name: "AuraError", status: 409 });
});

test("an answer that is none of Aura-Platform's is said to be so", async () => {
  const login = (): Response => new Response("<form>", { headers: { "Content-Type": "text/html" } });
  const { client } = clientOf(login);
  await assert.rejects(client.run("a").result(), { code: "protocol" });
  await assert.rejects(client.sessions.list(), { code: "protocol" });
  const { client: other } = clientOf(() => stream("id: 1\nevent: content\ndata: {\n\n"));
  await assert.rejects(other.run("a").result(), { code: "protocol" });
});

test("requests that are no streams are repeated too, as often as they may", async () => {
  const page = { status: "SUCCESS", data: { sessions: [], next: null } };
  const { client, requests } = clientOf((_, at) => (at < 2 ? refused(503) : Response.json(page)));
  assert.deepEqual(await client.sessions.list({ limit: 5, before: "session_1" }), { sessions: [], next: null });
  assert.equal(requests[0]?.url, "http://aura.test/api/aura/sessions?limit=5&before=session_1");
  assert.equal(requests.length, 3);
  const { client: refusing, requests: all } = clientOf(() => refused(503));
  await assert.rejects(refusing.sessions.list(), { status: 503 });
  assert.equal(all.length, RETRY.maxRequestAttempts);
});

test("a run whose reader is elsewhere for a while is not read ahead of it", async () => {
  let pulled = 0;
  const body = new ReadableStream<Uint8Array>(
    { pull: (c) => c.enqueue(new TextEncoder().encode(event(++pulled))) },
    { highWaterMark: 0 },
  );
  const headers = { "Content-Type": "text/event-stream", "X-Session-ID": "session_1" };
  const { client, requests } = clientOf(() => new Response(body, { headers }));
  const run = client.run("a");
  await run.sessionId;
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(pulled, 1);
  for await (const { id } of run) if (id === "3") break;
  assert.equal(pulled, 3);
  assert.equal(requests[0]?.signal.aborted, true);
  await assert.rejects(run.result(), { code: "left" });
});

test("Retry-After is seconds or a date", () => {
  const now = Date.parse("2026-11-28T12:00:00Z");
  assert.equal(retryAfterMs("5", now), 5000);
  assert.equal(retryAfterMs("Sat, 28 Nov 2026 12:00:07 GMT", now), 7000);
  assert.equal(retryAfterMs("Sat, 28 Nov 2026 11:00:00 GMT", now), 0);
  assert.equal(retryAfterMs("soon", now), null);
  assert.equal(retryAfterMs(null, now), null);
});

test("a server that asks for more patience than there is has refused", async () => {
  const { client, requests } = clientOf(() => refused(503, { "Retry-After": "3600" }));
  await assert.rejects(client.run("a").result(), { status: 503, retryable: true, retryAfterMs: 3_600_000 });
  await assert.rejects(client.sessions.list(), { status: 503, retryAfterMs: 3_600_000 });
  assert.equal(requests.length, 2);
});

test("in a page, a base URL may be a path of its origin", async (t) => {
  Object.defineProperty(globalThis, "location", {
    value: new URL("https://portal.test/mail?id=1"),
    configurable: true,
  });
  t.after(() => Reflect.deleteProperty(globalThis, "location"));
  const seen: string[] = [];
  const fetch: typeof globalThis.fetch = async (input) => {
    seen.push(String(input));
    return Response.json({ status: "SUCCESS", data: { sessions: [], next: null } });
  };
  await new AuraClient({ baseUrl: "/api", token: "t", tenantId: "1", fetch }).sessions.list();
  assert.deepEqual(seen, ["https://portal.test/api/aura/sessions"]);
});

test("a wrong base URL or event id is told to the programmer", async () => {
  assert.throws(() => new AuraClient({ baseUrl: "localhost", token: "t", tenantId: "1" }), TypeError);
  const { client, requests } = clientOf(() => stream(trailer(1)));
  await assert.rejects(client.join("session_1", { lastEventId: "-1" }).result(), TypeError);
  assert.equal(requests.length, 0);
});
