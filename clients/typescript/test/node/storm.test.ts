/**
 * Everything at once: many runs, while connections are cut at random places, servers are killed and tokens expire.
 * Afterwards every history is compared with the journal, byte by byte. `STORM_SEED` repeats a storm's plan, `STORM_RUNS` and `STORM_KILLS` make a larger one.
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { AuraClient, AuraEvent, AuraRun, SessionPage } from "@dwp/aura-client";
import { bytesOf, journalOf } from "../support/journal.js";
import type { Cut } from "../support/proxy.js";
import { BriefTokens, clientOf, durableServerFor, modelFor, proxyFor, STRICT } from "../support/scene.js";

const RUNS = Number(process.env["STORM_RUNS"] ?? 40);
const KILLS = Number(process.env["STORM_KILLS"] ?? 3);
const WORDS = 40;
/** Within which the runs are started. */
const STARTS_MS = KILLS * 2700;

/** Numbers from 0 to below 1, the same ones for a seed (mulberry32). */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Where the next stream is cut: anywhere from before its head to its thirtieth frame, or not at all. */
function cutting(next: () => number): () => Cut | null {
  const within = ["nothing", "half", "character"] as const;
  return () => {
    if (next() < 0.1) return null;
    return {
      afterFrames: Math.floor(next() * 31) - 1,
      within: within[Math.floor(next() * within.length)] ?? "nothing",
      how: next() < 0.5 ? "fin" : "reset",
    };
  };
}

/** How many sessions a caller has. */
async function countOf(client: AuraClient): Promise<number> {
  let count = 0;
  let next: string | null = null;
  do {
    const page: SessionPage = await client.sessions.list({ limit: 100, ...(next !== null && { before: next }) });
    count += page.sessions.length;
    next = page.next;
  } while (next !== null);
  return count;
}

interface History {
  readonly run: AuraRun;
  readonly events: AuraEvent[];
  approvals: number;
}

test("a storm of cuts, kills and renewals costs no run anything", { timeout: 170_000 }, async (t) => {
  const seed = Number(process.env["STORM_SEED"] ?? Date.now() % 1_000_000);
  t.diagnostic(`STORM_SEED=${seed}`);
  const next = random(seed);
  // Every other run asks for a mail, then says much; each turn is slow enough to be killed in.
  const call = { name: "send_email", args: { to: ["kim@example.com"], subject: "보고", body: "끝" } };
  const words = Array.from({ length: WORDS }, (_, at) => `낱말${at} `);
  const model = await modelFor(t, (messages) => {
    const wantsMail = messages.some(({ role, content }) => role === "user" && String(content).includes("메일"));
    const isDone = messages.some(({ role }) => role === "tool");
    return wantsMail && !isDone ? { words: [], call } : { words, pauseMs: 25 };
  });
  const { server } = await durableServerFor(t, { ...STRICT, ...model.env });
  const proxy = await proxyFor(t, server);
  proxy.plan = cutting(next);

  let renewals = 0;
  let reconnects = 0;
  const began = performance.now();
  const follow = async (at: number): Promise<History> => {
    const tokens = new BriefTokens();
    const client = clientOf(proxy.base, { token: tokens.source });
    await sleep((at / RUNS) * STARTS_MS);
    const run = client.run(at % 2 === 0 ? `이야기 ${at}` : `메일 ${at}`, { onReconnect: () => (reconnects += 1) });
    const history: History = { run, events: [], approvals: 0 };
    for await (const event of run) {
      history.events.push(event);
      if (event.type !== "hitl") continue;
      const outcome = await client.approvals.approve(event.data.requestId);
      assert.ok(outcome.kind === "decided" && outcome.status === "approved");
      history.approvals += 1;
    }
    renewals += tokens.renewals;
    return history;
  };
  const kill = async (): Promise<void> => {
    for (let kills = 0; kills < KILLS; kills++) {
      await sleep(2500 + next() * 1500);
      await server.restart();
    }
  };
  const [histories] = await Promise.all([Promise.all(Array.from({ length: RUNS }, (_, at) => follow(at))), kill()]);
  const seconds = ((performance.now() - began) / 1000).toFixed(1);

  let events = 0;
  let lost = 0;
  for (const { run, events: read, approvals } of histories) {
    const { sessionId, status, error } = await run.result();
    assert.equal(bytesOf(read), await journalOf(server, sessionId), sessionId);
    // The server gives up a run whose every attempt at one step was killed, and says so.
    if (error?.errorType === "RunLostError") lost += 1;
    else assert.equal(status, "completed", error?.error);
    assert.ok(approvals <= 2, "asked once, and once more where a kill left it unknown whether the tool ran");
    events += read.length;
  }
  assert.equal(new Set(await Promise.all(histories.map(({ run }) => run.sessionId))).size, RUNS);
  assert.equal(await countOf(clientOf(server.base)), RUNS, "no start was made twice");
  assert.ok(lost <= RUNS / 2, `${lost} runs were given up`);
  assert.ok(proxy.cuts > RUNS && renewals > 0 && reconnects >= proxy.cuts - RUNS, "it was a storm");
  const approvals = histories.reduce((sum, history) => sum + history.approvals, 0);
  t.diagnostic(
    `storm: ${RUNS} runs, ${events} events byte-exact, ${approvals} approvals; ${proxy.cuts} cuts, ` +
      `${KILLS} kills (${lost} runs given up by the server), ${renewals} renewals, ${reconnects} reconnects in ${seconds} s`,
  );
});
