/** The client: what a caller of Aura-Platform can do. */

import { Admin } from "./admin.js";
import { Approvals } from "./approvals.js";
import { Audit } from "./audit.js";
import { newIdempotencyKey } from "./idempotency.js";
import { settingsOf, type AuraClientOptions } from "./options.js";
import type { StreamOptions } from "./resumable.js";
import { AuraRun, sessionSource } from "./run.js";
import { Sessions } from "./sessions.js";
import { Transport } from "./transport.js";
import type { PageContext } from "./types.js";

/**
 * What a run is started with. Only where it is known which run that may be (`idempotencyKey`) can there be a last event:
 * the server would read on in whichever run has it, and start nothing. To read a session on, `join` it.
 */
export type RunOptions = CommonOptions & (NewRun | KeyedRun);

interface CommonOptions extends Omit<StreamOptions, "lastEventId"> {
  /** The page that the person looks at. */
  readonly context?: PageContext;
  /** The conversation: runs with the same one share what was said. */
  readonly threadId?: string;
}

interface NewRun {
  /** Instead of one that the client makes: the same key and the same request never start two runs. */
  readonly idempotencyKey?: string;
  readonly lastEventId?: never;
}

interface KeyedRun extends Pick<StreamOptions, "lastEventId"> {
  readonly idempotencyKey: string;
}

export class AuraClient {
  readonly sessions: Sessions;
  readonly approvals: Approvals;
  /** For operators only. */
  readonly admin: Admin;
  readonly audit: Audit;
  readonly #transport: Transport;

  constructor(options: AuraClientOptions) {
    this.#transport = new Transport(settingsOf(options));
    this.sessions = new Sessions(this.#transport);
    this.approvals = new Approvals(this.#transport);
    this.admin = new Admin(this.#transport);
    this.audit = new Audit(this.#transport);
  }

  /** Starts a run. It is started once, however often its first request has to be repeated. */
  run(prompt: string, options: RunOptions = {}): AuraRun {
    checkStart(options);
    const { context, threadId } = options;
    const key = options.idempotencyKey ?? newIdempotencyKey();
    const body = { prompt, context, thread_id: threadId };
    const request = (session: string | null) => ({
      method: "POST" as const,
      path: "/aura/test/stream",
      headers: { "Idempotency-Key": key, ...(session === null ? {} : { "X-Session-ID": session }) },
      body,
    });
    return new AuraRun(this.#transport, this.sessions, { request, sessionId: null }, options);
  }

  /** Reads a session's stream, from its first event or after `lastEventId`. */
  join(sessionId: string, options: StreamOptions = {}): AuraRun {
    return new AuraRun(this.#transport, this.sessions, sessionSource(sessionId), options);
  }
}

/** The same for those whose types nobody checks: what is meant to read a session must not start a run. */
function checkStart(options: { readonly sessionId?: unknown; readonly lastEventId?: unknown; readonly idempotencyKey?: unknown }): void {
  const { sessionId, lastEventId, idempotencyKey } = options;
  if (sessionId !== undefined) throw new TypeError("run() takes no sessionId: join(sessionId) reads a session");
  if (lastEventId !== undefined && idempotencyKey === undefined) {
    const instead = "join(sessionId, { lastEventId }) reads a session on";
    throw new TypeError(`run() takes no lastEventId without the idempotencyKey of its run: ${instead}`);
  }
}
