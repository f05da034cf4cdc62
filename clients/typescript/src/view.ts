/** What a run has come to: the fold of its events, for whoever shows it. */

import type { AuraEvent } from "./events.js";
import type {
  EndStatus,
  ErrorPayload,
  HitlPayload,
  PlanStepPayload,
  StepStatus,
  ToolExecutionPayload,
  Usage,
} from "./types.js";

export interface PlanStepView {
  readonly stepId: string;
  readonly title: string;
  readonly description: string;
  readonly status: StepStatus;
  readonly order: number;
  /** 0 to 1. */
  readonly progress: number;
  /** 0 to 1. */
  readonly confidence: number;
}

export interface RunEnd {
  /** `lost`: the stream ended without the run's `end`; `error` says why. */
  readonly status: EndStatus | "lost";
  readonly usage: Usage | null;
  /** The last `error` of the run, if there was one. */
  readonly error: ErrorPayload | null;
}

export interface RunView {
  /** What has come of the answer. What only says that there is none (`metadata.notice`) is not part of it. */
  readonly answer: string;
  /** In their order. */
  readonly plan: readonly PlanStepView[];
  /** The latest state of each call, in the order in which they came up. */
  readonly tools: readonly ToolExecutionPayload[];
  /** What people are asked now, the oldest first. */
  readonly pendingApprovals: readonly HitlPayload[];
  readonly error: ErrorPayload | null;
  /** `null` while the run goes on. */
  readonly end: RunEnd | null;
  /** The call that was last asked about, until the question itself comes. */
  readonly asking: string | null;
  /** Requests by the call that each is about. */
  readonly requests: ReadonlyMap<string, string>;
}

export const EMPTY_VIEW: RunView = {
  answer: "",
  plan: [],
  tools: [],
  pendingApprovals: [],
  error: null,
  end: null,
  asking: null,
  requests: new Map(),
};

/** The view after one more event; the one before is not changed. */
export function viewAfter(view: RunView, event: AuraEvent): RunView {
  switch (event.type) {
    case "content":
      return event.data.metadata.notice === true ? view : { ...view, answer: view.answer + event.data.content };
    case "plan_step":
      return { ...view, plan: withStep(view.plan, stepOf(event.data)) };
    case "plan_step_update":
    case "timeline_step_update":
      return { ...view, plan: view.plan.map((step) => moved(step, event.data)) };
    case "tool_execution":
      return withTool(view, event.data);
    case "hitl":
      return withQuestion(view, event.data);
    case "error":
      return { ...view, error: event.data };
    case "end": {
      const { status, usage } = event.data;
      return { ...view, pendingApprovals: [], end: { status, usage, error: view.error } };
    }
    case "start":
    case "thought":
    case "failed":
    case "unknown":
      return view;
  }
}

function stepOf({ stepId, title, description, status, order, confidence }: PlanStepPayload): PlanStepView {
  return { stepId, title, description, status, order, confidence, progress: 0 };
}

/** A step that is told of again takes its own place. */
function withStep(plan: readonly PlanStepView[], step: PlanStepView): readonly PlanStepView[] {
  const others = plan.filter(({ stepId }) => stepId !== step.stepId);
  return [...others, step].sort((a, b) => a.order - b.order);
}

interface StepUpdate {
  readonly stepId: string;
  readonly status: StepStatus;
  readonly progress: number;
  readonly confidence?: number;
}

function moved(step: PlanStepView, update: StepUpdate): PlanStepView {
  if (step.stepId !== update.stepId) return step;
  const { status, progress, confidence = step.confidence } = update;
  return { ...step, status, progress, confidence };
}

/** A call that moves on is no longer asked about. */
function withTool(view: RunView, call: ToolExecutionPayload): RunView {
  const isKnown = view.tools.some((tool) => tool.toolCallId === call.toolCallId);
  const tools = isKnown
    ? view.tools.map((tool) => (tool.toolCallId === call.toolCallId ? call : tool))
    : [...view.tools, call];
  if (call.status === "pending") return { ...view, tools, asking: call.toolCallId };
  return { ...view, tools, pendingApprovals: withoutCall(view, call.toolCallId) };
}

/** A call can be asked about again, with changed arguments: the new question takes the place of the old one. */
function withQuestion(view: RunView, question: HitlPayload): RunView {
  const others = view.asking === null ? view.pendingApprovals : withoutCall(view, view.asking);
  const requests = new Map(view.requests);
  if (view.asking !== null) requests.set(view.asking, question.requestId);
  const isOther = (pending: HitlPayload): boolean => pending.requestId !== question.requestId;
  return { ...view, requests, pendingApprovals: [...others.filter(isOther), question] };
}

function withoutCall(view: RunView, toolCallId: string): readonly HitlPayload[] {
  const requestId = view.requests.get(toolCallId);
  return view.pendingApprovals.filter((pending) => pending.requestId !== requestId);
}
