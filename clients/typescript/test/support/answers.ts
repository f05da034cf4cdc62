/** A server that is a function: clients of a `fetch` that answers what a test wants. */

import { AuraClient, type RetryOptions } from "@dwp/aura-client";

export type Respond = (request: Request, attempt: number) => Response | Promise<Response>;

export const RETRY = { initialDelayMs: 1, maxDelayMs: 2, maxAttempts: 4, maxRequestAttempts: 3 };

export interface AnsweredOptions {
  readonly idleTimeoutMs?: number;
  readonly retry?: RetryOptions;
}

/** A client of such a server, and the requests that it has sent. */
export function answeredBy(
  respond: Respond,
  { idleTimeoutMs = 30_000, retry }: AnsweredOptions = {},
): { client: AuraClient; requests: Request[] } {
  const requests: Request[] = [];
  const fetch: typeof globalThis.fetch = async (input, init) => {
    const request = new Request(input, init);
    requests.push(request);
    return respond(request, requests.length - 1);
  };
  const options = { baseUrl: "http://aura.test/api/", token: "t", tenantId: "1", idleTimeoutMs, fetch };
  return { client: new AuraClient({ ...options, retry: { ...RETRY, ...retry } }), requests };
}

const HEADERS = { "Content-Type": "text/event-stream", "X-Session-ID": "session_1" };

/** A stream of these pieces, which breaks off after them. */
export function stream(...pieces: readonly string[]): Response {
  return answer((controller) => controller.close(), pieces);
}

/** One that stays open. */
export function openStream(...pieces: readonly string[]): Response {
  return answer(() => undefined, pieces);
}

function answer(end: (c: ReadableStreamDefaultController<Uint8Array>) => void, pieces: readonly string[]): Response {
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const piece of pieces) controller.enqueue(new TextEncoder().encode(piece));
      end(controller);
    },
  });
  return new Response(body, { headers: HEADERS });
}

export const KEEP_ALIVE = ": keep-alive id:\n\n";

export function frame(id: number | string, name: string, data: object): string {
  return `id: ${id}\nevent: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}

export const event = (id: number | string, content = "a"): string =>
  frame(id, "content", { content, chunk: true, metadata: {} });

export const trailer = (id: number | string): string => `id: ${id}\ndata: [DONE]\n\n`;
