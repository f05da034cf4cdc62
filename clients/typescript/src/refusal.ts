/** Turns a refusal of the server, in either of its two forms, into an `AuraError`. */

import { AuraError } from "./errors.js";
import { asObject, asText, parseJson, type JsonObject } from "./json.js";
import { SseParser } from "./sse.js";

/** What is worth another attempt, unless the server itself says that it is not. */
const RETRYABLE_STATUS: ReadonlySet<number> = new Set([408, 425, 429, 500, 502, 503, 504]);

/** An answer whose status says no, its body not read yet. */
export async function refusalOf(response: Response): Promise<AuraError> {
  return refusalWith(response, await response.text().catch(() => ""));
}

/** The same with the text of its body. */
export function refusalWith({ status, statusText, headers }: Response, text: string): AuraError {
  const isStream = headers.get("content-type")?.startsWith("text/event-stream") ?? false;
  const body = asObject(parseJson(isStream ? errorEvent(text) : text)) ?? {};
  const code = asText(body["errorCode"]) ?? `HTTP ${status}`;
  const message = asText(body["message"]) ?? statusText;
  const detail = detailOf(body);
  return new AuraError(detail === null ? `${code}: ${message}` : `${code}: ${message} (${detail})`, {
    status,
    code,
    detail,
    traceId: asText(body["traceId"]) ?? headers.get("x-correlation-id"),
    retryable: RETRYABLE_STATUS.has(status) && body["retryable"] !== false,
    retryAfterMs: retryAfterMs(headers.get("retry-after"), Date.now()),
  });
}

/** An envelope calls it `detail`, an event `error`. */
function detailOf(body: JsonObject): string | null {
  return asText(body["detail"]) ?? asText(body["error"]);
}

/** The data of the `error` event that stands in the place of a stream. */
function errorEvent(text: string): string {
  for (const item of new SseParser().push(new TextEncoder().encode(text))) {
    if (item.kind === "frame" && item.event === "error") return item.data;
  }
  return "";
}

/** `Retry-After`: seconds, or a date. */
export function retryAfterMs(header: string | null, now: number): number | null {
  if (header === null) return null;
  if (/^[0-9]+$/.test(header.trim())) return Number(header) * 1000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? null : Math.max(0, date - now);
}
