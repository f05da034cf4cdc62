// The real server as a process, and those who ask it. Everything that is started here ends with the test.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

import { HttpAgent } from "@ag-ui/client";
import { EventSchema } from "@ag-ui/core/schemas";

const BINARY =
  process.env.AURA_BINARY ?? fileURLToPath(new URL("../../target/debug/aura-platform", import.meta.url));
const SECRET = "0123456789abcdef0123456789abcdef";
/** Nothing takes this long unless it is broken. */
export const PATIENCE = 30_000;

function environment(more) {
  return { PATH: process.env.PATH, TMPDIR: tmpdir(), JWT_SECRET: SECRET, LOG_LEVEL: "warn", ...more };
}

/** Waits for a promise, and fails if it takes too long. */
export async function soon(what, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited in vain: ${what}`)), PATIENCE);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** A token as the Auth Server would sign it. */
async function token(tenant, user) {
  const child = spawn(BINARY, ["token", "--sub", user, "--tenant", tenant], {
    env: environment(),
    stdio: ["ignore", "pipe", "inherit"],
  });
  let text = "";
  child.stdout.on("data", (chunk) => (text += chunk));
  const [code] = await soon("a token", once(child, "close"));
  if (code !== 0) throw new Error(`token: exit code ${code}`);
  return text.trim();
}

/** Starts a server for one test, with a sample repository of its own. */
export async function startServer(test, more = {}) {
  const directory = await mkdtemp(join(tmpdir(), "aura-ag-ui-"));
  const child = spawn(BINARY, ["serve", "--dev", "--port", "0"], {
    cwd: directory,
    env: environment({ TMPDIR: directory, ...more }),
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = once(child, "close");
  test.after(async () => {
    child.kill("SIGKILL");
    await soon("the server's end", ended);
    await rm(directory, { recursive: true, force: true });
  });
  const facts = {};
  const lines = createInterface({ input: child.stdout });
  const listening = new Promise((resolve, reject) => {
    lines.on("line", (line) => {
      const fact = /^ {2}(health|workspace) +(\S+)/.exec(line);
      if (fact) facts[fact[1]] = fact[2];
      if (line.startsWith("git -C ")) resolve();
    });
    lines.on("close", () => reject(new Error("the server ended before it listened")));
  });
  await soon("a server that listens", listening);
  const base = facts.health.replace(/\/health$/, "");
  return new Server(base, facts.workspace, child);
}

class Server {
  constructor(base, workspace, child) {
    Object.assign(this, { base, workspace, child });
  }

  async user(tenant = "tenant1", user = "user123") {
    return new User(this, tenant, await token(tenant, user));
  }
}

class User {
  constructor(server, tenant, bearer) {
    this.server = server;
    this.headers = { Authorization: `Bearer ${bearer}`, "X-Tenant-ID": tenant };
    this.url = `${server.base}/aura/ag-ui`;
  }

  /** The official client. Whatever it warns of is kept in `warnings`. */
  agent(options = {}) {
    return new HttpAgent({ url: this.url, headers: this.headers, ...options });
  }

  /** A run as it goes over the wire. */
  async post(input, headers = {}) {
    const body = JSON.stringify({ messages: [], tools: [], context: [], state: {}, forwardedProps: {}, ...input });
    const signal = AbortSignal.timeout(PATIENCE);
    return fetch(this.url, {
      method: "POST",
      headers: { ...this.headers, "Content-Type": "application/json", Accept: "text/event-stream", ...headers },
      body,
      signal,
    });
  }

  /** The frames of a run, to its end. */
  async frames(input, headers) {
    const response = await this.post(input, headers);
    const text = await response.text();
    if (!response.ok) throw new Error(`${response.status}: ${text}`);
    return framesOf(text);
  }

  /** An answer of the platform's own routes. */
  async json(method, path, body) {
    const response = await fetch(`${this.server.base}${path}`, {
      method,
      headers: { ...this.headers, "Content-Type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: AbortSignal.timeout(PATIENCE),
    });
    return { status: response.status, body: await response.json() };
  }
}

/** Takes a stream apart, and fails on anything that is no frame of an AG-UI event. */
export function framesOf(text) {
  const frames = text.split(/(?<=\n\n)/).filter((frame) => frame !== "" && !frame.startsWith(":"));
  return frames.map((raw) => {
    const fields = /^id: (\d+(?:\.\d+)?)\ndata: (.*)\n\n$/.exec(raw);
    if (!fields) throw new Error(`no frame: ${JSON.stringify(raw)}`);
    const event = JSON.parse(fields[2]);
    // Nothing may be unknown to the protocol, either: the strict form of each schema.
    const schema = EventSchema.options.find((option) => option.shape.type.value === event.type);
    if (!schema) throw new Error(`no event of the protocol: ${event.type}`);
    schema.strict().parse(event);
    return { raw, id: fields[1], event };
  });
}

export function said(text) {
  return [{ id: crypto.randomUUID(), role: "user", content: text }];
}

/** Runs an agent, and returns its events; the client must have had nothing to complain of. */
export async function run(test, agent, parameters = {}) {
  const events = [];
  const warned = test.mock.method(console, "warn", () => {});
  try {
    await soon("the run's end", agent.runAgent(parameters, { onEvent: ({ event }) => void events.push(event) }));
    const warnings = warned.mock.calls.map((call) => call.arguments.join(" "));
    if (warnings.length > 0) throw new Error(`the client warns: ${warnings.join("\n")}`);
  } finally {
    warned.mock.restore();
  }
  return events;
}

export function kinds(events) {
  return events.map((event) => event.type);
}

export function only(events, type) {
  return events.filter((event) => event.type === type);
}
