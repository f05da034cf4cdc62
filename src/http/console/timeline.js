/** What a run says, event by event. The same for one that is under way and for one that is read from its record. */

import { makeApprovalCard } from "./approval-card.js";
import { makeAnswer } from "./answer.js";
import { makeArtifact } from "./artifact.js";
import { h } from "./dom.js";
import { duration, number } from "./format.js";
import { makePlan } from "./plan.js";
import { makeTool } from "./tool.js";
import { wordOr } from "./words.js";

/** `add(event)` shows one more event; `answer()` is the text of the answer so far. */
export function makeTimeline(app) {
  const element = h("ol", { class: "timeline" });
  const line = { app, element, plan: null, tools: new Map(), answer: null, answers: [], cards: [], reasoning: null };
  return {
    element,
    add(event) {
      if (event.type !== "content") line.answer?.flush();
      SHOWN[event.type]?.(line, event.data);
      line.reasoning = isReasoning(event) ? line.reasoning : null;
      if (!GOES_ON.has(event.type)) line.answer = null;
    },
    /** What is shown follows nothing any more. */
    close: () => line.cards.forEach((card) => card.close()),
    answer: () => line.answers.map((answer) => answer.text()).join(""),
  };
}

/** What comes between two pieces of an answer without beginning another one. */
const GOES_ON = new Set(["content", "plan_step_update", "timeline_step_update"]);

const SHOWN = {
  thought: showThought,
  plan_step: (line, step) => planOf(line).put(step),
  plan_step_update: (line, step) => line.plan?.update(step),
  timeline_step_update: (line, step) => line.plan?.update(step),
  tool_execution: showTool,
  hitl: showQuestion,
  content: showContent,
  error: showError,
  failed: (line, { message }) => put(line, "fault-line", h("p", null, message)),
  end: showEnd,
};

function put(line, kind, ...children) {
  const item = h("li", { class: `event ${kind}` }, ...children);
  line.element.append(item);
  return item;
}

function isReasoning({ type, data }) {
  return type === "thought" && data.thoughtType === "reasoning";
}

function showThought(line, { thoughtType, content }) {
  if (thoughtType === "reasoning") {
    showReasoning(line, content);
    return;
  }
  put(line, "thought", label(line, thoughtType), h("span", { class: "thought-text" }, content));
}

/** What a model thinks aloud comes in pieces, and is much: it is folded. */
function showReasoning(line, content) {
  if (line.reasoning === null) {
    line.reasoning = document.createTextNode("");
    const text = h("div", { class: "reasoning-text" }, line.reasoning);
    put(line, "thought", h("details", { class: "reasoning" }, h("summary", null, label(line, "reasoning")), text));
  }
  line.reasoning.appendData(content);
}

function label({ app }, thoughtType) {
  return h("span", { class: "eyebrow" }, wordOr(app, `thought.${thoughtType}`, thoughtType));
}

function planOf(line) {
  if (line.plan === null) {
    line.plan = makePlan(line.app);
    put(line, "plan-item", line.plan.element);
  }
  return line.plan;
}

function showTool(line, call) {
  const known = line.tools.get(call.toolCallId);
  const tool = known ?? makeTool(line.app);
  if (known === undefined) {
    line.tools.set(call.toolCallId, tool);
    put(line, "tool-item", tool.element);
  }
  tool.update(call);
}

function showQuestion(line, question) {
  const card = makeApprovalCard(line.app, question);
  line.cards.push(card);
  put(line, "asked", card.element);
}

/** A notice only says that there is no answer; what a tool gave to look at goes below the words. */
function showContent(line, { content, metadata }) {
  if (metadata?.notice === true) {
    put(line, "notice", h("p", null, content));
    return;
  }
  if (line.answer === null) {
    line.answer = makeAnswer(line.app.t("ask.answer"));
    line.answers.push(line.answer);
    put(line, "answer-item", line.answer.element);
  }
  line.answer.add(content);
  if (metadata?.result !== undefined) showResult(line, metadata.result);
}

function showResult(line, result) {
  put(line, "artifact-item", makeArtifact(line.app, result));
}

function showError(line, { message, error, errorType }) {
  const detail = error === "" || error === message ? null : h("p", { class: "soft" }, error);
  put(line, "fault-line", h("p", null, message, " ", h("code", null, errorType)), detail);
}

function showEnd(line, { status, durationMs, usage }) {
  const { t, language } = line.app;
  const counted = (count) => number(language, count);
  const { totalTokens, promptTokens, completionTokens } = usage;
  put(
    line,
    "end",
    h("span", { class: "chip", "data-state": status }, wordOr(line.app, `end.${status}`, status)),
    h("span", null, duration(t, durationMs)),
    h(
      "span",
      { title: t("end.details", { prompt: counted(promptTokens), completion: counted(completionTokens) }) },
      t("end.tokens", { count: counted(totalTokens) }),
    ),
  );
}
