/** The real server, as a process; tokens of its users. */

import { createHmac } from "node:crypto";
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { kill, PATIENCE_MS, start, temporaryDirectory } from "./process.mjs";
import { freePort } from "./redis.mjs";

export const ROOT = resolve(import.meta.dirname, "../../..");
/** The key of every server of the tests. */
const SECRET = "0123456789abcdef0123456789abcdef";

function binary() {
  const path = resolve(process.env.AURA_BINARY ?? join(ROOT, "target/debug/aura-platform"));
  if (!existsSync(path)) throw new Error(`there is no ${path}: build it (cargo build), or set AURA_BINARY`);
  return path;
}

/** `serve --dev` with these settings. It keeps its port when it is started again: that is where its pages look for it. */
export class Server {
  #env;
  #directory = temporaryDirectory();
  #child = null;
  #banner = [];
  #isClosed = false;
  base = "";

  static async start(env = {}) {
    const server = new Server();
    const fixed = { JWT_SECRET: SECRET, LOG_LEVEL: "info", AURA__STREAM__KEEP_ALIVE_SECONDS: "1" };
    server.#env = { ...fixed, API_PORT: String(await freePort()), ...env };
    await server.restart();
    return server;
  }

  /** What it has printed for the person who started it. */
  get banner() {
    return this.#banner.join("\n");
  }

  /** `kill -9`. */
  kill() {
    return kill(this.#child);
  }

  async close() {
    this.#isClosed = true;
    await this.kill();
  }

  async restart() {
    await this.kill();
    if (this.#isClosed) throw new Error("the test is over");
    const child = start(binary(), ["serve", "--dev"], { cwd: this.#directory, env: this.#env });
    this.#child = child;
    this.#banner = [];
    this.base = await Promise.race([this.#listening(child), tooLate()]);
  }

  async #listening(child) {
    let base;
    for await (const line of createInterface({ input: child.stdout })) {
      this.#banner.push(line);
      base ??= /^\s*health\s+(\S+)\/health$/.exec(line)?.[1];
      if (line.startsWith("git -C ")) {
        child.stdout.resume();
        return base;
      }
    }
    throw new Error("the server ended before it listened");
  }
}

function tooLate() {
  return new Promise((_, reject) => {
    setTimeout(() => reject(new Error("the server does not listen")), PATIENCE_MS).unref();
  });
}

/** A token as the Auth Server signs it. */
export function token({ user = "1", tenant = "1", seconds = 3600, roles = undefined } = {}) {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const exp = Math.ceil(Date.now() / 1000) + seconds;
  const text = `${part({ alg: "HS256", typ: "JWT" })}.${part({ sub: user, tenant_id: tenant, exp, role: roles })}`;
  return `${text}.${createHmac("sha256", SECRET).update(text).digest("base64url")}`;
}
