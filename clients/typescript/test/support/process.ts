/** Processes of a test. None of them outlives it, not even one that was killed. */

import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createWriteStream, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";

const running = new Set<ChildProcess>();
const directories = new Set<string>();

process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
  for (const directory of directories) rmSync(directory, { recursive: true, force: true });
});
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => process.exit(1));

/** A directory that is gone when the test is. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "aura-client-"));
  directories.add(directory);
  return directory;
}

export interface StartOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd: string;
}

/** A program with nothing of the test's environment. Its stderr goes to `log` in its directory. */
export function start(program: string, args: readonly string[], options: StartOptions): Child {
  // What it makes elsewhere would be left there by one that is killed.
  const env = { PATH: process.env["PATH"] ?? "", TMPDIR: options.cwd, ...options.env };
  // The kernel ends it when this process is gone, however that came.
  const [command, all] =
    process.platform === "linux" ? ["setpriv", ["--pdeathsig", "KILL", program, ...args]] : [program, [...args]];
  const child = spawn(command, all, { cwd: options.cwd, env, stdio: ["ignore", "pipe", "pipe"] });
  child.stderr.pipe(createWriteStream(join(options.cwd, "log"), { flags: "a" }));
  running.add(child);
  child.once("exit", () => running.delete(child));
  return new Child(child, child.stdout);
}

export class Child {
  readonly stdout: Readable;
  readonly #child: ChildProcess;

  constructor(child: ChildProcess, stdout: Readable) {
    this.#child = child;
    this.stdout = stdout;
  }

  get hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  /** Ends it, and waits until it is gone. `SIGKILL`: without a word. */
  async end(signal: NodeJS.Signals): Promise<void> {
    if (this.hasEnded) return;
    const gone = once(this.#child, "exit");
    this.#child.kill(signal);
    await gone;
  }
}
