/** Who is signed in: the token, where it comes from, and that another one is had when it has expired. */

import { tab } from "./storage.js";

const KEPT = "token";
/** Set if it came from the page that hands out tokens. */
const GIVEN = "given";
/** How long before a token expires the page that hands out tokens is asked for the next. */
const AHEAD_MS = 60_000;
/** How long that page gets for it. */
const GIVER_MS = 3000;

/** A token that cannot be one. */
export class Malformed extends Error {}

/** What a token says about its bearer; only the server can tell whether it is true. */
export function userOf(token) {
  const { sub, tenant_id: tenant, exp } = payloadOf(token);
  const isId = (id) => (typeof id === "string" && id !== "") || Number.isSafeInteger(id);
  if (!isId(sub) || !isId(tenant)) throw new Malformed("the token names no user or no tenant");
  return { id: String(sub), tenant: String(tenant), expiresAtMs: Number.isFinite(exp) ? exp * 1000 : Infinity };
}

function payloadOf(token) {
  const parts = token.split(".");
  try {
    const bytes = Uint8Array.from(atob(parts[1].replace(/-/g, "+").replace(/_/g, "/")), (char) => char.charCodeAt(0));
    const payload = JSON.parse(new TextDecoder().decode(bytes));
    if (parts.length === 3 && typeof payload === "object" && payload !== null) return payload;
  } catch {
    // It is said below.
  }
  throw new Malformed("not a token");
}

/** Takes a token out of the page's address, where it must not stay. */
export function tokenInAddress() {
  const fragment = new URLSearchParams(location.hash.slice(1));
  const token = fragment.get("token");
  if (token !== null) history.replaceState(null, "", `${location.pathname}${location.search}#/ask`);
  return token;
}

/**
 * The session. `config`: the server's `config.json`. `onWanted()` is called when somebody has to be asked for a token, and
 * `onToken(user, isOther)` when one has come, `isOther` if it is somebody else's than the one before.
 */
export function makeSession(config, { onWanted, onToken }) {
  let token = null;
  let user = null;
  let refused = null;
  let waiting = [];
  let losing = [];
  let ahead = 0;

  /** `isGiven`: by the page that hands out tokens; one that was kept is what it was. */
  function take(text, isGiven = text === tab.get(KEPT) && tab.get(GIVEN) === "true") {
    const next = userOf(text);
    const isOther = user !== null && (next.id !== user.id || next.tenant !== user.tenant);
    [token, user] = [text, next];
    if (isOther) tab.clear();
    tab.set(KEPT, text);
    tab.set(GIVEN, String(isGiven));
    const served = waiting;
    waiting = [];
    for (const serve of served) serve(text);
    clearTimeout(ahead);
    const inMs = next.expiresAtMs - Date.now() - AHEAD_MS;
    if (inMs > 0 && inMs < 2 ** 31) ahead = setTimeout(announce, inMs);
    onToken(next, isOther);
  }

  const isGood = () => token !== null && token !== refused;

  /** A token that the server has not refused, as soon as there is one. */
  function source() {
    if (isGood()) return token;
    if (waiting.length === 0) want();
    const told = losing;
    losing = [];
    for (const tell of told) tell();
    return new Promise((resolve) => waiting.push(resolve));
  }

  /** Whoever hands out tokens gets a moment for it before a person is asked. */
  function want() {
    announce();
    if (token === null || giver === null) onWanted();
    else setTimeout(() => token === refused && onWanted(), GIVER_MS);
  }

  const { announce, giver } = listenForTokens(config.loginOrigins, (text) => {
    // The same once more would be refused once more.
    if (text === refused) return;
    try {
      take(text, true);
    } catch {
      // Whoever hands over something else will see that nobody is signed in.
    }
  });

  return {
    take,
    want,
    source,
    /** Whether there is a token that the server has not refused. */
    isGood,
    /** Ends once somebody has asked for a token, and there was none. */
    lost: () => new Promise((resolve) => losing.push(resolve)),
    kept: () => tab.get(KEPT),
    /** The server has said that this one is not, or no longer, valid. */
    refuse: (text) => (refused = text),
    /** Nothing of whoever was signed in stays in this tab. */
    forget: () => tab.clear(),
    announce,
    hasGiver: giver !== null,
    /** Whether it was another page that has handed over the token that there is. */
    isGiven: () => tab.get(GIVEN) === "true",
  };
}

/**
 * Tokens from the page that has opened this one, or shows it in a frame, if its origin may hand them over. It is told
 * that it is time for one; what any other page says is not looked at.
 */
function listenForTokens(origins, take) {
  const giver = window.opener ?? (window.parent === window ? null : window.parent);
  if (giver === null || origins.length === 0) return { announce: () => undefined, giver: null };
  window.addEventListener("message", ({ origin, source, data }) => {
    if (source !== giver || !origins.includes(origin)) return;
    if (data?.type === "aura-token" && typeof data.token === "string") take(data.token);
  });
  // Only a page of that origin receives it.
  const announce = () => origins.forEach((origin) => giver.postMessage({ type: "aura-console-ready" }, origin));
  return { announce, giver };
}
