import assert from "node:assert/strict";
import { test } from "node:test";
import { AuraError } from "@dwp/aura-client";
import { all, clientOf, MAIL, serverFor } from "../support/scene.js";
import { token } from "../support/server.js";

const operator = () => token({ user: "chief", tenant: "ops", role: "operator" });

function refusedWith(status: number, code: string): (error: unknown) => boolean {
  return (error) => error instanceof AuraError && error.status === status && error.code === code;
}

test("an operator sees the runs of all tenants, and stops one", { timeout: 60_000 }, async (t) => {
  const server = await serverFor(t);
  const { admin } = clientOf(server.base, { token: operator(), tenantId: "ops" });
  const client = clientOf(server.base);
  const done = client.run("안녕하세요");
  await all(done);
  const waiting = client.run(MAIL);
  for await (const event of waiting) {
    if (event.type !== "hitl") continue;
    const page = await admin.runs();
    assert.deepEqual(
      page.runs.map(({ sessionId, tenantId, userId, status }) => [sessionId, tenantId, userId, status]),
      [
        [event.data.sessionId, "1", "1", "waiting_approval"],
        [await done.sessionId, "1", "1", "completed"],
      ],
    );
    const first = await admin.runs({ limit: 1, tenant: "1" });
    const second = await admin.runs({ limit: 1, tenant: "1", before: first.next ?? "" });
    assert.deepEqual([second.runs[0]?.sessionId, second.next], [await done.sessionId, null]);
    assert.deepEqual((await admin.runs({ status: "running" })).runs, []);
    const stopped = await admin.cancel(event.data.sessionId);
    assert.deepEqual([stopped.status, stopped.wasOver], ["cancelled", false]);
  }
  assert.equal((await waiting.result()).status, "cancelled");
  assert.equal((await admin.cancel(await waiting.sessionId)).wasOver, true);
});

test("a hold stops what it says until it is lifted, and is for operators alone", { timeout: 60_000 }, async (t) => {
  const server = await serverFor(t);
  const { admin } = clientOf(server.base, { token: operator(), tenantId: "ops" });
  const client = clientOf(server.base);
  const put = await admin.hold("no-mail", { tool: "send_email", tenant: "1", reason: "점검" });
  assert.deepEqual([put.name, put.tool, put.runs, put.putBy.userId], ["no-mail", "send_email", false, "chief"]);
  assert.deepEqual(await admin.holds(), [put]);
  const events = await all(client.run(MAIL));
  assert.ok(!events.some((event) => event.type === "hitl"), "nobody is asked");
  assert.deepEqual(await admin.lift("no-mail"), put);
  assert.equal(await admin.lift("no-mail"), null);

  await admin.hold("no-runs", { runs: true, reason: "점검" });
  await assert.rejects(
    all(client.run(MAIL)),
    (error) => refusedWith(503, "E5000")(error) && !(error as AuraError).retryable,
    "at once, since nobody knows how long it is stopped",
  );
  await admin.lift("no-runs");

  const run = client.run(MAIL);
  for await (const event of run) {
    if (event.type !== "hitl") continue;
    await admin.hold("no-mail", { tool: "send_email", reason: "점검" });
    await assert.rejects(client.approvals.approve(event.data.requestId), refusedWith(409, "E3006"));
    await admin.lift("no-mail");
    await client.approvals.approve(event.data.requestId);
  }
  assert.equal((await run.result()).status, "completed");
  await assert.rejects(client.admin.holds(), refusedWith(403, "E2001"));
  await assert.rejects(admin.hold("no-mail", { reason: "점검" }), refusedWith(400, "E4000"));
});
