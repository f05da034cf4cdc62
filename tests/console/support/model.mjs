/** A model provider that does what a test tells it: OpenAI's protocol over real HTTP. */

import { createServer } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";

/**
 * `answer(messages)`: its next turn, `{ words, pauseMs, reasoning, call: { name, args } }`, all but `words` optional;
 * with a call there need not be any.
 */
export function startModel(answer) {
  const http = createServer((request, response) => {
    respond(request, response, answer).catch(() => response.destroy());
  });
  // Longer than a server keeps an idle connection: none is closed under a request that is being sent.
  http.keepAliveTimeout = 300_000;
  return new Promise((started) => {
    http.listen(0, "127.0.0.1", () => started({ env: envOf(http), close: () => (http.closeAllConnections(), http.close()) }));
  });
}

function envOf(http) {
  const base = `http://127.0.0.1:${http.address().port}/v1`;
  return { OPENAI_BASE_URL: base, OPENAI_MODEL: "fake-model", AURA__MODEL__MAX_RETRIES: "0" };
}

async function respond(request, response, answer) {
  let body = "";
  for await (const piece of request.setEncoding("utf8")) body += piece;
  const { words = [], pauseMs = 0, reasoning, call } = answer(JSON.parse(body).messages);
  response.writeHead(200, { "Content-Type": "text/event-stream" });
  const say = (fields) => {
    const chunk = { id: "chatcmpl-1", object: "chat.completion.chunk", created: 1, model: "fake-model", ...fields };
    response.write(`data: ${JSON.stringify(chunk)}\n\n`);
  };
  const delta = (part, reason = null) => say({ choices: [{ index: 0, delta: part, finish_reason: reason }] });
  if (reasoning !== undefined) delta({ reasoning_content: reasoning });
  for (const word of words) {
    // Whoever has asked may have gone.
    if (response.destroyed) return;
    delta({ content: word });
    if (pauseMs > 0) await sleep(pauseMs);
  }
  if (call !== undefined) {
    const { name, args } = call;
    delta({ tool_calls: [{ index: 0, id: "call_1", type: "function", function: { name, arguments: JSON.stringify(args) } }] });
  }
  delta({}, call === undefined ? "stop" : "tool_calls");
  say({ choices: [], usage: { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 } });
  response.end("data: [DONE]\n\n");
}
