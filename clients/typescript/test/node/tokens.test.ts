import assert from "node:assert/strict";
import { test } from "node:test";
import type { AuraEvent, TokenRequest } from "@dwp/aura-client";
import { bytesOf, journalOf } from "../support/journal.js";
import { all, BriefTokens, clientOf, MAIL, modelFor, serverFor, slowly, STRICT } from "../support/scene.js";
import { token } from "../support/server.js";

test("a stream that is broken off when its token expires goes on with a new one", { timeout: 60_000 }, async (t) => {
  const model = await modelFor(t, slowly(100, 80));
  const server = await serverFor(t, { ...STRICT, ...model.env });
  const tokens = new BriefTokens();
  const run = clientOf(server.base, { token: tokens.source }).run("천천히");
  const events = await all(run);
  assert.ok(tokens.renewals >= 1, `renewed ${tokens.renewals} times in eight seconds`);
  assert.equal(bytesOf(events), await journalOf(server, await run.sessionId));
});

test(
  "a token that has expired while a person was asked is renewed for the answer, too",
  { timeout: 60_000 },
  async (t) => {
    const server = await serverFor(t, STRICT);
    const tokens = new BriefTokens();
    const client = clientOf(server.base, { token: tokens.source });
    const run = client.run(MAIL);
    const events: AuraEvent[] = [];
    for await (const event of run) {
      events.push(event);
      if (event.type !== "hitl") continue;
      await tokens.expired();
      await client.approvals.approve(event.data.requestId);
    }
    assert.ok(tokens.renewals >= 1);
    assert.equal(bytesOf(events), await journalOf(server, await run.sessionId));
  },
);

test(
  "a token function is asked once more and then given up; a token that is a text is not asked for",
  { timeout: 60_000 },
  async (t) => {
    const server = await serverFor(t, STRICT);
    const expired = token({ seconds: -60 });
    const asked: TokenRequest[] = [];
    const stubborn = clientOf(server.base, { token: (request) => (asked.push(request), expired) });
    await assert.rejects(stubborn.run("안녕").result(), {
      name: "AuraError",
      status: 401,
      code: "E2002",
      retryable: false,
    });
    assert.deepEqual(asked, [{ renew: false }, { renew: true }]);
    await assert.rejects(clientOf(server.base, { token: expired }).sessions.list(), { status: 401, code: "E2002" });
  },
);

test("what a token function throws is what the caller gets", { timeout: 60_000 }, async (t) => {
  const server = await serverFor(t);
  const client = clientOf(server.base, { token: () => Promise.reject(new Error("signed out")) });
  await assert.rejects(client.run("안녕").result(), { message: "signed out" });
  await assert.rejects(client.sessions.list(), { message: "signed out" });
});
