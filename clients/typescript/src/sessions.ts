/** The caller's own sessions (contract, section 5.5). */

import { segment } from "./path.js";
import type { Transport } from "./transport.js";
import type { CancelAnswer, SessionDetail, SessionPage, SessionStatus } from "./types.js";

/** What came of asking a run to stop. */
export interface CancelOutcome {
  readonly sessionId: string;
  /** The status that stands now. */
  readonly status: SessionStatus;
  /**
   * The run was over already, so nothing was cancelled; where `status` is `cancelled`, it may have been an attempt of
   * this same call that did it, whose answer was lost.
   */
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
    return (await this.#transport.call<SessionPage>({ method: "GET", path }, signal)).data;
  }

  /** One in full: node, plan, pending approvals, usage. */
  async get(sessionId: string, options: { signal?: AbortSignal } = {}): Promise<SessionDetail> {
    const path = `/aura/sessions/${segment("sessionId", sessionId)}`;
    return (await this.#transport.call<SessionDetail>({ method: "GET", path }, options.signal)).data;
  }

  /** Stops its run. */
  async cancel(sessionId: string, options: { signal?: AbortSignal } = {}): Promise<CancelOutcome> {
    const path = `/aura/sessions/${segment("sessionId", sessionId)}/cancel`;
    return cancelled(this.#transport, sessionId, path, options.signal);
  }
}

/** Asks at this path for a run to stop. */
export async function cancelled(
  transport: Transport,
  sessionId: string,
  path: string,
  signal: AbortSignal | undefined,
): Promise<CancelOutcome> {
  const { status, data } = await transport.call<CancelAnswer>({ method: "POST", path }, signal);
  return { sessionId, status: data.status, wasOver: status === 409 };
}

/** `?a=1&b=2`, without what is not given. */
export function query(fields: Readonly<Record<string, string | number | undefined>>): string {
  const given = Object.entries(fields).filter(([, value]) => value !== undefined);
  const text = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
  return text === "" ? "" : `?${text}`;
}
