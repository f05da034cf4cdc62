/** Keys by which the server knows a repeated start (contract, section 3). */

/**
 * A key that nobody has used. It has to be unique among one user's, not secret: where a page is served over plain
 * HTTP, or in Node 18, there may be no better source than `Math.random`.
 */
export function newIdempotencyKey(): string {
  const bytes = new Uint8Array(16);
  const source: Crypto | undefined = globalThis.crypto;
  if (source === undefined) bytes.forEach((_, at) => (bytes[at] = Math.random() * 256));
  else source.getRandomValues(bytes);
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
