/** Parts of the console by themselves, as the browser runs them. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { windowFor } from "./support/browser.mjs";
import { serverFor } from "./support/scene.mjs";

/** An `app` that says the keys of its words. */
const APP = () => {
  window.said = [];
  window.app = {
    t: (key, values = {}) => [key, ...Object.values(values)].join(" "),
    language: "ko",
    user: { id: "1", tenant: "1" },
    announce: (text) => window.said.push(text),
  };
};

async function blank(t) {
  const server = await serverFor(t);
  const { page } = await windowFor(t, server.base);
  await page.goto(server.base);
  await page.evaluate(APP);
  return page;
}

test("changes are shown line by line, with their marks as text", async (t) => {
  const page = await blank(t);
  const lines = await page.evaluate(async () => {
    const { makePreview } = await import("/console/preview.js");
    const content = "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n same\n-old\n+new\n";
    const element = makePreview(window.app, { type: "diff", title: "x", content });
    return [...element.querySelectorAll(".diff-line")].map((line) => [
      line.className.replace("diff-line is-", ""),
      line.textContent,
    ]);
  });
  assert.deepEqual(lines, [
    ["head", "diff --git a/x b/x"],
    ["head", "--- a/x"],
    ["head", "+++ b/x"],
    ["place", "@@ -1,2 +1,2 @@"],
    ["same", " same"],
    ["removed", "-old"],
    ["added", "+new"],
    ["same", " "],
  ]);
});

test("a checklist says in words what is so and what is not, and an unknown kind of preview is a text", async (t) => {
  const page = await blank(t);
  const shown = await page.evaluate(async () => {
    const { makePreview } = await import("/console/preview.js");
    const of = (type, content) => makePreview(window.app, { type, title: "", content }).querySelector(".preview-body");
    const items = [...of("checklist", "[x] tests pass\n- [ ] reviewed\nplain").querySelectorAll("li")].map(
      (item) => item.textContent,
    );
    return [items, of("hologram", "a\nb").textContent];
  });
  assert.deepEqual(shown, [["✓ preview.so: tests pass", "✗ preview.notSo: reviewed", "plain"], "a\nb"]);
});

test("a clock goes by the server's time, also where this one is an hour wrong, and speaks once", async (t) => {
  const page = await blank(t);
  await page.clock.install({ time: 1_800_000_000_000 });
  await page.clock.pauseAt(1_800_000_060_000);
  await page.evaluate(APP);
  const read = () =>
    page.evaluate(() => [window.clock.element.textContent, window.clock.element.className, window.said.length]);
  await page.evaluate(async () => {
    const { makeClock, noteServerTime } = await import("/console/clock.js");
    // The server is an hour ahead: what ends in an hour and 90 s by this clock ends in 90 s.
    noteServerTime(Date.now() / 1000 + 3600);
    window.clock = makeClock(window.app, Date.now() + 3_690_000, "q");
  });
  assert.deepEqual(await read(), ["clock.left 1:30", "clock", 0]);
  await page.clock.runFor(31_000);
  assert.deepEqual(await read(), ["clock.left 0:59", "clock is-urgent", 1]);
  await page.clock.runFor(30_000);
  assert.deepEqual(await read(), ["clock.left 0:29", "clock is-urgent", 1]);
  await page.clock.runFor(30_000);
  assert.deepEqual(await read(), ["clock.over", "clock is-urgent", 1]);
  await page.evaluate(() => window.clock.stop());
});

test("numbers that are not touched stay what they are, and one that a browser cannot hold is not sent changed", async (t) => {
  const page = await blank(t);
  const got = await page.evaluate(async () => {
    const { isExact, makeEditForm } = await import("/console/edit-form.js");
    const submitted = [];
    const args = JSON.parse(
      '{"half": 1.50, "count": 3, "on": true, "list": [1, 2], "lines": "a\\r\\nb", "__proto__": "p"}',
    );
    const form = makeEditForm(window.app, args, {
      onSubmit: (args) => submitted.push(JSON.stringify(args)),
      onCancel() {},
    });
    document.body.append(form.element);
    const input = (name) =>
      [...form.element.querySelectorAll("label")].find((label) => label.textContent.startsWith(name)).control;
    const send = () => form.element.requestSubmit();
    send();
    input("count").value = "9007199254740993";
    send();
    const fault = form.element.querySelector(".problem:not(:empty)").textContent;
    input("count").value = "0x10";
    send();
    const faults = [fault, form.element.querySelector(".problem:not(:empty)").textContent];
    for (const [name, text] of [["count", "1e999"], ["list", "[1e999]"]]) {
      const before = input(name).value;
      input(name).value = text;
      send();
      faults.push(form.element.querySelector(".problem:not(:empty)").textContent);
      input(name).value = name === "count" ? "3" : before;
    }
    input("count").value = "-4e2";
    input("on").checked = false;
    send();
    return { submitted, faults, exact: [isExact({ a: [1.5] }), isExact({ a: [2 ** 53] })] };
  });
  assert.deepEqual(got.submitted, [
    '{"half":1.5,"count":3,"on":true,"list":[1,2],"lines":"a\\r\\nb","__proto__":"p"}',
    '{"half":1.5,"count":-400,"on":false,"list":[1,2],"lines":"a\\r\\nb","__proto__":"p"}',
  ]);
  assert.deepEqual(got.faults, ["edit.inexact", "edit.noNumber", "edit.inexact", "edit.inexact"]);
  assert.deepEqual(got.exact, [true, false]);
});

test("of a text that people decide by, what is not seen is shown as an escape, and what emoji are made of is not", async (t) => {
  const page = await blank(t);
  const shown = await page.evaluate(async () => {
    const { visible } = await import("/console/format.js");
    const family = "\u{1f468}\u200d\u{1f469} \u2764\ufe0f \u{1f44d}\u{1f3fd}";
    return [`가 나\n\t${family}`, "a\u202eb\u200bc\u00a0d\u3000e\0f\u3164g\u{e0041}h\ufe0f", "a\u200db"].map(visible);
  });
  const escaped = String.raw`a\u{202e}b\u{200b}c\u{a0}d\u{3000}e\u{0}f\u{3164}g\u{e0041}h\u{fe0f}`;
  assert.deepEqual(shown, ["가 나\n\t\u{1f468}\u200d\u{1f469} \u2764\ufe0f \u{1f44d}\u{1f3fd}", escaped, String.raw`a\u{200d}b`]);
});
