/** What operators see and do (contract, section 5.7). Everybody else gets 403. */

import { AuraError } from "./errors.js";
import { segment } from "./path.js";
import { cancelled, query, type CancelOutcome, type PageOptions } from "./sessions.js";
import type { Transport } from "./transport.js";
import type { Hold, HoldList, PutHold, RunPage, SessionStatus } from "./types.js";

export interface RunPageOptions extends PageOptions {
  /** Only those of this tenant. */
  readonly tenant?: string;
  /** Only those that stand so. */
  readonly status?: SessionStatus;
}

interface Abortable {
  readonly signal?: AbortSignal;
}

export class Admin {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /**
   * A page of the runs of all tenants, newest first. It may have none although `next` says where to go on: the server
   * looks at a bounded part of all runs for each page.
   */
  async runs({ tenant, status, limit, before, signal }: RunPageOptions = {}): Promise<RunPage> {
    const path = `/aura/admin/runs${query({ tenant, status, limit, before })}`;
    return (await this.#transport.call<RunPage>({ method: "GET", path }, signal)).data;
  }

  /** Stops a run of any tenant. */
  async cancel(sessionId: string, { signal }: Abortable = {}): Promise<CancelOutcome> {
    const path = `/aura/admin/runs/${segment("sessionId", sessionId)}/cancel`;
    return cancelled(this.#transport, sessionId, path, signal);
  }

  /** What is stopped. */
  async holds({ signal }: Abortable = {}): Promise<readonly Hold[]> {
    const request = { method: "GET", path: "/aura/admin/holds" } as const;
    return (await this.#transport.call<HoldList>(request, signal)).data.holds;
  }

  /** Stops new runs, or a tool, on all replicas at once, in the place of a hold of the same name. */
  async hold(name: string, hold: PutHold, { signal }: Abortable = {}): Promise<Hold> {
    const path = `/aura/admin/holds/${segment("name", name)}`;
    return (await this.#transport.call<Hold>({ method: "PUT", path, body: hold }, signal)).data;
  }

  /** Lifts a hold; what it was, or `null` if there is none of that name (or an attempt of this same call has lifted it). */
  async lift(name: string, { signal }: Abortable = {}): Promise<Hold | null> {
    const path = `/aura/admin/holds/${segment("name", name)}`;
    try {
      return (await this.#transport.call<Hold>({ method: "DELETE", path }, signal)).data;
    } catch (error) {
      if (error instanceof AuraError && error.status === 404) return null;
      throw error;
    }
  }
}
