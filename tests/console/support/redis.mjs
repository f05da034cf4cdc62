/** A `redis-server` of a test's own. */

import { connect, createServer } from "node:net";
import { eventually, kill, start, temporaryDirectory } from "./process.mjs";

export class Redis {
  #child;
  #port;

  static async start() {
    const redis = new Redis();
    redis.#port = await freePort();
    const options = ["--port", String(redis.#port), "--bind", "127.0.0.1", "--save", ""];
    redis.#child = start("redis-server", options, { cwd: temporaryDirectory() });
    redis.#child.stdout.resume();
    await eventually("redis-server answers", () => ping(redis.#port));
    return redis;
  }

  get port() {
    return this.#port;
  }

  get url() {
    return `redis://127.0.0.1:${this.#port}/0`;
  }

  close() {
    return kill(this.#child);
  }
}

/** A port that nobody listens on. */
export function freePort() {
  return new Promise((found, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => found(port));
    });
  });
}

function ping(port) {
  return new Promise((answered) => {
    const socket = connect(port, "127.0.0.1", () => socket.write("PING\r\n"));
    socket.once("error", () => answered(false));
    socket.once("close", () => answered(false));
    socket.once("data", (answer) => {
      socket.destroy();
      answered(answer.toString().startsWith("+PONG"));
    });
  });
}
