/** The platform's Gateway, as far as a client can tell: it divides the routes below `/api` among services. */

import { createServer, request as ask } from "node:http";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";
import type { Server } from "./server.js";

export interface Gateway {
  /** `http://127.0.0.1:<port>/api` */
  readonly base: string;
  /** What did not go to the server. */
  readonly elsewhere: readonly string[];
}

/** What is below `/api/aura/hitl` is another service's, which has no such request; all else is the server's. */
export async function gatewayFor(t: TestContext, server: Server): Promise<Gateway> {
  const elsewhere: string[] = [];
  const http = createServer((request, response) => {
    const { method, headers } = request;
    const path = (request.url ?? "").replace(/^\/api/, "");
    if (path.startsWith("/aura/hitl/")) {
      elsewhere.push(`${method} ${path}`);
      response.writeHead(404, { "Content-Type": "application/json" }).end("{}");
      return;
    }
    const asked = ask({ host: "127.0.0.1", port: server.port, method, path, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    asked.on("error", () => response.destroy());
    response.on("close", () => asked.destroy());
    request.pipe(asked);
  });
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    http.closeAllConnections();
    http.close();
  });
  return { base: `http://127.0.0.1:${(http.address() as AddressInfo).port}/api`, elsewhere };
}
