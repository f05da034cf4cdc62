/** Checks an audit stream's chain of hashes in the browser, as docs/AUDIT.md describes it. */

const PAGE = 1000;
const encoder = new TextEncoder();

/**
 * Reads the whole stream and checks every entry. `read({ after, limit, signal })` brings a page; `onProgress` is told
 * the number of the last entry that was checked.
 *
 * What comes of it: `{ kind: "empty" }`; `{ kind: "whole", first, last, count, hash, isSealed }`; or
 * `{ kind: "broken", why, number, last }`, where `last` is the number of the last entry that can be relied on, or null.
 */
export async function checkChain({ read, tenant, onProgress = () => {}, signal }) {
  const chain = { first: null, last: 0, count: 0, hash: await sha256(`aura:audit:${tenant}`), isSealed: false };
  let after = 0;
  do {
    const { entries, next } = await read({ after, limit: PAGE, signal });
    const broken = await checkPage(chain, entries);
    if (broken !== null) return { kind: "broken", ...broken, last: chain.first === null ? null : chain.last };
    onProgress(chain.last);
    after = next;
  } while (after !== null);
  return chain.first === null ? { kind: "empty" } : { kind: "whole", ...chain };
}

async function checkPage(chain, entries) {
  const hashes = await Promise.all(entries.map(hashOf));
  for (const [at, entry] of entries.entries()) {
    const why = faultOf(chain, entry, hashes[at]);
    if (why !== null) return { why, number: why === "missing" ? chain.last + 1 : entry.number };
    chain.first ??= entry.number;
    chain.last = entry.number;
    chain.hash = entry.hash;
    chain.count += 1;
    chain.isSealed ||= entry.mac !== undefined;
  }
  return null;
}

/** Why an entry does not follow; null if it does. */
function faultOf(chain, { number, previous, hash }, computed) {
  if (computed === null) return "unclear";
  if (number <= chain.last) return "order";
  if (computed !== hash) return "altered";
  // An embedded store lets go of its oldest entries: then the first that is there has nothing to follow.
  if (chain.first === null && number > 1) return null;
  if (number > chain.last + 1) return "missing";
  return previous === chain.hash ? null : "detached";
}

/** The SHA-256 of an entry; null where a number in it cannot be written as it was recorded. */
async function hashOf({ number, previous, fact }) {
  const text = canonical(fact);
  return text === null ? null : sha256(`${number}\n${previous}\n${text}`);
}

async function sha256(text) {
  const bytes = new Uint8Array(await crypto.subtle.digest("SHA-256", encoder.encode(text)));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Browsers have no digests on pages that came over plain HTTP from another machine. */
export const canCheck = () => globalThis.crypto?.subtle !== undefined;

/** JSON with one spelling for each value: keys in the order of their code points, no white space. */
export function canonical(value) {
  if (typeof value === "number") return Number.isSafeInteger(value) ? String(value) : null;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return joined(value.map(canonical), "[", "]");
  const fields = Object.keys(value)
    .sort(byCodePoint)
    .map((key) => {
      const text = canonical(value[key]);
      return text === null ? null : `${JSON.stringify(key)}:${text}`;
    });
  return joined(fields, "{", "}");
}

function joined(texts, open, close) {
  return texts.includes(null) ? null : open + texts.join(",") + close;
}

/** `sort` alone would go by UTF-16 units, which puts some of the rarer characters elsewhere. */
function byCodePoint(one, other) {
  const [ones, others] = [Array.from(one), Array.from(other)];
  const at = ones.findIndex((character, index) => character !== others[index]);
  if (at < 0) return ones.length - others.length;
  return at < others.length ? ones[at].codePointAt(0) - others[at].codePointAt(0) : 1;
}
