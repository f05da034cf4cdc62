/** INTERIM: replaced by what is generated. */
import type { JsonObject, JsonValue } from "./json.js";

interface Stamp { version: "1.0"; type: string; timestamp: number; sessionId: string }
export type StepStatus = "pending" | "in_progress" | "completed" | "failed" | "skipped";
export type ToolStatus = "pending" | "running" | "success" | "failed" | "cancelled";
export type EndStatus = "completed" | "failed" | "rejected" | "cancelled";
export type SessionStatus = "running" | "waiting_approval" | EndStatus;
export type Verdict = "approved" | "rejected" | "timed_out" | "cancelled";
export interface Usage { promptTokens: number; completionTokens: number; totalTokens: number }
export interface Preview { type: "diff" | "text" | "checklist"; title: string; content: string }
export interface Start extends Stamp { message: string; threadId: string; model: string }
export interface Thought extends Stamp { thoughtType: "analysis" | "planning" | "reasoning" | "decision" | "reflection"; content: string; sources: string[] }
export interface PlanStep extends Stamp { stepId: string; id: string; title: string; description: string; content: string; status: StepStatus; confidence: number; order: number }
export interface PlanStepUpdate extends Stamp { stepId: string; id: string; status: StepStatus; progress: number; confidence: number; description: string }
export interface TimelineStepUpdate extends Stamp { stepId: string; id: string; title: string; status: StepStatus; progress: number }
export interface ToolExecution extends Stamp { toolCallId: string; toolName: string; tool: string; toolArgs: JsonObject; params: JsonObject; status: ToolStatus; requiresApproval: boolean; result: JsonValue; resultBytes?: number; error: string | null; durationMs: number | null }
export interface Hitl extends Stamp { requestId: string; id: string; actionType: string; action: string; message: string; context: JsonObject; params: JsonObject; contextBytes?: number; requiresApproval: true; stepId: string; confidence?: number; expiresAt: number; approvers: string; approvalsNeeded: number; approvals: number; preview?: Preview }
export interface Content extends Stamp { content: string; chunk: boolean; metadata: { notice?: boolean } }
export interface ErrorPayload { version: "1.0"; type: string; timestamp: number; sessionId: string | null; error: string; errorType: string; errorCode: string; message: string; retryable: boolean }
export interface Failed extends Stamp { message: string; error: string; errorType: string; requestId: string }
export interface End extends Stamp { message: string; status: EndStatus; usage: Usage; durationMs: number }
export interface PageContext { [key: string]: unknown }
export interface SessionLine { sessionId: string; threadId: string; status: SessionStatus; prompt: string; createdAt: number; updatedAt: number; lastEventId: number }
export interface SessionPage { sessions: SessionLine[]; next: string | null }
export interface ApprovalRequest { requestId: string; sessionId: string; userId: string; tenantId: string; actionType: string; context: JsonObject; message: string; status: "pending" | Verdict; createdAt: number; expiresAt: number; approvers: string; approvalsNeeded: number; approvals: number; preview?: Preview; outcome?: Verdict; reason?: string }
export interface Session extends SessionLine { node: string | null; plan: unknown[]; pendingApprovals: ApprovalRequest[]; hitlRequestId: string | null; usage: Usage }
export interface InboxRequest extends ApprovalRequest { canDecide: boolean; decidedByMe: boolean; prompt: string; requestedBy: string }
export interface ApprovalPage { approvals: InboxRequest[]; count: number; next: string | null }
export interface InboxSnapshot { approvals: InboxRequest[] }
export interface InboxChange { request: InboxRequest }
