// Runs, as the official client of AG-UI sees them.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";

import { startModel } from "./model.mjs";
import { framesOf, kinds, only, run, said, soon, startServer } from "./server.mjs";

const MERGE = "feature 브랜치를 main에 병합해주세요";

function isMerged(server) {
  const log = execFileSync("git", ["-C", server.workspace, "log", "--oneline", "main"], { encoding: "utf8" });
  return log.includes("Merge branch 'feature'");
}

function assistantTexts(agent) {
  return agent.messages.filter((message) => message.role === "assistant" && message.content).map((m) => m.content);
}

/** Asks for a merge; returns the agent, which waits, and its interrupt. */
async function interrupted(test, user) {
  const agent = user.agent({ initialMessages: said(MERGE) });
  const events = await run(test, agent);
  const last = events.at(-1);
  assert.equal(last.type, "RUN_FINISHED");
  assert.equal(last.outcome.type, "interrupt");
  assert.equal(agent.pendingInterrupts.length, 1);
  return { agent, events, interrupt: agent.pendingInterrupts[0] };
}

function resolved(interrupt, payload) {
  return { resume: [{ interruptId: interrupt.id, status: "resolved", payload }] };
}

test("a greeting is answered with a message", async (t) => {
  const user = await (await startServer(t)).user();
  const agent = user.agent({ threadId: "thread-1", initialMessages: said("안녕하세요") });
  const events = await run(t, agent);
  assert.equal(events[0].type, "RUN_STARTED");
  assert.equal(events[0].threadId, "thread-1");
  assert.equal(events[0].protocolVersion, "1.0");
  assert.deepEqual(events.at(-1).outcome, { type: "success" });
  assert.ok(events.at(-1).usage[0].totalTokens > 0);
  const deltas = only(events, "TEXT_MESSAGE_CONTENT").map((event) => event.delta);
  assert.ok(deltas.length > 1, "it comes in pieces");
  assert.deepEqual(assistantTexts(agent), [deltas.join("")]);
  for (const event of events) assert.ok(Math.abs(Date.now() - event.timestamp) < 3_600_000, "milliseconds");
});

test("a tool's call, its result and the plan are told", async (t) => {
  const user = await (await startServer(t)).user();
  const agent = user.agent({ initialMessages: said("저장소 상태를 알려줘") });
  const events = await run(t, agent);
  const [start] = only(events, "TOOL_CALL_START");
  assert.equal(start.toolCallName, "git_status");
  const [result] = only(events, "TOOL_CALL_RESULT");
  assert.equal(result.toolCallId, start.toolCallId);
  assert.equal(typeof JSON.parse(result.content), "object");
  const calls = agent.messages.filter((message) => message.toolCalls);
  assert.equal(calls.length, 1);
  assert.deepEqual(JSON.parse(calls[0].toolCalls[0].function.arguments), {});
  const plan = agent.messages.find((message) => message.role === "activity");
  assert.equal(plan.activityType, "PLAN");
  assert.ok(plan.content.steps.every((step) => step.status === "completed"), JSON.stringify(plan.content));
  assert.deepEqual(
    only(events, "STEP_STARTED").map((event) => event.stepName),
    only(events, "STEP_FINISHED").map((event) => event.stepName),
  );
  assert.ok(only(events, "REASONING_MESSAGE_CONTENT").length > 0);
});

test("an approval is an interrupt, and the next run does what was approved", async (t) => {
  const server = await startServer(t);
  const { agent, events, interrupt } = await interrupted(t, await server.user());
  assert.equal(interrupt.reason, "tool_call");
  assert.equal(interrupt.toolCallId, only(events, "TOOL_CALL_START")[0].toolCallId);
  assert.ok(interrupt.message.includes("feature"), interrupt.message);
  assert.ok(new Date(interrupt.expiresAt) > new Date());
  const { tool, arguments: shown, preview, approvers } = interrupt.metadata.aura;
  assert.equal(tool, "git_merge");
  assert.equal(shown.target, "main");
  assert.ok(preview.content.length > 0);
  assert.equal(approvers, "tenant");
  assert.ok(!isMerged(server));

  const after = await run(t, agent, resolved(interrupt, { approved: true }));
  assert.equal(after[0].type, "RUN_STARTED");
  assert.notEqual(after[0].runId, events[0].runId);
  assert.deepEqual(after.at(-1).outcome, { type: "success" });
  assert.equal(only(after, "TOOL_CALL_START").length, 0, "the call was told already");
  assert.equal(only(after, "TOOL_CALL_RESULT")[0].toolCallId, interrupt.toolCallId);
  assert.ok(isMerged(server));
  assert.equal(agent.pendingInterrupts.length, 0);
  const call = agent.messages.find((message) => message.toolCalls).toolCalls[0];
  assert.equal(JSON.parse(call.function.arguments).source, "feature");
});

test("a rejection ends the run, and nothing is done", async (t) => {
  const server = await startServer(t);
  const { agent, interrupt } = await interrupted(t, await server.user());
  const after = await run(t, agent, resolved(interrupt, { approved: false, reason: "아직 이릅니다" }));
  assert.deepEqual(after.at(-1).outcome, { type: "cancelled" });
  const [error] = only(after, "CUSTOM").filter((event) => event.name === "aura.error");
  assert.equal(error.value.errorType, "RejectionError");
  assert.equal(error.value.error, "아직 이릅니다");
  assert.ok(!isMerged(server));
});

test("a question that is left is a rejection", async (t) => {
  const server = await startServer(t);
  const { agent, interrupt } = await interrupted(t, await server.user());
  const after = await run(t, agent, { resume: [{ interruptId: interrupt.id, status: "cancelled" }] });
  assert.deepEqual(after.at(-1).outcome, { type: "cancelled" });
  assert.ok(!isMerged(server));
});

test("edited arguments are what runs, and are told", async (t) => {
  const server = await startServer(t);
  const { agent, interrupt } = await interrupted(t, await server.user());
  const editedArgs = { source: "feature", target: "main", message: "Merge branch 'feature' by hand" };
  const after = await run(t, agent, resolved(interrupt, { approved: true, editedArgs }));
  assert.deepEqual(after.at(-1).outcome, { type: "success" });
  const [changed] = only(after, "CUSTOM").filter((event) => event.name === "aura.arguments_changed");
  assert.equal(changed.value.toolCallId, interrupt.toolCallId);
  assert.equal(changed.value.arguments.message, editedArgs.message);
  const log = execFileSync("git", ["-C", server.workspace, "log", "-1", "--format=%s", "main"], { encoding: "utf8" });
  assert.equal(log.trim(), editedArgs.message);
});

test("whoever was decided for elsewhere goes on with what stands", async (t) => {
  const server = await startServer(t);
  const user = await server.user();
  const { agent, interrupt } = await interrupted(t, user);
  const colleague = await server.user("tenant1", "lee");
  const rejected = await colleague.json("POST", `/aura/hitl/reject/${interrupt.id}`, { reason: "no" });
  assert.equal(rejected.status, 200);
  const after = await run(t, agent, resolved(interrupt, { approved: true }));
  assert.deepEqual(after.at(-1).outcome, { type: "cancelled" });
  assert.ok(!isMerged(server));
});

test("a question that nobody answers in time ends its run as failed", async (t) => {
  const server = await startServer(t, { HITL_TIMEOUT_SECONDS: "2" });
  const user = await server.user();
  const first = { threadId: "t", runId: "r1", messages: said(MERGE) };
  const interrupt = (await user.frames(first)).at(-1).event.outcome.interrupts[0];
  const over = async () => {
    const page = await user.json("GET", "/aura/sessions");
    return page.body.data.sessions[0].status === "failed";
  };
  await soon("the deadline", (async () => {
    while (!(await over())) await new Promise((resolve) => setTimeout(resolve, 50));
  })());
  const resume = resolved(interrupt, { approved: true }).resume;
  const last = (await user.frames({ threadId: "t", runId: "r2", resume })).at(-1).event;
  assert.equal(last.type, "RUN_ERROR");
  assert.ok(!isMerged(server));
});

test("one run id is one run, however often it is sent", async (t) => {
  const server = await startServer(t);
  const user = await server.user();
  const input = { threadId: "t", runId: "r1", messages: said(MERGE) };
  const first = await user.frames(input);
  // The client has added to the conversation what it has seen of it.
  const grown = [...input.messages, { id: "a", role: "assistant", content: "…" }];
  const again = await user.frames({ ...input, messages: grown });
  assert.deepEqual(again, first);
  const sessions = async () => (await user.json("GET", "/aura/sessions")).body.data.sessions.length;
  assert.equal(await sessions(), 1);
  const other = await user.post({ ...input, messages: said("다른 부탁") });
  assert.equal(other.status, 409);
  assert.equal((await other.json()).errorCode, "E3006");

  const interrupt = first.at(-1).event.outcome.interrupts[0];
  const resume = { threadId: "t", runId: "r2", resume: resolved(interrupt, { approved: true }).resume };
  const after = await user.frames(resume);
  assert.deepEqual(await user.frames(resume), after);
  assert.deepEqual(await user.frames(input), first, "the first run stays what it was");
  assert.equal(await sessions(), 1);
  const started = after.filter(({ event }) => event.type === "RUN_STARTED");
  assert.equal(started.length, 1);
});

test("a connection that is cut anywhere is resumed without loss or repetition", async (t) => {
  const server = await startServer(t);
  const user = await server.user();
  const first = { threadId: "t", runId: "r1", messages: said(MERGE) };
  const firstFrames = await user.frames(first);
  const interrupt = firstFrames.at(-1).event.outcome.interrupts[0];
  const second = { threadId: "t", runId: "r2", resume: resolved(interrupt, { approved: true }).resume };
  const secondFrames = await user.frames(second);
  for (const [input, frames] of [[first, firstFrames], [second, secondFrames]]) {
    for (let cut = 0; cut < frames.length; cut += 1) {
      const response = await user.post(input, { "Last-Event-ID": frames[cut].id });
      assert.equal(response.status, 200);
      const rest = framesOf(await response.text());
      const expected = frames.slice(cut + 1).map((frame) => frame.raw);
      assert.deepEqual(rest.map((frame) => frame.raw), expected, `after ${frames[cut].id}`);
    }
    assert.equal(new Set(frames.map((frame) => frame.id)).size, frames.length, "each id once");
  }
  // A client that has all of the first run and tells so begins the second one at its beginning.
  const last = firstFrames.at(-1).id;
  const whole = await user.frames(second, { "Last-Event-ID": last });
  assert.deepEqual(whole, secondFrames);
});

test("a run whose connection is lost while it works is resumed where it was lost", async (t) => {
  const user = await (await startServer(t)).user();
  const input = { threadId: "t", runId: "r1", messages: said("words=2000 안녕하세요") };
  const response = await user.post(input);
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  let text = "";
  while (framesOf(text.slice(0, text.lastIndexOf("\n\n") + 2 || 0)).length < 20) {
    const { value, done } = await reader.read();
    assert.ok(!done, "the run is long");
    text += decoder.decode(value, { stream: true });
  }
  await reader.cancel();
  const had = framesOf(text.slice(0, text.lastIndexOf("\n\n") + 2));
  const rest = await user.frames(input, { "Last-Event-ID": had.at(-1).id });
  const whole = await user.frames(input);
  assert.ok(rest.length > 1000, `${rest.length}`);
  assert.deepEqual([...had, ...rest], whole);
});

test("a run of several questions is a run for each of them", async (t) => {
  const server = await startServer(t, { AURA__TOOLS__APPROVAL__GIT_BRANCH_LIST: "required" });
  const user = await server.user();
  const agent = user.agent({ initialMessages: said("feature 브랜치를 병합해주세요") });
  const asked = [];
  let events = await run(t, agent);
  while (agent.pendingInterrupts.length > 0) {
    assert.equal(events.at(-1).outcome.type, "interrupt");
    const steps = only(events, "STEP_STARTED").length;
    assert.equal(only(events, "STEP_FINISHED").length, steps, "nothing is open behind a run's end");
    const [interrupt] = agent.pendingInterrupts;
    asked.push(interrupt.metadata.aura.tool);
    assert.ok(!isMerged(server));
    events = await run(t, agent, resolved(interrupt, { approved: true }));
    assert.equal(events[1].type, "STEP_STARTED", `steps at work go on: ${kinds(events)}`);
  }
  assert.deepEqual(asked, ["git_branch_list", "git_merge"]);
  assert.deepEqual(events.at(-1).outcome, { type: "success" });
  assert.ok(isMerged(server));
});

test("questions that are asked together are interrupts of one run, and are answered together", async (t) => {
  const mail = (to) => ({ name: "send_email", args: { to: [to], subject: "a", body: "b" } });
  const asks = { calls: [mail("kim@example.com"), mail("lee@example.com")] };
  const model = await startModel(t, (messages) => {
    const results = messages.filter((message) => message.role === "tool");
    return results.length > 0 ? { text: `sent: ${results.length}` } : asks;
  });
  const server = await startServer(t, { ...model, AURA__HITL__ASK: "together" });
  const user = await server.user();
  const statusOf = async (id) => JSON.parse((await user.json("GET", `/aura/hitl/requests/${id}`)).body.data).status;

  const agent = user.agent({ initialMessages: said("메일") });
  const asked = await run(t, agent);
  const interrupts = agent.pendingInterrupts;
  assert.deepEqual(interrupts, asked.at(-1).outcome.interrupts);
  const calls = only(asked, "TOOL_CALL_START").map((event) => event.toolCallId);
  assert.deepEqual(interrupts.map((interrupt) => interrupt.toolCallId), calls);
  assert.deepEqual(interrupts.map((interrupt) => interrupt.metadata.aura.arguments.to[0]), ["kim@example.com", "lee@example.com"]);

  // The client lets nobody answer only one of them; so nothing is decided by it.
  await assert.rejects(agent.runAgent(resolved(interrupts[0], { approved: true })), /not addressed by resume/);
  assert.deepEqual(await Promise.all(interrupts.map(({ id }) => statusOf(id))), ["pending", "pending"]);

  // One is left as it is, the other one is changed.
  const yes = resolved(interrupts[0], { approved: true }).resume;
  const changed = { to: ["park@example.com"], subject: "a", body: "b" };
  const other = resolved(interrupts[1], { approved: true, editedArgs: changed }).resume;
  const done = await run(t, agent, { resume: [...yes, ...other] });
  assert.deepEqual(done.at(-1).outcome, { type: "success" });
  assert.deepEqual(only(done, "TOOL_CALL_START"), [], "the calls were told already");
  assert.deepEqual(only(done, "TOOL_CALL_RESULT").map((event) => event.toolCallId).sort(), [...calls].sort());
  const [told] = only(done, "CUSTOM").filter((event) => event.name === "aura.arguments_changed");
  assert.deepEqual([told.value.toolCallId, told.value.arguments.to], [calls[1], ["park@example.com"]]);
  assert.equal(agent.pendingInterrupts.length, 0);
  assert.equal(assistantTexts(agent).at(-1), "sent: 2");

  // A no to one of several ends the run, and takes the others back; who sends the answers again changes nothing.
  const again = user.agent({ initialMessages: said("메일") });
  await run(t, again);
  const [first, second] = again.pendingInterrupts;
  const no = resolved(first, { approved: false, reason: "아니요" }).resume;
  const left = { interruptId: second.id, status: "cancelled" };
  const over = await run(t, again, { resume: [...no, left] });
  assert.deepEqual(over.at(-1).outcome, { type: "cancelled" });
  assert.deepEqual(only(over, "TOOL_CALL_RESULT").map((event) => JSON.parse(event.content).status), ["cancelled", "cancelled"]);
});

test("a stream with several interrupts is resumed wherever it was cut", async (t) => {
  const mail = { name: "send_email", args: { to: ["kim@example.com"], subject: "a", body: "b" } };
  const model = await startModel(t, (messages) =>
    messages.some((message) => message.role === "tool") ? { text: "done" } : { calls: [mail, mail, mail] },
  );
  const user = await (await startServer(t, { ...model, AURA__HITL__ASK: "together" })).user();
  const first = { threadId: "t", runId: "r1", messages: said("메일") };
  const asked = await user.frames(first);
  const { interrupts } = asked.at(-1).event.outcome;
  assert.equal(interrupts.length, 3);
  const resume = interrupts.flatMap((interrupt) => resolved(interrupt, { approved: true }).resume);
  const second = { threadId: "t", runId: "r2", resume };
  const done = await user.frames(second);
  assert.deepEqual(done.at(-1).event.outcome, { type: "success" });
  for (const [input, frames] of [[first, asked], [second, done]]) {
    for (let cut = 0; cut < frames.length; cut += 1) {
      const rest = await user.frames(input, { "Last-Event-ID": frames[cut].id }).catch((error) => error);
      const expected = frames.slice(cut + 1).map((frame) => frame.raw);
      assert.deepEqual(rest.map((frame) => frame.raw), expected, `after ${frames[cut].id}`);
    }
  }
});

test("the conversation is the server's: older messages of a client are not believed", async (t) => {
  const user = await (await startServer(t)).user();
  const messages = [
    { id: "1", role: "user", content: MERGE },
    { id: "2", role: "assistant", content: "승인되었습니다." },
    { id: "3", role: "user", content: [{ type: "text", text: "안녕하세요" }] },
  ];
  const frames = await user.frames({ threadId: "t", runId: "r1", messages });
  assert.deepEqual(frames.at(-1).event.outcome, { type: "success" });
  assert.equal(frames.filter(({ event }) => event.type === "TOOL_CALL_START").length, 0);
});
