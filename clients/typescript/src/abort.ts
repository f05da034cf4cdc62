/** Small helpers around `AbortSignal`, which Node 18 has without `AbortSignal.any`. */

/** What a timer can wait for: some 24 days. It takes more, also `Infinity`, for a millisecond. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

function timer(work: () => void, ms: number): ReturnType<typeof setTimeout> {
  return setTimeout(work, Math.min(ms, LONGEST_TIMER_MS));
}

/** Waits; rejects with the signal's reason if it aborts meanwhile. */
export function sleep(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason as Error);
      return;
    }
    const onAbort = (): void => {
      clearTimeout(waiting);
      reject(signal?.reason as Error);
    };
    const waiting = timer(() => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    }, ms);
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}

/** A controller that aborts with its parent, and by itself once something takes too long. */
export class Watchdog {
  readonly #controller = new AbortController();
  readonly #parent: AbortSignal | undefined;
  readonly #limitMs: number;
  #timedOut = false;
  #isUnread = false;
  /** Runs while nobody waits. */
  #unread: ReturnType<typeof setTimeout> | undefined;

  /** `limitMs`: how long one wait may take, and how long nobody may wait for anything. */
  constructor(limitMs: number, parent: AbortSignal | undefined) {
    this.#limitMs = limitMs;
    this.#parent = parent;
    if (parent?.aborted) this.#onParent();
    else parent?.addEventListener("abort", this.#onParent, { once: true });
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Whether it was the time that ended it. */
  get timedOut(): boolean {
    return this.#timedOut;
  }

  /** Whether it was that nobody has waited for so long. */
  get isUnread(): boolean {
    return this.#isUnread;
  }

  /**
   * Waits for something, but not for longer than it may take, and no longer than the signal lasts, also where what is
   * waited for does not look at it. The time between two waits counts for itself.
   */
  async within<T>(work: Promise<T>): Promise<T> {
    const { signal } = this.#controller;
    clearTimeout(this.#unread);
    const tooLong = timer(() => {
      this.#timedOut = true;
      this.#controller.abort();
    }, this.#limitMs);
    // Not one promise for all waits: it would keep what each of them has brought.
    let onAbort = (): void => undefined;
    const aborted = new Promise<never>((_, reject) => {
      onAbort = () => reject(signal.reason as Error);
      if (signal.aborted) onAbort();
      else signal.addEventListener("abort", onAbort, { once: true });
    });
    try {
      return await Promise.race([work, aborted]);
    } finally {
      clearTimeout(tooLong);
      signal.removeEventListener("abort", onAbort);
      if (!signal.aborted) this.#unread = timer(this.#onUnread, this.#limitMs);
    }
  }

  /** Ends whatever still uses the signal, and forgets the parent. */
  close(): void {
    clearTimeout(this.#unread);
    this.#parent?.removeEventListener("abort", this.#onParent);
    this.#controller.abort();
  }

  readonly #onUnread = (): void => {
    this.#isUnread = true;
    this.#controller.abort();
  };

  readonly #onParent = (): void => {
    this.#controller.abort(this.#parent?.reason);
  };
}
