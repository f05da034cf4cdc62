/** Waiting for what will be so. */

import { setTimeout as sleep } from "node:timers/promises";

/** Nothing in these tests takes this long unless it is broken. */
export const PATIENCE_MS = 30_000;

/** Looks until there is something. */
export async function eventually<T>(
  what: string,
  look: () => T | null | undefined | false | Promise<T | null | undefined | false>,
): Promise<T> {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    const found = await look();
    if (found !== null && found !== undefined && found !== false) return found;
    if (Date.now() > deadline) throw new Error(`never came true: ${what}`);
    await sleep(10);
  }
}
