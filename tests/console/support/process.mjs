/** Processes of a test. None of them outlives it, not even one that was killed. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createWriteStream, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** Nothing takes so long, also on a machine that other work keeps busy. */
export const PATIENCE_MS = 60_000;

const running = new Set();
const directories = new Set();

process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
  for (const directory of directories) rmSync(directory, { recursive: true, force: true });
});
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => process.exit(1));

/** A directory that is gone when the test is. */
export function temporaryDirectory() {
  const directory = mkdtempSync(join(tmpdir(), "aura-console-"));
  directories.add(directory);
  return directory;
}

/** A program with nothing of the test's environment, which the kernel ends with this process. Its stderr goes to `log`. */
export function start(program, args, { cwd, env = {} }) {
  const all = { PATH: process.env.PATH ?? "", TMPDIR: cwd, ...env };
  const options = { cwd, env: all, stdio: ["ignore", "pipe", "pipe"] };
  const child = spawn("setpriv", ["--pdeathsig", "KILL", program, ...args], options);
  child.stderr.pipe(createWriteStream(join(cwd, "log"), { flags: "a" }));
  running.add(child);
  child.once("exit", () => running.delete(child));
  return child;
}

/** Ends it without a word, and waits until it is gone. */
export async function kill(child) {
  if (child === null || child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, "exit");
  child.kill("SIGKILL");
  await gone;
}

/** What `look` returns, as soon as that is something. */
export async function eventually(what, look) {
  for (const end = Date.now() + PATIENCE_MS; Date.now() < end; await sleep(20)) {
    const found = await look();
    if (found) return found;
  }
  throw new Error(`never: ${what}`);
}
