/** The package as a frontend installs it: packed, in an application of its own, with a React of its own. */

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { copyFileSync, cpSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { build } from "esbuild";
import { pageFor, siteFor } from "../support/browser.js";
import { temporaryDirectory } from "../support/process.js";
import { MAIL, serverFor } from "../support/scene.js";
import { PACKAGE, TENANT, token } from "../support/server.js";

const execute = promisify(execFile);
/** What the application has besides; it comes from here, since a registry is nothing that a test can rely on. */
const BESIDES = ["react", "react-dom", "scheduler", "@types/react", "@types/react-dom", "csstype"];
/** What a bundler's template for React says, with everything that is strict. */
const COMPILER = {
  target: "ES2022",
  lib: ["ES2022", "DOM", "DOM.Iterable"],
  module: "ESNext",
  moduleResolution: "bundler",
  jsx: "react-jsx",
  strict: true,
  exactOptionalPropertyTypes: true,
  noEmit: true,
  types: [],
};

/** Makes the application, and returns its directory. */
async function application(): Promise<string> {
  const app = temporaryDirectory();
  const npm = (cwd: string, ...args: string[]): Promise<unknown> => {
    const quiet = { npm_config_cache: join(app, "npm-cache"), npm_config_offline: "true", npm_config_loglevel: "error" };
    return execute("npm", args, { cwd, env: { ...process.env, ...quiet } });
  };
  writeFileSync(join(app, "package.json"), JSON.stringify({ name: "app", private: true, type: "module" }));
  writeFileSync(join(app, "tsconfig.json"), JSON.stringify({ compilerOptions: COMPILER, include: ["main.tsx"] }));
  copyFileSync(join(PACKAGE, "test/browser/pages/hook.tsx"), join(app, "main.tsx"));
  // As it is built already: others are reading that just now.
  await npm(PACKAGE, "pack", "--ignore-scripts", "--pack-destination", app);
  const packed = readdirSync(app).filter((name) => name.endsWith(".tgz"));
  await npm(app, "install", "--no-audit", "--no-fund", "--legacy-peer-deps", ...packed.map((name) => `./${name}`));
  for (const name of BESIDES)
    cpSync(join(PACKAGE, "node_modules", name), join(app, "node_modules", name), { recursive: true });
  return app;
}

test(
  "an application that has installed the packed package compiles with it and renders a run",
  { timeout: 180_000 },
  async (t) => {
    const app = await application();
    assert.deepEqual(readdirSync(join(app, "node_modules/@dwp/aura-client")).sort(), ["README.md", "dist", "package.json"]);
    const ask = 'console.log((await import("@dwp/aura-client/package.json", { with: { type: "json" } })).default.name)';
    const told = await execute(process.execPath, ["--input-type=module", "--eval", ask], { cwd: app });
    assert.equal(told.stdout.trim(), "@dwp/aura-client");
    await execute(process.execPath, [join(PACKAGE, "node_modules/typescript/bin/tsc"), "-p", app]);
    const { outputFiles, metafile } = await build({
      absWorkingDir: app,
      entryPoints: ["main.tsx"],
      outfile: "main.js",
      bundle: true,
      write: false,
      metafile: true,
      format: "esm",
      jsx: "automatic",
      define: { "process.env.NODE_ENV": '"development"' },
      logLevel: "warning",
    });
    // A second React would be one too many for any hook.
    const inputs = Object.keys(metafile.inputs);
    assert.deepEqual(inputs.filter((input) => !/^(main\.tsx$|node_modules\/)/.test(input)), []);
    assert.equal(inputs.filter((input) => input.endsWith("/react/index.js")).length, 1);

    const server = await serverFor(t);
    const { page, errors } = await pageFor(t);
    const html = '<!doctype html><div id="root"></div><script type="module" src="/main.js"></script>';
    const site = await siteFor(t, { "/app.html": html, "/main.js": outputFiles[0]?.text ?? "" });
    const query = new URLSearchParams({ server: server.base, token: token(), tenant: TENANT, prompt: MAIL });
    await page.goto(`${site}/app.html?${query}`);
    const shows = (text: string): Promise<unknown> =>
      page.waitForFunction((text) => document.getElementById("status")?.textContent === text, text);
    await shows("waiting_approval");
    await page.click("#approve");
    await shows("completed");
    assert.match((await page.textContent("#answer")) ?? "", /kim@example\.com/);
    await page.click("#toggle");
    assert.equal(await page.locator("#status").count(), 0);
    assert.deepEqual(errors, []);
  },
);
