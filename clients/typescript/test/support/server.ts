/** The real server, as a process. */

import { createHmac } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { start, temporaryDirectory, type Child } from "./process.js";
import { PATIENCE_MS } from "./wait.js";

/** The key of every server of the tests. */
const SECRET = "0123456789abcdef0123456789abcdef";

/** The root of the package. */
export const PACKAGE = resolve(dirname(fileURLToPath(import.meta.url)), "../../..");

function binary(): string {
  const path = resolve(PACKAGE, process.env["AURA_BINARY"] ?? "../../target/debug/aura-platform");
  if (!existsSync(path)) throw new Error(`there is no ${path}: build it (cargo build), or set AURA_BINARY`);
  return path;
}

export type ServerEnv = Readonly<Record<string, string | number | boolean>>;

export class Server {
  readonly #env: Record<string, string>;
  readonly #directory = temporaryDirectory();
  #child: Child | null = null;
  #base = "";
  #isClosed = false;

  private constructor(env: ServerEnv) {
    this.#env = Object.fromEntries(Object.entries(env).map(([name, value]) => [name, String(value)]));
  }

  /** `serve --dev` with these settings, listening. */
  static async start(env: ServerEnv = {}): Promise<Server> {
    const server = new Server(env);
    await server.restart();
    return server;
  }

  /** `http://127.0.0.1:<port>`; another port after each restart. */
  get base(): string {
    return this.#base;
  }

  get port(): number {
    return Number(new URL(this.#base).port);
  }

  /** `kill -9`. */
  async kill(): Promise<void> {
    await this.#child?.end("SIGKILL");
  }

  /** Kills it for good: what a test that has failed still does cannot start it again. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.kill();
  }

  /** Kills it, and starts it again on what its store has kept. */
  async restart(): Promise<void> {
    await this.kill();
    if (this.#isClosed) throw new Error("the test is over");
    const fixed = { JWT_SECRET: SECRET, API_PORT: "0", LOG_LEVEL: "info" };
    const child = start(binary(), ["serve", "--dev"], { cwd: this.#directory, env: { ...fixed, ...this.#env } });
    this.#child = child;
    this.#base = await Promise.race([listening(child), tooLate()]);
  }

  /** What it has logged so far. */
  get log(): string {
    return readFileSync(join(this.#directory, "log"), "utf8");
  }
}

async function listening(child: Child): Promise<string> {
  for await (const line of createInterface({ input: child.stdout })) {
    const url = /^\s*health\s+(\S+)\/health$/.exec(line)?.[1];
    if (url !== undefined) {
      child.stdout.resume();
      return url;
    }
  }
  throw new Error("the server ended before it listened");
}

function tooLate(): Promise<never> {
  return new Promise((_, reject) => {
    setTimeout(() => reject(new Error("the server does not listen")), PATIENCE_MS).unref();
  });
}

export const TENANT = "1";
export const USER = "1";

/** A token as the Auth Server signs it, valid for so many seconds and the rest of this one. */
export function token({ user = USER, tenant = TENANT, seconds = 3600, role = "" } = {}): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const exp = Math.ceil(Date.now() / 1000) + seconds;
  const text = `${part({ alg: "HS256", typ: "JWT" })}.${part({ sub: user, tenant_id: tenant, exp, ...(role === "" ? {} : { role }) })}`;
  return `${text}.${createHmac("sha256", SECRET).update(text).digest("base64url")}`;
}
