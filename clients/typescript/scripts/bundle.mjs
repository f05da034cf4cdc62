/** Puts the page of the hook's test, with React, into one file that a browser can load. */

import { build } from "esbuild";

await build({
  entryPoints: ["build/test/browser/pages/hook.js"],
  outfile: "build/test/browser/pages/hook.bundle.js",
  bundle: true,
  format: "esm",
  define: { "process.env.NODE_ENV": '"development"' },
  logLevel: "warning",
});
