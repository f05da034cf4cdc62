import assert from "node:assert/strict";
import { test } from "node:test";
import type { AuraClient, AuraRun, ReviewOutcome } from "@dwp/aura-client";
import { answeredBy } from "../support/answers.js";
import { gatewayFor } from "../support/gateway.js";
import { clientOf, MAIL, serverFor } from "../support/scene.js";
import { token } from "../support/server.js";

/** Reads a run to its end; `review` answers each question. */
async function reviewed(run: AuraRun, review: (requestId: string) => Promise<unknown>): Promise<void> {
  for await (const event of run) if (event.type === "hitl") await review(event.data.requestId);
}

test(
  "a rejection ends the run with its reason; the first decision stands, and everybody is told which",
  { timeout: 60_000 },
  async (t) => {
    const client = clientOf((await serverFor(t)).base);
    const run = client.run(MAIL);
    const outcomes: ReviewOutcome[] = [];
    await reviewed(run, async (requestId) => {
      assert.equal((await client.approvals.get(requestId)).status, "pending");
      outcomes.push(
        await client.approvals.reject(requestId, { reason: "나중에" }),
        await client.approvals.approve(requestId),
      );
      assert.equal((await client.approvals.get(requestId)).status, "rejected");
    });
    assert.deepEqual(
      outcomes.map((outcome) => outcome.kind === "decided" && [outcome.status, outcome.isFirst, outcome.reason]),
      [
        ["rejected", true, "나중에"],
        ["rejected", false, "나중에"],
      ],
    );
    const { status, answer, error } = await run.result();
    assert.deepEqual([status, answer, error?.errorType, error?.error], ["rejected", "", "RejectionError", "나중에"]);
  },
);

test("changed arguments are what runs", { timeout: 60_000 }, async (t) => {
  // Also through the platform's Gateway, which takes what is below `/aura/hitl` to somebody who knows no arguments.
  const gateway = await gatewayFor(t, await serverFor(t));
  const client = clientOf(gateway.base);
  const run = client.run(MAIL);
  const args = { to: ["lee@example.com"], subject: "고친 제목", body: "고친 본문" };
  for await (const event of run) {
    if (event.type === "hitl") await client.approvals.approve(event.data.requestId, { args });
    if (event.type === "tool_execution" && event.data.status === "success")
      assert.deepEqual({ ...event.data.toolArgs }, { ...event.data.toolArgs, ...args });
  }
  assert.match((await run.result()).answer, /lee@example\.com/);
  assert.deepEqual(gateway.elsewhere, []);
});

test("wrong arguments and unknown requests are errors that say so", { timeout: 60_000 }, async (t) => {
  const server = await serverFor(t);
  const client = clientOf(server.base);
  await reviewed(client.run(MAIL), async (requestId) => {
    await assert.rejects(client.approvals.approve(requestId, { args: { nonsense: 1 } }), {
      status: 400,
      code: "E4000",
    });
    const stranger = clientOf(server.base, { tenantId: "2", token: token({ tenant: "2" }) });
    await assert.rejects(stranger.approvals.get(requestId), { status: 404, code: "E1004" });
    await assert.rejects(stranger.approvals.approve(requestId), { status: 404, code: "E1004" });
    await client.approvals.approve(requestId);
  });
  await assert.rejects(client.approvals.get("req_0123456789ab"), { status: 404, code: "E1004" });
});

test("where two have to agree, the first yes is recorded and the second decides", { timeout: 60_000 }, async (t) => {
  const server = await serverFor(t, { AURA__TOOLS__APPROVERS__SEND_EMAIL: "2 of tenant" });
  const [one, other]: [AuraClient, AuraClient] = [
    clientOf(server.base),
    clientOf(server.base, { token: token({ user: "2" }) }),
  ];
  const run = one.run(MAIL);
  await reviewed(run, async (requestId) => {
    const first = await one.approvals.approve(requestId);
    assert.ok(first.kind === "endorsed");
    assert.deepEqual([first.approvals, first.approvalsNeeded], [1, 2]);
    const second = await other.approvals.approve(requestId);
    assert.ok(second.kind === "decided" && second.isFirst && second.status === "approved");
  });
  assert.equal((await run.result()).status, "completed");
});

test("changed arguments that another person has to see are a request of their own", { timeout: 60_000 }, async (t) => {
  const server = await serverFor(t, { AURA__TOOLS__APPROVERS__SEND_EMAIL: "not_requester" });
  const [one, other] = [clientOf(server.base), clientOf(server.base, { token: token({ user: "2" }) })];
  const run = one.run(MAIL);
  const asked: string[] = [];
  await reviewed(run, async (requestId) => {
    asked.push(requestId);
    if (asked.length > 1) return void (await one.approvals.approve(requestId));
    await assert.rejects(one.approvals.approve(requestId), { status: 403 });
    const args = { to: ["lee@example.com"], subject: "s", body: "b" };
    const outcome = await other.approvals.approve(requestId, { args });
    assert.ok(outcome.kind === "superseded" && outcome.supersedes === requestId && outcome.isFirst);
    asked.push(outcome.requestId);
    // As if the answer had been lost, and asked for again.
    assert.deepEqual(await other.approvals.approve(requestId, { args }), { ...outcome, isFirst: false });
  });
  assert.equal(asked[1], asked[2] ?? asked[1]);
  assert.match((await run.result()).answer, /lee@example\.com/);
});

test("an edit whose answer was lost is told as what it was, not as somebody's no", { timeout: 10_000 }, async () => {
  const standing = { requestId: "req_1", sessionId: "session_1", status: "rejected", supersededBy: "req_2" };
  const { client, requests } = answeredBy((_, at) => {
    if (at === 0) throw new TypeError("fetch failed");
    return Response.json({ status: "SUCCESS", data: standing }, { status: 409 });
  });
  assert.deepEqual(await client.approvals.approve("req_1", { args: {} }), {
    kind: "superseded",
    requestId: "req_2",
    sessionId: "session_1",
    supersedes: "req_1",
    isFirst: false,
  });
  assert.equal(requests.length, 2);
});
