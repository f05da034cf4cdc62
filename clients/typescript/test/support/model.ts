/** A model provider that does what a test tells it: OpenAI's protocol over real HTTP. */

import { createServer, type IncomingMessage, type Server as HttpServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/** What a model says in one turn. */
export interface Turn {
  readonly words: readonly string[];
  /** Milliseconds between two words. */
  readonly pauseMs?: number;
  /** A tool that it wants instead of saying more. */
  readonly call?: { readonly name: string; readonly args: object };
}

interface Message {
  readonly role: string;
  readonly content: unknown;
}

export class Model {
  readonly #http: HttpServer;

  private constructor(http: HttpServer) {
    this.#http = http;
  }

  /** `answer`: its next turn in a conversation. */
  static start(answer: (messages: readonly Message[]) => Turn): Promise<Model> {
    const http = createServer((request, response) => {
      respond(request, response, answer).catch(() => response.destroy());
    });
    // Longer than a server keeps an idle connection: none is closed under a request that is being sent.
    http.keepAliveTimeout = 300_000;
    return new Promise((resolve) => http.listen(0, "127.0.0.1", () => resolve(new Model(http))));
  }

  /** The settings of a server that asks this model. */
  get env(): Record<string, string> {
    const { port } = this.#http.address() as AddressInfo;
    return {
      OPENAI_BASE_URL: `http://127.0.0.1:${port}/v1`,
      OPENAI_MODEL: "fake-model",
      AURA__MODEL__MAX_RETRIES: "0",
    };
  }

  close(): void {
    this.#http.closeAllConnections();
    this.#http.close();
  }
}

async function respond(
  request: IncomingMessage,
  response: ServerResponse,
  answer: (messages: readonly Message[]) => Turn,
): Promise<void> {
  let body = "";
  for await (const piece of request.setEncoding("utf8")) body += piece as string;
  const { messages } = JSON.parse(body) as { messages: readonly Message[] };
  const { words, pauseMs = 0, call } = answer(messages);
  response.writeHead(200, { "Content-Type": "text/event-stream" });
  const say = (fields: object): void => {
    const chunk = { id: "chatcmpl-1", object: "chat.completion.chunk", created: 1, model: "fake-model", ...fields };
    response.write(`data: ${JSON.stringify(chunk)}\n\n`);
  };
  const delta = (delta: object, reason: string | null = null): void =>
    say({ choices: [{ index: 0, delta, finish_reason: reason }] });
  for (const content of words) {
    delta({ content });
    if (pauseMs > 0) await sleep(pauseMs);
    if (response.destroyed) return;
  }
  if (call !== undefined) {
    const fragment = { name: call.name, arguments: JSON.stringify(call.args) };
    delta({ tool_calls: [{ index: 0, id: `call_${messages.length}`, type: "function", function: fragment }] });
  }
  delta({}, call === undefined ? "stop" : "tool_calls");
  say({ choices: [], usage: { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 } });
  response.end("data: [DONE]\n\n");
}
