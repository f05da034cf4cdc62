/** Streams that can be left at any time, also while somebody waits for what comes next. */

/// <reference lib="esnext.disposable" preserve="true" />

import { left } from "./errors.js";

/**
 * What a generator brings, for one reader. An async generator that is told to `return` first brings what it is asked
 * for, however long that takes; this ends the waiting: whoever still asks has an `AuraError` (`left`).
 */
export class Closable<T> implements AsyncIterable<T> {
  readonly #controller = new AbortController();
  readonly #parent: AbortSignal | undefined;
  readonly #source: AsyncGenerator<T, void, undefined>;
  #isLeft = false;

  /** `open`: makes the generator, which ends with the signal. `parent`: ends it as well. */
  constructor(open: (signal: AbortSignal) => AsyncGenerator<T, void, undefined>, parent: AbortSignal | undefined) {
    this.#parent = parent;
    if (parent?.aborted) this.#onParent();
    else parent?.addEventListener("abort", this.#onParent, { once: true });
    this.#source = open(this.#controller.signal);
  }

  async next(): Promise<IteratorResult<T, void>> {
    if (this.#isLeft) throw left();
    try {
      const next = await this.#source.next();
      if (next.done === true) this.#forget();
      return next;
    } catch (error) {
      this.#forget();
      throw error;
    }
  }

  /** What leaving a loop calls. */
  async return(): Promise<IteratorResult<T, void>> {
    await this.close();
    return { done: true, value: undefined };
  }

  /** Closes the connection. There is nothing more to be had from here. */
  async close(): Promise<void> {
    this.#isLeft = true;
    this.#forget();
    this.#controller.abort(left());
    await this.#source.return();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #forget(): void {
    this.#parent?.removeEventListener("abort", this.#onParent);
  }

  readonly #onParent = (): void => {
    this.#controller.abort(this.#parent?.reason);
  };
}
