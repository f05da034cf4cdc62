/** A run as its caller sees it: its events, its session, its end. */

/// <reference lib="esnext.disposable" preserve="true" />

import { Closable } from "./closable.js";
import { left, notAura } from "./errors.js";
import { eventOf, type AuraEvent } from "./events.js";
import { segment } from "./path.js";
import { resumable, type StreamOptions } from "./resumable.js";
import type { CancelOutcome, Sessions } from "./sessions.js";
import type { ApiRequest, Transport } from "./transport.js";
import { EMPTY_VIEW, viewAfter, type RunEnd, type RunView } from "./view.js";

/** How a run ended, and what it answered. */
export interface RunResult extends RunEnd {
  readonly sessionId: string;
  /** The whole answer. Empty if there is none; what only says so is not part of it. */
  readonly answer: string;
}

/** What a run's stream is asked for with. */
export interface RunSource {
  /** The request for what comes after an event. `sessionId` is null until the server has said it. */
  request(sessionId: string | null): ApiRequest;
  /** The session, where it is known from the start. */
  readonly sessionId: string | null;
}

/** The stream of a session that is there already. */
export function sessionSource(sessionId: string): RunSource {
  const path = `/aura/sessions/${segment("sessionId", sessionId)}/stream`;
  return { request: () => ({ method: "GET", path }), sessionId };
}

/**
 * The events of one run, once: `for await (const event of run)`. The connection is made at once. Leaving the loop,
 * `close()`, `await using` and an aborted signal close it; the run goes on, and can be joined again.
 */
export class AuraRun implements AsyncIterable<AuraEvent> {
  readonly #transport: Transport;
  readonly #sessions: Sessions;
  readonly #source: RunSource;
  readonly #options: StreamOptions;
  readonly #session = deferred<string>();
  readonly #result = deferred<RunResult>();
  readonly #events: Closable<AuraEvent>;
  /** The first event is asked for before anybody iterates, so that the run starts. */
  readonly #first: Promise<IteratorResult<AuraEvent, void>>;
  #sessionId: string | null;
  #view: RunView = EMPTY_VIEW;
  #isTaken = false;
  /** The run as it is read from its first event, where this one began later. */
  #whole: AuraRun | null = null;

  constructor(transport: Transport, sessions: Sessions, source: RunSource, options: StreamOptions) {
    this.#transport = transport;
    this.#sessions = sessions;
    this.#source = source;
    this.#options = options;
    this.#sessionId = source.sessionId;
    if (source.sessionId !== null) this.#session.resolve(source.sessionId);
    this.#events = new Closable((signal) => this.#read(signal), options.signal);
    this.#first = this.#events.next();
    this.#first.catch(ignore);
  }

  /** The session's id, once the server has accepted the run. */
  get sessionId(): Promise<string> {
    return this.#session.promise;
  }

  /** Stops the run on the server; its stream then ends with `end` (`cancelled`). */
  async cancel(): Promise<CancelOutcome> {
    return this.#sessions.cancel(await this.sessionId);
  }

  /**
   * The answer and the end. Reads the stream, unless somebody else does already. Where that does not begin with the
   * run (`lastEventId`), the session is read again from its first event: an answer is whole or there is none.
   */
  async result(): Promise<RunResult> {
    if (!this.#isTaken) for await (const _ of this);
    const result = await this.#result.promise;
    if (this.#options.lastEventId === undefined) return result;
    return (this.#whole ??= this.#fromTheBeginning(result.sessionId)).result();
  }

  /** Closes the connection, also while somebody waits for an event; the run goes on. */
  async close(): Promise<void> {
    await this.#events.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** The events; they can be iterated over once. */
  [Symbol.asyncIterator](): AsyncIterator<AuraEvent, void, undefined> {
    if (this.#isTaken) throw new TypeError("a run can be iterated over once; join its session to read it again");
    this.#isTaken = true;
    let first: Promise<IteratorResult<AuraEvent, void>> | null = this.#first;
    const next = (): Promise<IteratorResult<AuraEvent, void>> => {
      const ahead = first ?? this.#events.next();
      first = null;
      return ahead;
    };
    return { next, return: () => this.#events.return() };
  }

  #fromTheBeginning(sessionId: string): AuraRun {
    const { lastEventId: _, ...options } = this.#options;
    return new AuraRun(this.#transport, this.#sessions, sessionSource(sessionId), options);
  }

  async *#read(signal: AbortSignal): AsyncGenerator<AuraEvent, void, undefined> {
    try {
      const options = { ...this.#options, signal };
      for await (const frame of resumable(this.#transport, this.#connections(), options)) {
        const event = eventOf(frame);
        this.#view = viewAfter(this.#view, event);
        yield event;
      }
      this.#ended();
    } catch (error) {
      this.#failed(error);
      throw error;
    } finally {
      // Has no effect where the stream has come to its end.
      this.#failed(left());
    }
  }

  #connections(): { request: (last: string | null) => ApiRequest; accepted: (response: Response) => void } {
    return {
      request: (last) => {
        const request = this.#source.request(this.#sessionId);
        const headers: Record<string, string> = { ...request.headers, Accept: "text/event-stream" };
        if (last !== null) headers["Last-Event-ID"] = last;
        return { ...request, headers };
      },
      accepted: (response) => {
        const sessionId = response.headers.get("x-session-id");
        if (sessionId === null) throw notAura(response.status, "the stream does not name its session (X-Session-ID)");
        this.#sessionId = sessionId;
        this.#session.resolve(sessionId);
      },
    };
  }

  #ended(): void {
    const { answer, end } = this.#view;
    const sessionId = this.#sessionId ?? "";
    this.#result.resolve({ sessionId, answer, ...(end ?? { status: "lost", usage: null, error: this.#view.error }) });
  }

  #failed(error: unknown): void {
    this.#session.reject(error);
    this.#result.reject(error);
  }
}

interface Deferred<T> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
  readonly reject: (error: unknown) => void;
}

/** A promise that is settled from outside; nobody has to look at it. */
function deferred<T>(): Deferred<T> {
  let settle: Omit<Deferred<T>, "promise"> | undefined;
  const promise = new Promise<T>((resolve, reject) => (settle = { resolve, reject }));
  promise.catch(ignore);
  return { promise, resolve: (value) => settle?.resolve(value), reject: (error) => settle?.reject(error) };
}

function ignore(): void {}
