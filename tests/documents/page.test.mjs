/** The page that shows both documents, in a browser, which loads nothing else for it. */

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";

import { start } from "./server.mjs";

test("the page shows every route and every event, and breaks none of its own rules", { timeout: 120_000 }, async () => {
  const server = await start();
  const profile = await mkdtemp(join(tmpdir(), "page-"));
  try {
    const read = async (name) => (await fetch(`${server.base}/aura/${name}.json`)).json();
    const [openapi, asyncapi] = [await read("openapi"), await read("asyncapi")];
    const flags = ["--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", `--user-data-dir=${profile}`, "--virtual-time-budget=20000"];
    const look = (query) =>
      promisify(execFile)("chromium", [...flags, "--dump-dom", `${server.base}/aura/docs${query}`], { maxBuffer: 1 << 26 });
    const { stdout, stderr } = await look("");
    const operations = Object.values(openapi.paths).flatMap((path) => Object.values(path));
    for (const { operationId } of operations) assert.ok(stdout.includes(`id="${operationId}"`), operationId);
    const events = Object.keys(asyncapi.channels.run.messages).concat(Object.keys(asyncapi.channels.inbox.messages));
    for (const event of events) assert.ok(stdout.includes(`id="event-${event}"`), event);
    const [, contents] = /<nav[^>]*>(.*?)<\/nav>/s.exec(stdout);
    assert.doesNotMatch(contents, /<b>[^<]*<\/b><\/div>/, "no group of the contents is empty");
    assert.equal(contents.match(/<a /g).length, operations.length + new Set(events).size);

    // What is searched for is all that is left, in the text and in the contents.
    const { stdout: found } = await look("?find=Idempotency-Key");
    const shownIn = (pattern) => [...found.matchAll(pattern)].filter(([tag]) => !tag.includes(" hidden")).map(([, id]) => id);
    const shown = shownIn(/<details class="item" id="([^"]+)"[^>]*>/g);
    assert.deepEqual(shown, ["startRun", "startRunEnveloped"]);
    assert.deepEqual(shownIn(/<a href="#([^"]+)"[^>]*>/g), shown);
    assert.match(found, />2 found</);

    // A field of a field, and a word that a parameter takes, are found as well.
    const { stdout: nested } = await look("?find=approvalsNeeded");
    assert.match(nested, /<details class="item" id="listApprovals"(?![^>]* hidden)/);
    const { stdout: word } = await look("?find=pending+decided");
    assert.match(word, /<details class="item" id="listApprovals"(?![^>]* hidden)/);

    // What a policy forbids, and what a script does wrong, is said there.
    const complaints = stderr.split("\n").filter((line) => /CONSOLE|Content Security Policy/.test(line));
    assert.deepEqual(complaints, []);
  } finally {
    await server.stop();
    await rm(profile, { recursive: true, force: true });
  }
});
