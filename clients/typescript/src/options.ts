/** What a client has to know, and its defaults. */

import { DEFAULT_RETRY, type Retry, type RetryOptions } from "./backoff.js";

/** Why a token is asked for. */
export interface TokenRequest {
  /** The last one was refused: a stored one will not do. */
  readonly renew: boolean;
}

/**
 * A token, or where to get one. The function is called before every request, so it should keep what it has; with
 * `renew` after the server has refused a token, once for each request. What it throws ends the request or the stream.
 */
export type TokenSource = string | ((request: TokenRequest) => string | Promise<string>);

export interface AuraClientOptions {
  /**
   * Where Aura-Platform is, for instance `http://localhost:9000`, or `https://…/api` behind the DWP Gateway; in a page
   * of the same origin `/api` will do.
   */
  readonly baseUrl: string;
  readonly token: TokenSource;
  /** The tenant that the token is of (`X-Tenant-ID`). */
  readonly tenantId: string;
  /** The user that the token is of (`X-User-ID`); the server takes the token's, if it is not given. */
  readonly userId?: string;
  /** The browser tab or script (`X-Agent-ID`): runs with the same one share a conversation. */
  readonly agentId?: string;
  /** Further headers of every request, for instance `X-Correlation-ID`. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Another `fetch`. */
  readonly fetch?: typeof fetch;
  /** How failed requests and lost connections are repeated. */
  readonly retry?: RetryOptions;
  /**
   * Milliseconds without a byte after which a connection counts as lost, and what one attempt of a request that is no
   * stream may take in all. Default 45,000: the server sends at least a keep-alive every 15 s. `Infinity`: never. A
   * stream of which nobody has asked for an event for as long is closed, too; whoever asks again, reads on.
   */
  readonly idleTimeoutMs?: number;
}

/** The same, complete and checked. */
export interface Settings {
  readonly baseUrl: string;
  readonly token: TokenSource;
  readonly headers: Readonly<Record<string, string>>;
  readonly fetch: typeof fetch;
  readonly retry: Retry;
  readonly idleTimeoutMs: number;
}

/** Checks what can be checked at once; a wrong `baseUrl`, `token` or `tenantId` throws a `TypeError`, a wrong time a `RangeError`. */
export function settingsOf(options: AuraClientOptions): Settings {
  const baseUrl = baseUrlOf(options.baseUrl);
  const idleTimeoutMs = options.idleTimeoutMs ?? 45_000;
  if (!(idleTimeoutMs > 0)) throw new RangeError(`idleTimeoutMs must be more than 0, is ${idleTimeoutMs}`);
  const { tenantId, token } = options;
  if (typeof token !== "string" && typeof token !== "function") {
    throw new TypeError(`token must be a text or a function, is ${token === null ? "null" : typeof token}`);
  }
  // From a configuration that lacks it, it would be sent as the text `undefined`.
  if (typeof tenantId !== "string" || tenantId.trim() === "") {
    throw new TypeError(`tenantId must be a text that is not blank, is ${JSON.stringify(tenantId)}`);
  }
  const headers: Record<string, string> = { ...options.headers, "X-Tenant-ID": tenantId };
  if (options.userId !== undefined) headers["X-User-ID"] = options.userId;
  if (options.agentId !== undefined) headers["X-Agent-ID"] = options.agentId;
  return {
    baseUrl,
    token,
    headers,
    // Browsers insist on being called with `window` as `this`.
    fetch: options.fetch ?? ((input, init) => globalThis.fetch(input, init)),
    retry: { ...DEFAULT_RETRY, ...options.retry },
    idleTimeoutMs,
  };
}

/** The address, without a slash at its end. `localhost:9000` is a URL, too, whose scheme is `localhost`. */
function baseUrlOf(given: string): string {
  const page: Location | undefined = globalThis.location;
  const url = parsedUrl(given, page?.href);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    const or = page === undefined ? "" : ", or be a path of this page's server";
    throw new TypeError(`baseUrl must begin with http:// or https://${or}; it is ${JSON.stringify(given)}`);
  }
  return url.href.replace(/\/+$/, "");
}

function parsedUrl(given: string, base: string | undefined): URL | null {
  try {
    return new URL(given, base);
  } catch {
    return null;
  }
}
