/** The tenant's audit stream (docs/AUDIT.md), for those whose role may read it. */

import { query } from "./sessions.js";
import type { Transport } from "./transport.js";
import type { AuditPage } from "./types.js";

export interface AuditPageOptions {
  /** The number of the last entry of the page before: `next` of that page. */
  readonly after?: number;
  /** At most 1,000; default 100. */
  readonly limit?: number;
  readonly signal?: AbortSignal;
}

export class Audit {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** A page of it, oldest first. */
  async list({ after, limit, signal }: AuditPageOptions = {}): Promise<AuditPage> {
    const path = `/aura/audit${query({ after, limit })}`;
    return (await this.#transport.call<AuditPage>({ method: "GET", path }, signal)).data;
  }
}
