/**
 * One approval over two people and two replicas, as both browsers show it. With `TRANSCRIPT=1` it is printed, line by
 * line, with the milliseconds since the question was asked.
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { becomes, button, card, inboxFor, says } from "./support/approvals.mjs";
import { ask, consoleFor, ended } from "./support/browser.mjs";
import { MERGE, redisFor, replicaFor } from "./support/scene.mjs";

/** Tells of every line of a page that is new or has changed, when it has. */
async function transcribe(page, who, lines) {
  await page.exposeFunction("told", (atMs, line) => lines.push({ atMs, who, line }));
  await page.evaluate(() => {
    const text = (element) => element.innerText.replace(/\s+/g, " ").trim();
    const parts = {
      title: () => [document.title],
      timeline: () => [...document.querySelectorAll(".timeline > .event:not(:has(.approval))")].map(text),
      cards: () =>
        [...document.querySelectorAll(".approval")].flatMap((card) => [
          `card [${text(card.querySelector(".chip"))}] ${text(card.querySelector(".approval-question"))}`,
          ...[".approval-who", ".approval-outcome", ".approval-said"]
            .map((part) => text(card.querySelector(part)))
            .filter(Boolean)
            .map((line) => `  ${line}`),
          `  buttons: ${
            [...card.querySelectorAll(".actions .button")]
              .filter((button) => button.checkVisibility())
              .map(text)
              .join(", ") || "none"
          }`,
        ]),
    };
    const known = new Set();
    const look = () => {
      for (const [part, read] of Object.entries(parts)) {
        for (const line of read()) {
          const key = `${part} ${line}`;
          if (line === "" || known.has(key)) continue;
          known.add(key);
          void window.told(Date.now(), `${part === "title" ? "title: " : ""}${line}`);
        }
      }
    };
    look();
    new MutationObserver(look).observe(document.documentElement, {
      subtree: true,
      childList: true,
      attributes: true,
      characterData: true,
    });
  });
}

test("one approval over two people and two replicas: both see each step, neither reloads", async (t) => {
  const redis = await redisFor(t);
  const env = { AURA__TOOLS__APPROVERS__GIT_MERGE: "2 of tenant" };
  const [here, there] = await Promise.all([replicaFor(t, redis, env), replicaFor(t, redis, env)]);
  const one = await consoleFor(t, here, { user: "1" });
  const two = await inboxFor(t, there, { user: "2" });
  const lines = [];
  await transcribe(one.page, "user 1, replica A", lines);
  await transcribe(two.page, "user 2, replica B", lines);
  const since = Date.now();
  const act = (who, line) => lines.push({ atMs: Date.now(), who, line: `>>> ${line}` });

  act("user 1, replica A", `asks: ${MERGE}`);
  await ask(one.page, MERGE);
  const [asked, shown] = [card(one.page, "git_merge"), card(two.page, "git_merge")];
  await becomes(shown, "pending");
  act("user 1, replica A", "clicks on Approve");
  await button(asked, "approve").click();
  await says(shown.locator(".approval-who"), "2명 중 1명");
  act("user 2, replica B", "clicks on Approve");
  await button(shown, "approve").click();
  await becomes(asked, "approved");
  assert.equal(await ended(one.page), "completed");
  await becomes(shown, "approved");

  const told = (who, what) => lines.some((line) => line.who.startsWith(who) && line.line.includes(what));
  assert.ok(told("user 1", "2명 중 1명") && told("user 2", "2명 중 1명"), "both have seen the first yes");
  assert.ok(told("user 1", "사용자 2 승인") && told("user 2", "나 (2) 승인"), "both have seen who has decided");
  if (process.env.TRANSCRIPT === undefined) return;
  for (const { atMs, who, line } of lines.toSorted((a, b) => a.atMs - b.atMs)) {
    console.log(`${String(Math.max(0, atMs - since)).padStart(5)} ms  ${who}  ${line}`);
  }
});
