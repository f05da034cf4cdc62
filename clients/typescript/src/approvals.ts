/** What waits for a person's decision, and the decision (contract, sections 5.4 and 5.6). */

import { Closable } from "./closable.js";
import { notAura } from "./errors.js";
import { asObject, parseJson } from "./json.js";
import { segment } from "./path.js";
import { resumable, type Frame, type StreamOptions } from "./resumable.js";
import { query, type PageOptions } from "./sessions.js";
import type { ApiRequest, Transport } from "./transport.js";
import { inboxEventOf, type InboxEvent } from "./events.js";
import type { ApprovalPage, ApprovalRequest, ReviewAnswer, Verdict } from "./types.js";

/** What came of an approval or a rejection. */
export type ReviewOutcome =
  /** The request is decided. */
  | {
      readonly kind: "decided";
      readonly requestId: string;
      readonly sessionId: string;
      /** The decision that stands. */
      readonly status: Verdict;
      /**
       * Whether it was this call that decided. `false`: somebody else had done so before (or an attempt of the same
       * call, whose answer was lost).
       */
      readonly isFirst: boolean;
      readonly reason: string | null;
    }
  /** The yes was recorded; more people have to agree. */
  | {
      readonly kind: "endorsed";
      readonly requestId: string;
      readonly sessionId: string;
      readonly approvals: number;
      readonly approvalsNeeded: number;
    }
  /** The arguments were changed, and another person has to approve them: that is a request of its own. */
  | {
      readonly kind: "superseded";
      /** The new request. */
      readonly requestId: string;
      readonly sessionId: string;
      readonly supersedes: string;
      /** Whether it was this call that changed them; `false` as above. */
      readonly isFirst: boolean;
    };

export interface ApprovalPageOptions extends PageOptions {
  /** Default `pending`. */
  readonly status?: "pending" | "decided";
}

export interface ApproveOptions {
  /**
   * Changed arguments, whole: the tool runs with these. Where the question has `contextBytes`, its `context` was cut:
   * change what `approvals.get` has.
   */
  readonly args?: Readonly<Record<string, unknown>>;
  readonly signal?: AbortSignal;
}

export interface RejectOptions {
  readonly reason?: string;
  readonly signal?: AbortSignal;
}

/** The events of the inbox: `for await (const event of client.approvals.watch())`. */
export type InboxWatch = Closable<InboxEvent>;

export class Approvals {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** A page of the tenant's requests, newest first. */
  async list({ status, limit, before, signal }: ApprovalPageOptions = {}): Promise<ApprovalPage> {
    const path = `/aura/approvals${query({ status, limit, before })}`;
    return (await this.#transport.call<ApprovalPage>({ method: "GET", path }, signal)).data;
  }

  /**
   * What waits, live: a `snapshot`, then what is asked and decided. It does not end by itself. Where the server no
   * longer knows what came after the last event, there is another `snapshot`, which takes the place of all before.
   * Leaving the loop, `close()` and an aborted signal close the connection.
   */
  watch({ signal, ...options }: StreamOptions = {}): InboxWatch {
    return new Closable((signal) => this.#watched({ ...options, signal }), signal);
  }

  async *#watched(options: StreamOptions): AsyncGenerator<InboxEvent, void, undefined> {
    const request = (last: string | null): ApiRequest => ({
      method: "GET",
      path: "/aura/approvals/stream",
      headers: { Accept: "text/event-stream", ...(last === null ? {} : { "Last-Event-ID": last }) },
    });
    // A store that has lost the inbox begins again with low ids.
    const beginsAnew = ({ event }: Frame): boolean => event === "snapshot";
    for await (const frame of resumable(this.#transport, { request, beginsAnew }, options)) yield inboxEventOf(frame);
  }

  /** One request. */
  async get(requestId: string, options: { signal?: AbortSignal } = {}): Promise<ApprovalRequest> {
    const path = `/aura/hitl/requests/${segment("requestId", requestId)}`;
    const { status, data } = await this.#transport.call<string>({ method: "GET", path }, options.signal);
    const request = asObject(parseJson(data));
    if (request === null) throw notAura(status, "the request is no JSON object");
    return request as unknown as ApprovalRequest;
  }

  /** Says yes, to the arguments as they are or to changed ones. */
  approve(requestId: string, { args, signal }: ApproveOptions = {}): Promise<ReviewOutcome> {
    return this.#review("approve", requestId, args === undefined ? {} : { args }, signal);
  }

  /** Says no. */
  reject(requestId: string, { reason, signal }: RejectOptions = {}): Promise<ReviewOutcome> {
    return this.#review("reject", requestId, reason === undefined ? {} : { reason }, signal);
  }

  async #review(
    verb: "approve" | "reject",
    requestId: string,
    body: object,
    signal: AbortSignal | undefined,
  ): Promise<ReviewOutcome> {
    // Not `/aura/hitl/…`: the platform's Gateway takes that to another service, which knows no changed arguments.
    const path = `/aura/approvals/${segment("requestId", requestId)}/${verb}`;
    const { status, data } = await this.#transport.call<ReviewAnswer>({ method: "POST", path, body }, signal);
    return outcomeOf(data, status !== 409);
  }
}

function outcomeOf(data: ReviewAnswer, isFirst: boolean): ReviewOutcome {
  if ("supersedes" in data) {
    const { requestId, sessionId, supersedes } = data;
    return { kind: "superseded", requestId, sessionId, supersedes, isFirst };
  }
  if ("approvalsNeeded" in data) {
    const { requestId, sessionId, approvals, approvalsNeeded } = data;
    return { kind: "endorsed", requestId, sessionId, approvals, approvalsNeeded };
  }
  const { requestId, sessionId, status, supersededBy, reason = null } = data;
  if (supersededBy !== undefined) {
    return { kind: "superseded", requestId: supersededBy, sessionId, supersedes: requestId, isFirst };
  }
  return { kind: "decided", requestId, sessionId, status, isFirst, reason };
}
