/** The code of docs/EVENTS.md, as it stands there, against the real server and a connection that is cut again and again. */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFile, rm, writeFile } from "node:fs/promises";
import { createServer, connect } from "node:net";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { start } from "./server.mjs";

const page = await readFile(new URL("../../docs/EVENTS.md", import.meta.url), "utf8");

let server, base, headers, session, whole;

/** The code below a heading of the page. */
function code(heading, language) {
  const [, block] = page.split(`### ${heading}`)[1].match(new RegExp("```" + language + "\n([^]*?)```"));
  return block;
}

const AWAY = "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

/** A port that hands connections on to the server, and cuts each after so many bytes of the answer; the `away`th is told 503. */
async function cutting(bytes, away) {
  let connections = 0;
  const port = createServer((client) => {
    connections += 1;
    if (connections === away) {
      client.once("data", () => client.end(AWAY));
      return;
    }
    const upstream = connect(new URL(base).port, "127.0.0.1");
    let left = bytes;
    client.pipe(upstream);
    upstream.on("data", (piece) => {
      client.write(piece.subarray(0, left));
      left -= piece.length;
      if (left <= 0) client.destroySoon();
    });
    upstream.on("end", () => client.end());
    for (const socket of [client, upstream]) socket.on("error", () => {});
    client.on("close", () => upstream.destroy());
  });
  await new Promise((resolve) => port.listen(0, "127.0.0.1", resolve));
  return { base: `http://127.0.0.1:${port.address().port}`, close: () => {
    port.close();
    assert.ok(connections > 2, `${connections} connections are no storm`);
  } };
}

/** Reads the run's stream without any cut. */
async function read() {
  const response = await fetch(`${base}/aura/sessions/${session}/stream`, { headers });
  return await response.text();
}

const idsOf = (text) => [...text.matchAll(/^id: (\d+)\nevent: /gm)].map(([, id]) => id);

before(async () => {
  server = await start();
  base = server.base;
  const tenant = JSON.parse(Buffer.from(server.token.split(".")[1], "base64url")).tenant_id;
  headers = { Authorization: `Bearer ${server.token}`, "X-Tenant-ID": String(tenant) };
  const response = await fetch(`${base}/aura/test/stream`, {
    method: "POST",
    headers: { ...headers, "Content-Type": "application/json" },
    body: JSON.stringify({ prompt: "안녕하세요 words=60" }),
  });
  session = response.headers.get("X-Session-ID");
  await response.text();
  whole = await read();
  assert.ok(idsOf(whole).length > 20, whole);
});

after(() => server?.stop());

async function module(name, text) {
  const file = new URL(`./${name}`, import.meta.url);
  await writeFile(file, text);
  try {
    return await import(file);
  } finally {
    await rm(file);
  }
}

test("what the page shows for fetch reads every event once", { timeout: 60_000 }, async () => {
  const { follow } = await module("follow.taken.mjs", code("With `fetch`", "js"));
  const cut = await cutting(6_000, 2);
  const seen = [];
  for await (const event of follow(`${cut.base}/aura/sessions/${session}/stream`, () => headers)) {
    seen.push(event.id);
    assert.equal(event.event, event.data.type);
  }
  cut.close();
  assert.deepEqual(seen, idsOf(whole));
  const rest = [];
  for await (const event of follow(`${base}/aura/sessions/${session}/stream`, () => headers, seen[4])) rest.push(event.id);
  assert.deepEqual(rest, seen.slice(5));
});

test("what the page shows for fetch throws what is refused for good", { timeout: 60_000 }, async () => {
  const { follow } = await module("refused.taken.mjs", code("With `fetch`", "js"));
  const stale = { ...headers, Authorization: "Bearer stale" };
  await assert.rejects(follow(`${base}/aura/sessions/${session}/stream`, () => stale).next(), { status: 401 });
});

test("what the page shows for EventSource reads every event once", { timeout: 120_000 }, async () => {
  const { watch } = await module("watch.taken.mjs", code("With an `EventSource` that can send headers", "js"));
  const cut = await cutting(8_000);
  const seen = [];
  await new Promise((over) => watch(`${cut.base}/aura/sessions/${session}/stream`, headers, (id) => seen.push(id), over));
  cut.close();
  assert.deepEqual(seen, idsOf(whole));
});

/** Runs these lines with the variables that the page names; their exit code, and what they print. */
async function shell(lines, base, token, more) {
  const env = { PATH: process.env.PATH, BASE: base, TOKEN: token, TENANT: headers["X-Tenant-ID"], ...more };
  const child = spawn("sh", ["-u", "-c", lines], { cwd: server.folder, env, stdio: ["ignore", "pipe", "pipe"] });
  child.stderr.resume();
  let printed = "";
  child.stdout.on("data", (piece) => (printed += piece));
  const status = await new Promise((resolve) => child.on("close", resolve));
  return { status, printed };
}

/** Runs the lines for curl; their exit code. */
async function curl(base, token) {
  return (await shell(code("With curl", "sh"), base, token, { SESSION: session })).status;
}

test("what the page shows to start a run keeps its session", { timeout: 60_000 }, async () => {
  const token = headers.Authorization.slice(7);
  const { status, printed } = await shell(`${code("What they need", "sh")}\nprintf %s "$SESSION"`, base, token);
  assert.equal(status, 0);
  const response = await fetch(`${base}/aura/sessions/${printed}`, { headers });
  assert.equal(response.status, 200, printed);
});

test("what the page shows to call the functions calls them", { timeout: 60_000 }, async () => {
  const ids = [];
  const given = `export async function all(base, token, tenant, session, console) {\n${code("What they need", "js")}}\n`;
  const { all } = await module("called.taken.mjs", code("With `fetch`", "js") + given);
  await all(base, headers.Authorization.slice(7), headers["X-Tenant-ID"], session, { log: (id) => ids.push(id) });
  assert.deepEqual(ids, idsOf(whole));
});

test("what the page shows for curl reads every byte once, and keeps nothing of a refusal", { timeout: 60_000 }, async () => {
  assert.equal(await curl(base, "stale"), 1);
  assert.equal(await readFile(join(server.folder, "events.txt"), "utf8"), "");
  const cut = await cutting(5_000, 2);
  assert.equal(await curl(cut.base, headers.Authorization.slice(7)), 0);
  cut.close();
  assert.equal(await readFile(join(server.folder, "events.txt"), "utf8"), whole);
});
