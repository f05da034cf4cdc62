/**
 * A stream of events that outlives its connections.
 *
 * Whatever ends a connection before its stream, the next one asks for what comes after the last event that was
 * handed out (contract, section 4.5). Events come once and in order; the ids see to that.
 */

import { sleep, Watchdog } from "./abort.js";
import { Backoff } from "./backoff.js";
import { AuraError, connectionLost, notAura } from "./errors.js";
import { isAfter, isEventId } from "./event-id.js";
import { refusalOf } from "./refusal.js";
import { SseParser, SseTooLarge, type SseItem } from "./sse.js";
import type { ApiRequest, Transport } from "./transport.js";

/** One event as it came. */
export interface Frame {
  readonly id: string;
  readonly event: string;
  /** One line of JSON. */
  readonly data: string;
}

/** A connection was lost, and another one will be made. */
export interface Reconnect {
  /** 1 for the first attempt since the last progress (see `maxAttempts`). */
  readonly attempt: number;
  readonly delayMs: number;
  readonly reason: AuraError;
}

export interface StreamOptions {
  /** The last event that the caller has: only what comes after it is wanted. */
  readonly lastEventId?: string;
  /** Closes the connection; whatever waits for the next event is rejected with the signal's reason. */
  readonly signal?: AbortSignal;
  readonly onReconnect?: (reconnect: Reconnect) => void;
}

/** Where a stream comes from. */
export interface StreamSource {
  /** The request for everything after an event. */
  request(lastEventId: string | null): ApiRequest;
  /** Called with the head of each answer that is a stream. */
  accepted?(response: Response): void;
  /** Whether a stream begins anew with this event, whatever its id: what was known before it no longer counts. */
  beginsAnew?(frame: Frame): boolean;
}

/** The trailer of a run's stream. */
const DONE = "[DONE]";

/**
 * Hands out the events of a stream until its trailer. Throws an `AuraError` once the server refuses the stream or
 * attempts have failed too often; leaving the loop closes the connection.
 */
export async function* resumable(
  transport: Transport,
  source: StreamSource,
  { lastEventId, signal, onReconnect }: StreamOptions,
): AsyncGenerator<Frame, void, undefined> {
  const { retry } = transport.settings;
  const backoff = new Backoff(retry, retry.maxAttempts);
  let last = checked(lastEventId);
  connections: for (;;) {
    const since = performance.now();
    try {
      for await (const item of connection(transport, source, last, signal)) {
        signal?.throwIfAborted();
        if (item === "unread") continue connections;
        if (item === "end" || isTrailer(item)) return;
        const frame = frameOf(item);
        const isNext = frame !== null && isAfter(frame.id, last);
        if (isNext || performance.now() - since > retry.maxDelayMs) backoff.reset();
        // What was there already, something has repeated.
        if (frame === null || !(isNext || source.beginsAnew?.(frame))) continue;
        last = frame.id;
        yield frame;
      }
      throw connectionLost("the stream broke off before its end");
    } catch (error) {
      signal?.throwIfAborted();
      if (!(error instanceof AuraError) || !error.retryable) throw error;
      const delayMs = backoff.fail(error.retryAfterMs);
      if (delayMs === null) throw error;
      onReconnect?.({ attempt: backoff.failures, delayMs, reason: error });
      await sleep(delayMs, signal);
    }
  }
}

/** Ends the stream, also where its id is none after the last event: whoever asks past the end gets it alone. */
function isTrailer(item: SseItem): boolean {
  return item.kind === "frame" && item.event === null && item.data === DONE;
}

/** The event; `null` for a comment, and for what has no id: that is none of the server's. */
function frameOf(item: SseItem): Frame | null {
  if (item.kind === "comment" || item.id === null || !isEventId(item.id)) return null;
  return { id: item.id, event: item.event ?? "message", data: item.data };
}

/** The server ignores an id of another form, and would begin anew. */
function checked(lastEventId: string | undefined): string | null {
  if (lastEventId !== undefined && !isEventId(lastEventId)) {
    throw new TypeError(`lastEventId must be a decimal integer, is ${JSON.stringify(lastEventId)}`);
  }
  return lastEventId ?? null;
}

/**
 * What comes over one connection; `"end"` where the server says that there is nothing after this event, `"unread"` where
 * it was closed because nobody has asked for more for as long as it may be silent.
 */
async function* connection(
  transport: Transport,
  source: StreamSource,
  last: string | null,
  signal: AbortSignal | undefined,
): AsyncGenerator<SseItem | "end" | "unread", void, undefined> {
  const watchdog = new Watchdog(transport.settings.idleTimeoutMs, signal);
  try {
    const response = await watchdog.within(transport.send(source.request(last), watchdog.signal));
    if (response.status === 409) throw await watchdog.within(refusalOf(response));
    source.accepted?.(response);
    if (response.status === 204) {
      yield "end";
      return;
    }
    yield* items(bodyOf(response), watchdog);
  } catch (error) {
    if (!watchdog.isUnread) throw watchdog.timedOut ? connectionLost("nothing came for too long", error) : error;
    yield "unread";
  } finally {
    watchdog.close();
  }
}

async function* items(body: ReadableStream<Uint8Array>, watchdog: Watchdog): AsyncGenerator<SseItem, void, undefined> {
  const reader = body.getReader();
  const parser = new SseParser();
  for (;;) {
    const { done, value } = await watchdog.within(read(reader));
    if (done) return;
    try {
      yield* parser.push(value);
    } catch (error) {
      throw error instanceof SseTooLarge ? connectionLost(error.message, error) : error;
    }
  }
}

type Read = Awaited<ReturnType<ReadableStreamDefaultReader<Uint8Array>["read"]>>;

async function read(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<Read> {
  try {
    return await reader.read();
  } catch (error) {
    throw connectionLost("the connection broke", error);
  }
}

function bodyOf(response: Response): ReadableStream<Uint8Array> {
  const type = response.headers.get("content-type") ?? "";
  if (response.body === null || !type.startsWith("text/event-stream")) {
    throw notAura(response.status, `the answer is no event stream, but ${type || "nothing"}`);
  }
  return response.body;
}
