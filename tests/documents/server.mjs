/** The real server, as it is tried out. */

import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

const binary = process.env.AURA_BINARY ?? new URL("../../target/debug/aura-platform", import.meta.url).pathname;

/** Starts it; its address and a token, as it prints them, and a folder of its own. */
export async function start() {
  const folder = await mkdtemp(join(tmpdir(), "documents-"));
  const env = { PATH: process.env.PATH, JWT_SECRET: "0123456789abcdef0123456789abcdef", API_PORT: "0", LOG_LEVEL: "warn", TMPDIR: folder };
  const server = spawn(binary, ["serve", "--dev"], { cwd: folder, env, stdio: ["ignore", "pipe", "inherit"] });
  const stop = async () => {
    server.kill("SIGKILL");
    await rm(folder, { recursive: true, force: true });
  };
  let printed = "";
  for await (const piece of server.stdout.iterator({ destroyOnReturn: false })) {
    printed += piece;
    const address = printed.match(/http:\/\/127\.0\.0\.1:\d+/);
    const token = printed.match(/eyJ[\w-]+\.[\w-]+\.[\w-]+/);
    if (address && token) {
      server.stdout.resume();
      return { base: address[0], token: token[0], folder, stop };
    }
  }
  throw new Error(`the server ended: ${printed}`);
}
