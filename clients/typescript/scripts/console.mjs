/**
 * Puts this package into the one file that the server's console loads. `--check`: says whether the file is the one that
 * would be written, and writes nothing.
 */

import { build } from "esbuild";
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const outfile = fileURLToPath(new URL("../../../src/http/console/aura-client.js", import.meta.url));
const { outputFiles } = await build({
  entryPoints: [fileURLToPath(new URL("../src/index.ts", import.meta.url))],
  bundle: true,
  format: "esm",
  target: "es2022",
  charset: "utf8",
  write: false,
  banner: { js: "// Made of clients/typescript by `npm run console` there. Do not edit." },
  logLevel: "warning",
});
const made = outputFiles[0].text;
if (!process.argv.includes("--check")) {
  writeFileSync(outfile, made);
} else if (readFileSync(outfile, "utf8") !== made) {
  console.error("src/http/console/aura-client.js is not what clients/typescript makes: run `npm run console` there");
  process.exitCode = 1;
}
