/** A `redis-server` of a test's own. */

import { readdirSync, rmSync } from "node:fs";
import { connect, createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { start, temporaryDirectory, type Child } from "./process.js";
import { eventually } from "./wait.js";

export class Redis {
  readonly #port: number;
  readonly #directory = temporaryDirectory();
  #child: Child | null = null;
  #isClosed = false;

  private constructor(port: number) {
    this.#port = port;
  }

  static async start(): Promise<Redis> {
    const redis = new Redis(await freePort());
    await redis.restart();
    return redis;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.#port}/0`;
  }

  /** Starts it again with what it had stored: it hands every write to the system at once. */
  async restart(): Promise<void> {
    await this.kill();
    if (this.#isClosed) throw new Error("the test is over");
    const options = ["--bind", "127.0.0.1", "--save", "", "--appendonly", "yes", "--appendfsync", "no"];
    const child = start("redis-server", ["--port", String(this.#port), ...options], { cwd: this.#directory });
    child.stdout.resume();
    this.#child = child;
    await eventually("redis-server answers", () => {
      if (child.hasEnded) throw new Error(`redis-server does not start on port ${this.#port}`);
      return ping(this.#port);
    });
  }

  /** Starts it again without anything of what it had stored. */
  async restartEmpty(): Promise<void> {
    await this.kill();
    for (const name of readdirSync(this.#directory)) {
      if (name !== "log") rmSync(join(this.#directory, name), { recursive: true });
    }
    await this.restart();
  }

  /** Kills it for good. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.kill();
  }

  async kill(): Promise<void> {
    await this.#child?.end("SIGKILL");
  }
}

/** A port that nobody listens on. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

function ping(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => socket.write("PING\r\n"));
    socket.once("error", () => resolve(false));
    socket.once("close", () => resolve(false));
    socket.once("data", (answer) => {
      socket.destroy();
      resolve(answer.toString().startsWith("+PONG"));
    });
  });
}
