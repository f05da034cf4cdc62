/** One run at a time as a value that changes: what a page shows. Knows no framework; `react.ts` is its hook. */

import type { ApproveOptions, RejectOptions, ReviewOutcome } from "./approvals.js";
import type { AuraClient, RunOptions } from "./client.js";
import { AuraError } from "./errors.js";
import type { AuraEvent } from "./events.js";
import { newIdempotencyKey } from "./idempotency.js";
import { segment } from "./path.js";
import type { AuraRun } from "./run.js";
import type { CancelOutcome } from "./sessions.js";
import type { EndStatus, HitlPayload } from "./types.js";
import { EMPTY_VIEW, viewAfter, type RunView } from "./view.js";

export type RunStatus =
  /** Nothing was started yet. */
  | "idle"
  /** Started, and nothing has come yet. */
  | "connecting"
  | "running"
  /** A person is asked: `pendingApproval`. */
  | "waiting_approval"
  /** The run is over. */
  | EndStatus
  /** The stream ended without the run's end: `view.error` says why. */
  | "lost"
  /** The stream cannot be read: `error` says why. The run may well go on, unless the server has lost it. */
  | "error";

export interface RunSnapshot {
  readonly status: RunStatus;
  readonly sessionId: string | null;
  readonly events: readonly AuraEvent[];
  readonly answer: RunView["answer"];
  readonly plan: RunView["plan"];
  readonly tools: RunView["tools"];
  /** What is to be decided first. */
  readonly pendingApproval: HitlPayload | null;
  /** All that is to be decided; more than one only with `hitl.ask = "together"`. */
  readonly pendingApprovals: RunView["pendingApprovals"];
  /** What the run says has gone wrong with it. */
  readonly failure: RunView["error"];
  /** Why the stream cannot be read. */
  readonly error: Error | null;
}

export type StartOptions = Pick<RunOptions, "context" | "threadId">;

/** A run that was asked for, and what has been read of it. */
interface Reading {
  /** Two readings of the same are one. */
  readonly of: string;
  /** Asks for it the first time: before its session is known, and so before there are events. */
  readonly open: (client: AuraClient, signal: AbortSignal) => AuraRun;
  run: AuraRun | null;
  connection: AbortController | null;
  sessionId: string | null;
  readonly events: AuraEvent[];
  view: RunView;
  /** There is nothing more to read. */
  isOver: boolean;
  error: Error | null;
}

const IDLE: RunSnapshot = snapshotOf(null);

export class RunStore {
  /** Who is asked from now on. */
  client: AuraClient;
  readonly #listeners = new Set<() => void>();
  #reading: Reading | null = null;
  #isAttached = true;
  /** Made once somebody looks, and kept until something changes. */
  #snapshot: RunSnapshot | null = IDLE;

  constructor(client: AuraClient) {
    this.client = client;
  }

  /** Calls `listener` after each change, until the function that it returns is called. */
  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** What there is now: the same object until something changes. */
  readonly snapshot = (): RunSnapshot => (this.#snapshot ??= snapshotOf(this.#reading));

  /**
   * Starts a run in the place of the one before, which goes on on the server. To start what is under way already
   * starts nothing: a double click, or an effect that runs twice, is one run. Where its stream could not be read
   * (status `error`) because of the connection or the token, it is read again; after every other error, such as a
   * session that the server has lost, this starts anew.
   */
  readonly start = (prompt: string, { context, threadId }: StartOptions = {}): void => {
    const idempotencyKey = newIdempotencyKey();
    const options = { idempotencyKey, ...(context && { context }), ...(threadId && { threadId }) };
    const of = JSON.stringify(["start", prompt, context, threadId]);
    this.#begin(of, (client, signal) => client.run(prompt, { ...options, signal }));
  };

  /** Shows a session that is there already, from its first event: after a page was loaded again, for instance. */
  readonly join = (sessionId: string): void => {
    segment("sessionId", sessionId);
    this.#begin(JSON.stringify(["join", sessionId]), (client, signal) => client.join(sessionId, { signal }));
  };

  /** Reads on where `detach` has stopped; a new store is attached. */
  readonly attach = (): void => {
    this.#isAttached = true;
    if (this.#reading !== null) this.#connect(this.#reading);
  };

  /** Closes the connection, and makes none until `attach`. The run goes on. */
  readonly detach = (): void => {
    this.#isAttached = false;
    this.#disconnect();
  };

  /** Stops the run on the server. */
  readonly cancel = async (): Promise<CancelOutcome> => {
    const run = this.#reading?.run;
    if (run === null || run === undefined) throw new Error("there is no run to cancel");
    return run.cancel();
  };

  /** Says yes to the request that a person has read: another one may be asked about by now. */
  readonly approve = (requestId: string, options: ApproveOptions = {}): Promise<ReviewOutcome> =>
    this.client.approvals.approve(requestId, options);

  /** Says no to it. */
  readonly reject = (requestId: string, options: RejectOptions = {}): Promise<ReviewOutcome> =>
    this.client.approvals.reject(requestId, options);

  #begin(of: string, open: Reading["open"]): void {
    const current = this.#reading;
    if (current !== null && current.of === of && !current.isOver) {
      if (this.#isAttached) this.#connect(current);
      return;
    }
    this.#disconnect();
    this.#reading = {
      of,
      open,
      run: null,
      connection: null,
      sessionId: null,
      events: [],
      view: EMPTY_VIEW,
      isOver: false,
      error: null,
    };
    this.#changed();
    if (this.#isAttached) this.#connect(this.#reading);
  }

  #connect(reading: Reading): void {
    if (reading.connection !== null || reading.isOver) return;
    const connection = new AbortController();
    reading.connection = connection;
    if (reading.error !== null) {
      reading.error = null;
      this.#changed();
    }
    reading.run = opened(this.client, reading, connection.signal);
    void this.#read(reading, reading.run, connection.signal);
  }

  async #read(reading: Reading, run: AuraRun, signal: AbortSignal): Promise<void> {
    try {
      reading.sessionId = await run.sessionId;
      this.#changed();
      for await (const event of run) {
        // What was under way when the connection was closed belongs to the next one.
        if (signal.aborted) return;
        reading.events.push(event);
        reading.view = viewAfter(reading.view, event);
        reading.isOver = reading.view.end !== null;
        this.#changed();
      }
      reading.isOver = true;
    } catch (error) {
      if (signal.aborted) return;
      // After `end`, only the trailer can be missing.
      if (!reading.isOver) {
        reading.error = error instanceof Error ? error : new Error(String(error));
        reading.isOver = isFinal(error);
      }
    }
    reading.connection = null;
    this.#changed();
  }

  #disconnect(): void {
    const reading = this.#reading;
    if (reading === null) return;
    reading.connection?.abort();
    reading.connection = null;
  }

  #changed(): void {
    this.#snapshot = null;
    for (const listener of this.#listeners) listener();
  }
}

/** Reads on, or begins. */
function opened(client: AuraClient, { sessionId, events, open }: Reading, signal: AbortSignal): AuraRun {
  if (sessionId === null) return open(client, signal);
  const lastEventId = events.at(-1)?.id;
  return client.join(sessionId, { signal, ...(lastEventId !== undefined && { lastEventId }) });
}

function snapshotOf(reading: Reading | null): RunSnapshot {
  const { answer, plan, tools, error: failure, ...view } = reading?.view ?? EMPTY_VIEW;
  // Of a run that is over, or lost, nobody is asked anything.
  const pendingApprovals = reading?.isOver === true ? [] : view.pendingApprovals;
  const all = reading?.events ?? [];
  const count = all.length;
  let copy: readonly AuraEvent[] | null = null;
  return {
    status: reading === null ? "idle" : statusOf(reading),
    sessionId: reading?.sessionId ?? null,
    // Once somebody looks: a copy for every change would be as many copies as there are events.
    get events() {
      return (copy ??= all.slice(0, count));
    },
    answer,
    plan,
    tools,
    pendingApproval: pendingApprovals[0] ?? null,
    pendingApprovals,
    failure,
    error: reading?.error ?? null,
  };
}

/** Whether to read the same again would fail again. With another token it may not. */
function isFinal(error: unknown): boolean {
  return error instanceof AuraError && !error.retryable && error.status !== 401;
}

function statusOf({ view, events, isOver, error }: Reading): RunStatus {
  if (view.end !== null) return view.end.status;
  if (error !== null) return "error";
  if (isOver) return "lost";
  if (view.pendingApprovals.length > 0) return "waiting_approval";
  return events.length === 0 ? "connecting" : "running";
}
