/** The caller's own sessions (contract, section 5.5). */

import type { SessionDetail, SessionPage, SessionStatus } from "./types.js";
import { dataOf, type Transport } from "./transport.js";

/** What came of asking a run to stop. */
export interface CancelOutcome {
  readonly sessionId: string;
  /** The status that stands now. */
  readonly status: SessionStatus;
  /** The run was over already, so nothing was cancelled. */
  readonly wasOver: boolean;
}

export interface PageOptions {
  readonly limit?: number;
  /** The last one of the page before: `next` of that page. */
  readonly before?: string;
  readonly signal?: AbortSignal;
}

export class Sessions {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** A page of them, newest first. */
  async list({ limit, before, signal }: PageOptions = {}): Promise<SessionPage> {
    const path = `/aura/sessions${query({ limit, before })}`;
    return dataOf(await this.#transport.call({ method: "GET", path }, signal)) as unknown as SessionPage;
  }

  /** One in full: node, plan, pending approvals, usage. */
  async get(sessionId: string, options: { signal?: AbortSignal } = {}): Promise<SessionDetail> {
    const path = `/aura/sessions/${encodeURIComponent(sessionId)}`;
    return dataOf(await this.#transport.call({ method: "GET", path }, options.signal)) as unknown as SessionDetail;
  }

  /** Stops its run. */
  async cancel(sessionId: string, options: { signal?: AbortSignal } = {}): Promise<CancelOutcome> {
    const path = `/aura/sessions/${encodeURIComponent(sessionId)}/cancel`;
    const answer = await this.#transport.call({ method: "POST", path }, options.signal);
    const { status } = dataOf(answer) as unknown as { status: SessionStatus };
    return { sessionId, status, wasOver: answer.status === 409 };
  }
}

/** `?a=1&b=2`, without what is not given. */
export function query(fields: Readonly<Record<string, string | number | undefined>>): string {
  const given = Object.entries(fields).filter(([, value]) => value !== undefined);
  const text = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
  return text === "" ? "" : `?${text}`;
}
