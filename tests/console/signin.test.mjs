/** Signing in: by an address, by pasting, by the page that people sign in on, and again when a token has expired. */

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { test } from "node:test";
import { ask, consoleFor, ended, go, nothingWrong, windowFor } from "./support/browser.mjs";
import { eventually } from "./support/process.mjs";
import { token } from "./support/server.mjs";
import { HELLO, MERGE, serverFor } from "./support/scene.mjs";

/** Tokens expire when they say so. */
const STRICT = { AURA__AUTH__LEEWAY_SECONDS: "0" };

/** Time for a page to be loaded and used, also where other work keeps the machine busy. */
const BRIEF = 8;

/** A token that is soon over. */
const brief = () => token({ seconds: BRIEF });

/** Waits until the server takes a token no more. */
function isOver(server, text) {
  const headers = { Authorization: `Bearer ${text}`, "X-Tenant-ID": "1" };
  return eventually("the token is over", async () => (await fetch(`${server.base}/aura/sessions?limit=1`, { headers })).status === 401);
}

const paste = async (page, text) => {
  await page.fill("#signin-token", text);
  await page.press("#signin-token", "Enter");
};
const kept = (page) => page.evaluate(() => [JSON.stringify({ ...localStorage }), document.cookie, location.href].join());

test("a token is pasted; what is none, and what the server does not take, is told", async (t) => {
  const window = await windowFor(t, (await serverFor(t)).base);
  const { page } = window;
  const server = await serverFor(t);
  window.seen.length = 0;
  await page.goto(server.base);
  await page.waitForSelector("#signin-token");
  for (const [text, told] of [
    ["kein Token", /JWT/],
    [token().replace(/.$/, (last) => (last === "A" ? "B" : "A")), /받아들이지 않습니다/],
    [token({ seconds: -3600 }), /받아들이지 않습니다/],
  ]) {
    await paste(page, text);
    await page.waitForFunction(() => document.querySelector("#signin-problem").textContent !== "");
    assert.match(await page.textContent("#signin-problem"), told);
    await page.evaluate(() => (document.querySelector("#signin-problem").textContent = ""));
  }
  await paste(page, `Bearer ${token({ user: "7", tenant: "5" })}\n`);
  await page.waitForSelector(".bar");
  await page.click(".menu summary");
  assert.deepEqual(await page.locator(".who dd").allTextContents(), ["7", "5"]);
  assert.doesNotMatch(await kept(page), /eyJ/, "a token is in the tab's memory only");
  await page.click(".menu-body .button");
  await page.waitForSelector("#signin-token");
  assert.equal(await page.evaluate(() => sessionStorage.length), 0, "nothing of whoever was signed in stays");
});

test("an address lets people in with `serve --dev`, and not where that is switched off", async (t) => {
  const server = await serverFor(t);
  const address = /^http:\S+#token=\S+$/m.exec(server.banner)[0];
  const window = await windowFor(t, server.base);
  await window.page.goto(address);
  await window.page.waitForSelector(".bar");
  assert.doesNotMatch(await kept(window.page), /eyJ/);
  assert.deepEqual(await nothingWrong(window), []);

  const strict = await serverFor(t, { AURA__CONSOLE__TOKEN_IN_FRAGMENT: "false" });
  assert.doesNotMatch(strict.banner, /#token/);
  const { page } = await windowFor(t, strict.base);
  await page.goto(`${strict.base}/#token=${token()}&tenant=1`);
  await page.waitForSelector("#signin-token");
  assert.doesNotMatch(await kept(page), /eyJ/);
});

test("an address that is opened where the page is open already lets people in again, and its token does not stay", async (t) => {
  const server = await serverFor(t, { ...STRICT, AURA__AUTH__CLOSE_STREAMS_AT_EXPIRY: "true" });
  const window = await windowFor(t, server.base);
  const { page } = window;
  await page.goto(`${server.base}/#token=${brief()}`);
  await page.waitForSelector(".bar");
  await page.waitForSelector("dialog[open]");
  await page.goto(`${server.base}/#token=${token()}`);
  await page.waitForSelector("dialog", { state: "detached" });
  assert.doesNotMatch(await kept(page), /eyJ/);
  assert.deepEqual(await nothingWrong(window), []);
});

/** A page of another origin, which notes what it is told, and answers each time with what `window.answer()` gives. */
async function portalFor(t) {
  const http = createServer((_, response) => {
    response.writeHead(200, { "Content-Type": "text/html" });
    response.end(`<!doctype html><title>portal</title><script>
      window.told = [];
      window.answer = () => null;
      addEventListener("message", ({ data, source, origin }) => {
        told.push(data.type);
        const token = answer();
        if (token !== null) source.postMessage({ type: "aura-token", token }, origin);
      });
    </script>`);
  });
  await new Promise((started) => http.listen(0, "127.0.0.1", started));
  t.after(() => (http.closeAllConnections(), http.close()));
  return `http://127.0.0.1:${http.address().port}`;
}

async function opened(page, base) {
  const [popup] = await Promise.all([page.context().waitForEvent("page"), page.evaluate((base) => void (window.child = open(base)), base)]);
  await popup.waitForSelector(".signin, .bar");
  return popup;
}

test("the page that people sign in on hands over a token, in a window and in a frame, and the next one before a person is asked", async (t) => {
  const portal = await portalFor(t);
  const server = await serverFor(t, { ...STRICT, AURA__CONSOLE__LOGIN_ORIGINS: portal });
  const window = await windowFor(t, server.base, { others: [portal] });
  await window.page.goto(portal);
  const handed = [];
  await window.page.exposeFunction("fresh", () => handed[handed.push(token({ user: "9", seconds: 3 })) - 1]);
  await window.page.evaluate(() => {
    window.answer = () => null;
    addEventListener("message", async ({ source, origin }) => source.postMessage({ type: "aura-token", token: await window.fresh() }, origin));
  });
  const popup = await opened(window.page, server.base);
  await popup.waitForSelector(".bar");
  assert.deepEqual([...new Set(await window.page.evaluate(() => window.told))], ["aura-console-ready"]);
  await isOver(server, handed[0]);
  await go(popup, "sessions");
  await popup.waitForSelector(".empty a, .row");
  assert.ok(handed.length > 1, "the one that it was opened with is over");
  assert.equal(await popup.locator("dialog").count(), 0);
  await window.page.evaluate((base) => {
    const frame = document.createElement("iframe");
    frame.src = base;
    document.body.append(frame);
  }, server.base);
  await window.page.frameLocator("iframe").locator(".bar").waitFor();
  assert.deepEqual(await nothingWrong({ page: popup, seen: window.seen }), []);
});

test("whoever has signed in without the page that hands out tokens can sign out, whoever has opened the console", async (t) => {
  const server = await serverFor(t, { AURA__CONSOLE__LOGIN_ORIGINS: await portalFor(t) });
  const { page } = await consoleFor(t, server);
  const popup = await opened(page, server.base);
  // It has what its opener keeps, in a tab of its own.
  await popup.waitForSelector(".bar");
  await popup.click(".menu summary");
  await popup.click(".menu-body .button");
  await popup.waitForSelector("#signin-token");
});

test("a page of any other origin can neither hand over a token nor show the console in a frame, and is told nothing", async (t) => {
  const [portal, foreign] = [await portalFor(t), await portalFor(t)];
  const server = await serverFor(t, { AURA__CONSOLE__LOGIN_ORIGINS: portal });
  const window = await windowFor(t, server.base, { others: [portal, foreign] });
  const { page } = window;
  await page.goto(foreign);
  const popup = await opened(page, server.base);
  await popup.evaluate(() => {
    window.heard = 0;
    addEventListener("message", () => (window.heard += 1));
  });
  // From its opener, and from a script of its own origin that is not: both have been heard, and neither was listened to.
  await page.evaluate((token) => window.child.postMessage({ type: "aura-token", token }, "*"), token());
  await popup.evaluate((token) => window.postMessage({ type: "aura-token", token }, "*"), token());
  await popup.waitForFunction(() => window.heard === 2);
  assert.doesNotMatch(await popup.evaluate(() => JSON.stringify({ ...sessionStorage })), /eyJ/);
  assert.equal(await popup.locator(".bar").count(), 0);
  assert.deepEqual(await page.evaluate(() => window.told), []);
  const refused = page.waitForEvent("console", (message) => /frame/i.test(message.text()));
  await page.evaluate((base) => {
    const frame = document.createElement("iframe");
    frame.src = base;
    document.body.append(frame);
  }, server.base);
  assert.match((await refused).text(), /frame-ancestors|X-Frame-Options/i);
});

test("a token that expires is asked for above what is shown, and everything goes on with the next one", async (t) => {
  const server = await serverFor(t, { ...STRICT, AURA__AUTH__CLOSE_STREAMS_AT_EXPIRY: "true" });
  const window = await windowFor(t, server.base);
  const { page } = window;
  await page.goto(`${server.base}/#token=${brief()}`);
  await page.waitForSelector(".bar");
  await ask(page, MERGE);
  await page.waitForSelector(".approval");
  await page.evaluate(() => (window.isSamePage = true));
  await page.waitForSelector("dialog[open]");
  // A browser lets a page refuse only the first of those who want to close it, and has other ways to, such as a phone's.
  for (let times = 0; times < 3; times += 1) await page.keyboard.press("Escape");
  assert.ok(await page.isVisible("dialog[open]"), "there is nothing to do without a token");
  await page.evaluate(() => document.querySelector("dialog").close());
  await page.waitForSelector("dialog[open]");
  await paste(page, token());
  await page.waitForSelector("dialog", { state: "detached" });
  await page.click(".approval .primary");
  assert.equal(await ended(page), "completed");
  assert.ok(await page.evaluate(() => window.isSamePage));
  assert.deepEqual(await nothingWrong(window), []);
});

test("whoever signs in with somebody else's token sees nothing of the one before", async (t) => {
  const server = await serverFor(t, STRICT);
  const window = await windowFor(t, server.base);
  const { page } = window;
  const text = brief();
  await page.goto(`${server.base}/#token=${text}`);
  await page.waitForSelector(".bar");
  await ask(page, HELLO);
  await ended(page);
  await isOver(server, text);
  await go(page, "sessions");
  await page.waitForSelector("dialog[open]");
  await paste(page, token({ user: "2" }));
  await page.waitForSelector("dialog", { state: "detached" });
  await page.waitForSelector(".empty a");
  assert.equal(await page.locator(".row").count(), 0);
  await go(page, "ask");
  assert.equal(await page.locator(".prompt").count(), 0);
  assert.equal(await page.textContent(".avatar"), "2");
  assert.doesNotMatch(await page.evaluate(() => Object.keys(sessionStorage).join()), /1\/1/);
});

test("a page that is loaded with a token that has expired says so, and takes the next one", async (t) => {
  const server = await serverFor(t, STRICT);
  const window = await windowFor(t, server.base);
  const { page } = window;
  const text = brief();
  await page.goto(`${server.base}/#token=${text}`);
  await page.waitForSelector(".bar");
  await isOver(server, text);
  await page.reload();
  await page.waitForSelector("#signin-token");
  assert.match(await page.textContent("#signin-problem"), /expired|만료/);
  await paste(page, token());
  await page.waitForSelector(".bar");
  assert.deepEqual(await nothingWrong(window), []);
});

test("a browser that keeps nothing for this page lets people work all the same", async (t) => {
  const server = await serverFor(t);
  const window = await windowFor(t, server.base);
  await window.context.addInitScript(() => {
    for (const name of ["sessionStorage", "localStorage"]) {
      Object.defineProperty(globalThis, name, { get: () => { throw new DOMException("denied", "SecurityError"); } });
    }
  });
  const { page } = window;
  await page.goto(server.base);
  await paste(page, token());
  await page.waitForSelector(".bar");
  await ask(page, HELLO);
  assert.equal(await ended(page), "completed");
  assert.deepEqual(await nothingWrong(window), []);
});

test("what a proxy without its server answers takes no tab from those who may see it", async (t) => {
  const server = await serverFor(t);
  const { page } = await windowFor(t, server.base);
  for (const path of ["audit", "admin/runs"])
    await page.route(`**/aura/${path}?*`, (route) => route.fulfill({ status: 502, body: "Bad Gateway" }), { times: 1 });
  await page.goto(`${server.base}/#token=${token()}`);
  await page.waitForSelector(".bar");
  for (const name of ["audit", "operators"]) assert.equal(await page.locator(`.tab[href="#/${name}"]`).count(), 1, name);
});

test("no role, no tab: what a caller may not read is not offered", async (t) => {
  const server = await serverFor(t, { AURA__AUDIT__ROLE: "auditor" });
  const { page } = await consoleFor(t, server);
  assert.equal(await page.locator('.tab[href="#/audit"]').count(), 0);
  const other = await consoleFor(t, server, { roles: ["auditor"] });
  assert.equal(await other.page.locator('.tab[href="#/audit"]').count(), 1);
});
