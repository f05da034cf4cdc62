// A model that does what a test tells it: OpenAI's protocol over real HTTP.

import { once } from "node:events";
import { createServer } from "node:http";

/**
 * Starts a model for one test; returns the settings of a server that asks it. `answer` makes its next turn of the
 * conversation so far: `{ text }`, or `{ calls: [{ name, args }, …] }`.
 */
export async function startModel(test, answer) {
  const http = createServer(async (request, response) => {
    let body = "";
    for await (const piece of request.setEncoding("utf8")) body += piece;
    response.writeHead(200, { "Content-Type": "text/event-stream" });
    for (const chunk of chunksOf(answer(JSON.parse(body).messages))) response.write(`data: ${JSON.stringify(chunk)}\n\n`);
    response.end("data: [DONE]\n\n");
  });
  // Longer than a server keeps an idle connection: none is closed under a request that is being sent.
  http.keepAliveTimeout = 300_000;
  http.listen(0, "127.0.0.1");
  await once(http, "listening");
  test.after(() => {
    http.closeAllConnections();
    http.close();
  });
  const base = `http://127.0.0.1:${http.address().port}/v1`;
  return { OPENAI_BASE_URL: base, OPENAI_MODEL: "told-model", AURA__MODEL__MAX_RETRIES: "0" };
}

function chunksOf({ text = null, calls = [] }) {
  const chunk = (delta, finish_reason = null) => ({
    id: "1",
    object: "chat.completion.chunk",
    created: 1,
    model: "told-model",
    choices: [{ index: 0, delta, finish_reason }],
  });
  const tool_calls = calls.map(({ name, args }, index) => ({
    index,
    id: `call_${index}`,
    type: "function",
    function: { name, arguments: JSON.stringify(args) },
  }));
  if (tool_calls.length > 0) return [chunk({ role: "assistant", tool_calls }), chunk({}, "tool_calls")];
  return [chunk({ role: "assistant", content: text }), chunk({}, "stop")];
}
