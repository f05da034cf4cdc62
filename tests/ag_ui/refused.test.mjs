// What is refused, and what the official client makes of it.

import assert from "node:assert/strict";
import { test } from "node:test";

import { said, soon, startServer } from "./server.mjs";

const MERGE = "feature 브랜치를 main에 병합해주세요";

test("a refusal is an HTTP status with the platform's envelope, which the client shows", async (t) => {
  const server = await startServer(t);
  const user = await server.user();
  const agent = user.agent({ initialMessages: said("안녕") });
  agent.headers = { ...agent.headers, Authorization: "Bearer no.token.atall" };
  t.mock.method(console, "error", () => {});
  const failed = await soon("the refusal", agent.runAgent().then(() => undefined, (error) => error));
  assert.equal(failed.status, 401);
  assert.equal(failed.payload.errorCode, "E2003");
});

test("what is missing or wrong in a run's input is named", async (t) => {
  const user = await (await startServer(t)).user();
  const good = { threadId: "t", runId: "r", messages: said("안녕") };
  const cases = [
    [{ ...good, threadId: undefined }, 400, "E4001", /^threadId: /],
    [{ ...good, runId: "" }, 400, "E4001", /^runId: /],
    [{ ...good, runId: "한글" }, 400, "E4000", /^runId: /],
    [{ ...good, threadId: "x".repeat(201) }, 400, "E4000", /^threadId: /],
    [{ ...good, messages: [] }, 400, "E4000", /^messages: /],
    [{ ...good, messages: "안녕" }, 400, "E4000", /^messages: must be a list/],
    [{ ...good, context: [{ description: "x" }] }, 400, "E4000", /^context: /],
    [{ ...good, forwardedProps: { context: 5 } }, 400, "E4000", /^forwardedProps.context/],
    [{ ...good, resume: [{ interruptId: "req_0123456789abcdef", status: "resolved", payload: {} }] }, 400, "E4000", /^resume.payload: approved/],
    [{ ...good, resume: [{ interruptId: "req_0123456789abcdef", status: "maybe" }] }, 400, "E4000", /^resume: status/],
    [{ ...good, resume: [{ interruptId: "req_0123456789abcdef", status: "cancelled" }] }, 404, "E1004", /./],
    [{ ...good, resume: [{ interruptId: "nonsense", status: "cancelled" }] }, 404, "E1004", /./],
  ];
  for (const [input, status, code, detail] of cases) {
    const response = await user.post(input);
    const body = await response.json();
    assert.equal(response.status, status, JSON.stringify(input));
    assert.equal(body.errorCode, code, JSON.stringify(body));
    assert.match(body.detail, detail);
  }
});

test("questions are answered by whoever may, in runs of their own", async (t) => {
  const server = await startServer(t, { AURA__TOOLS__APPROVERS__GIT_MERGE: "role:manager" });
  const user = await server.user();
  const frames = await user.frames({ threadId: "t", runId: "r1", messages: said(MERGE) });
  const [interrupt] = frames.at(-1).event.outcome.interrupts;
  assert.equal(interrupt.metadata.aura.approvers, "role:manager");
  const resume = [{ interruptId: interrupt.id, status: "resolved", payload: { approved: true } }];
  const refused = await user.post({ threadId: "t", runId: "r2", resume });
  assert.equal(refused.status, 403);
  assert.equal((await refused.json()).errorCode, "E2001");
  // A colleague may decide over REST; the run is not theirs.
  for (const [tenant, name] of [["tenant1", "lee"], ["tenant2", "user123"]]) {
    const other = await (await server.user(tenant, name)).post({ threadId: "t", runId: "r2", resume });
    assert.equal(other.status, 404, `${tenant}/${name}`);
  }
  const edited = [{ ...resume[0], payload: { approved: true, editedArgs: [] } }];
  assert.equal((await user.post({ threadId: "t", runId: "r2", resume: edited })).status, 400);
});
