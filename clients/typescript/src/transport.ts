/** One request: headers, token, refusals; and repeating it where that helps. */

import { sleep, Watchdog } from "./abort.js";
import { Backoff } from "./backoff.js";
import { AuraError, connectionLost, notAura } from "./errors.js";
import { asObject, parseJson } from "./json.js";
import type { Settings } from "./options.js";
import { refusalOf, refusalWith } from "./refusal.js";

export interface ApiRequest {
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  /** With its query, if there is one. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: object;
}

/** An answer in the platform's envelope. */
export interface Answer<Data> {
  readonly status: number;
  readonly data: Data;
}

export class Transport {
  readonly settings: Settings;

  constructor(settings: Settings) {
    this.settings = settings;
  }

  /**
   * Sends a request once, or twice where the token was refused and there is a function to ask for another.
   * Returns every answer whose status is below 300, and 409, which callers read themselves; throws an `AuraError`
   * for all others, and for connections that failed.
   */
  async send(request: ApiRequest, signal: AbortSignal): Promise<Response> {
    let response = await this.#sendOnce(request, false, signal);
    if (response.status === 401 && typeof this.settings.token === "function") {
      await response.body?.cancel();
      response = await this.#sendOnce(request, true, signal);
    }
    if (response.ok || response.status === 409) return response;
    throw await refusalOf(response);
  }

  /**
   * Sends a request that may be repeated, and reads its answer. The server's word is taken for what `data` has: its
   * schemas are where the types come from.
   */
  async call<Data>(request: ApiRequest, signal?: AbortSignal): Promise<Answer<Data>> {
    const backoff = new Backoff(this.settings.retry, this.settings.retry.maxRequestAttempts);
    for (;;) {
      try {
        return await this.#callOnce<Data>(request, signal);
      } catch (error) {
        signal?.throwIfAborted();
        if (!(error instanceof AuraError) || !error.retryable) throw error;
        const delay = backoff.fail(error.retryAfterMs);
        if (delay === null) throw error;
        await sleep(delay, signal);
      }
    }
  }

  async #callOnce<Data>(request: ApiRequest, signal: AbortSignal | undefined): Promise<Answer<Data>> {
    const watchdog = new Watchdog(this.settings.idleTimeoutMs, signal);
    try {
      return await watchdog.within(this.#answer<Data>(request, watchdog.signal));
    } catch (error) {
      throw watchdog.timedOut ? connectionLost("no answer in time", error) : error;
    } finally {
      watchdog.close();
    }
  }

  async #answer<Data>(request: ApiRequest, signal: AbortSignal): Promise<Answer<Data>> {
    const response = await this.send(request, signal);
    const text = await textOf(response);
    const body = asObject(parseJson(text));
    const data = body?.["status"] === "SUCCESS" ? body["data"] : undefined;
    if (data !== undefined) return { status: response.status, data: data as Data };
    if (response.ok) throw notAura(response.status, "the answer is not in the platform's envelope");
    throw refusalWith(response, text);
  }

  async #sendOnce(request: ApiRequest, renew: boolean, signal: AbortSignal): Promise<Response> {
    const { baseUrl, fetch } = this.settings;
    const init: RequestInit = {
      method: request.method,
      headers: await this.#headers(request, renew),
      signal,
      cache: "no-store",
    };
    if (request.body !== undefined) init.body = JSON.stringify(request.body);
    signal.throwIfAborted();
    try {
      return await fetch(baseUrl + request.path, init);
    } catch (error) {
      signal.throwIfAborted();
      throw connectionLost("the server cannot be reached", error);
    }
  }

  async #headers(request: ApiRequest, renew: boolean): Promise<Headers> {
    const { token } = this.settings;
    const headers = new Headers({ Accept: "application/json", ...this.settings.headers, ...request.headers });
    headers.set("Authorization", `Bearer ${typeof token === "string" ? token : await token({ renew })}`);
    if (request.body !== undefined) headers.set("Content-Type", "application/json");
    return headers;
  }
}

async function textOf(response: Response): Promise<string> {
  try {
    return await response.text();
  } catch (error) {
    throw connectionLost("the connection broke within the answer", error);
  }
}
