/** The client: what a caller of Aura-Platform can do. */

import { Approvals } from "./approvals.js";
import { newIdempotencyKey } from "./idempotency.js";
import { settingsOf, type AuraClientOptions } from "./options.js";
import type { StreamOptions } from "./resumable.js";
import { AuraRun } from "./run.js";
import { Sessions } from "./sessions.js";
import { Transport } from "./transport.js";
import type { PageContext } from "./types.js";

export interface RunOptions extends StreamOptions {
  /** The page that the person looks at. */
  readonly context?: PageContext;
  /** The conversation: runs with the same one share what was said. */
  readonly threadId?: string;
  /** Joins this session, whose prompt this is, instead of starting a run. */
  readonly sessionId?: string;
  /** Instead of one that the client makes: the same key and the same request never start two runs. */
  readonly idempotencyKey?: string;
}

export class AuraClient {
  readonly sessions: Sessions;
  readonly approvals: Approvals;
  readonly #transport: Transport;

  constructor(options: AuraClientOptions) {
    this.#transport = new Transport(settingsOf(options));
    this.sessions = new Sessions(this.#transport);
    this.approvals = new Approvals(this.#transport);
  }

  /** Starts a run. It is started once, however often its first request has to be repeated. */
  run(prompt: string, options: RunOptions = {}): AuraRun {
    const { context, threadId, sessionId = null } = options;
    const key = options.idempotencyKey ?? newIdempotencyKey();
    const body = { prompt, context, thread_id: threadId };
    const request = (session: string | null) => ({
      method: "POST" as const,
      path: "/aura/test/stream",
      headers: { "Idempotency-Key": key, ...(session === null ? {} : { "X-Session-ID": session }) },
      body,
    });
    return new AuraRun(this.#transport, this.sessions, { request, sessionId }, options);
  }

  /** Reads a session's stream, from its first event or after `lastEventId`. */
  join(sessionId: string, options: StreamOptions = {}): AuraRun {
    const path = `/aura/sessions/${encodeURIComponent(sessionId)}/stream`;
    const request = () => ({ method: "GET" as const, path });
    return new AuraRun(this.#transport, this.sessions, { request, sessionId }, options);
  }
}
