/** How long to wait before another attempt. */

export interface RetryOptions {
  /** Milliseconds before the first repetition, about; each further one waits for twice as long. Default 250. */
  readonly initialDelayMs?: number;
  /** Milliseconds that a wait takes at most, unless the server asks for more. Default 10,000. */
  readonly maxDelayMs?: number;
  /** Milliseconds that the server may ask to wait for (`Retry-After`); for more, its refusal is thrown. Default 120,000. */
  readonly maxRetryAfterMs?: number;
  /**
   * Attempts in a row without progress before a stream is given up. Default 30: the waits between them come to three or
   * four minutes, and each attempt to which nobody answers takes up to `idleTimeoutMs` besides. An event that is handed
   * out is progress. What only shows that the server is there (a keep-alive, or an inbox that begins anew)
   * counts on a connection that has lasted longer than `maxDelayMs`: long waits are no failure, and a server that
   * breaks off each time at once is given up.
   */
  readonly maxAttempts?: number;
  /** The same for a request that is no stream. Default 6: the waits between them come to four to eight seconds. */
  readonly maxRequestAttempts?: number;
}

export type Retry = Required<RetryOptions>;

export const DEFAULT_RETRY: Retry = {
  initialDelayMs: 250,
  maxDelayMs: 10_000,
  maxRetryAfterMs: 120_000,
  maxAttempts: 30,
  maxRequestAttempts: 6,
};

/** Exponential waits with jitter, so that clients of a server that was away do not all return at once. */
export class Backoff {
  readonly #retry: Retry;
  readonly #maxAttempts: number;
  #failures = 0;

  constructor(retry: Retry, maxAttempts: number) {
    this.#retry = retry;
    this.#maxAttempts = maxAttempts;
  }

  /** Failures since the last progress. */
  get failures(): number {
    return this.#failures;
  }

  /** Something was achieved: the next failure is a first one. */
  reset(): void {
    this.#failures = 0;
  }

  /** Milliseconds to wait after one more failure; `null` once there were too many, or if it takes too long. */
  fail(retryAfterMs: number | null): number | null {
    const { initialDelayMs, maxDelayMs, maxRetryAfterMs } = this.#retry;
    this.#failures += 1;
    if (this.#failures >= this.#maxAttempts || (retryAfterMs ?? 0) > maxRetryAfterMs) return null;
    const full = Math.min(maxDelayMs, initialDelayMs * 2 ** (this.#failures - 1));
    const jittered = full * (0.5 + Math.random() / 2);
    return Math.max(jittered, retryAfterMs ?? 0);
  }
}
