/** The names by which this package calls what the server's documents describe. */

import type { Schemas as Routes } from "./generated/routes.js";
import type { Schemas as Streams } from "./generated/streams.js";

export type StartPayload = Streams["StartEvent"];
export type ThoughtPayload = Streams["ThoughtEvent"];
export type PlanStepPayload = Streams["PlanStepEvent"];
export type PlanStepUpdatePayload = Streams["PlanStepUpdateEvent"];
export type TimelineStepUpdatePayload = Streams["TimelineStepUpdateEvent"];
export type ToolExecutionPayload = Streams["ToolExecutionEvent"];
export type HitlPayload = Streams["HitlEvent"];
export type ContentPayload = Streams["ContentEvent"];
export type ErrorPayload = Streams["ErrorEvent"];
export type FailedPayload = Streams["FailedEvent"];
export type EndPayload = Streams["EndEvent"];

export type EndStatus = Streams["EndStatus"];
export type StepStatus = Streams["StepStatus"];
export type ToolStatus = Streams["ToolStatus"];
export type Preview = Streams["Preview"];
export type Usage = Streams["Usage"];

/** What the page shows; keys that the server does not know are kept (contract, section 3). */
export type PageContext = Routes["PageContext"] & Readonly<Record<string, unknown>>;
export type SessionStatus = Routes["SessionStatus"];
export type SessionSummary = Routes["SessionSummary"];
export type SessionPage = Routes["SessionPage"];
export type CancelAnswer = Routes["CancelResult"];
export type SessionDetail = Routes["SessionDetail"];

/** A run as operators see it. */
export type RunSummary = Routes["RunSummary"];
export type RunPage = Routes["RunPage"];
/** What an operator has stopped. */
export type Hold = Routes["Hold"];
export type HoldList = Routes["HoldList"];
/** What to stop, and why: a tool, or new runs (`runs`), of one tenant or of all. */
export type PutHold = Routes["PutHold"];

/** How a request for approval has ended. */
export type Verdict = Routes["Verdict"];
export type ApprovalRequest = Routes["RequestDetails"];
export type ReviewAnswer = Routes["ReviewResult"];

/** A request as the inbox shows it to the caller. */
export type InboxRequest = Routes["Approval"];
export type ApprovalPage = Routes["ApprovalsPage"];
export type SnapshotPayload = Streams["SnapshotEvent"];
export type AskedPayload = Streams["AskedEvent"];
export type EndorsedPayload = Streams["EndorsedEvent"];
export type DecidedPayload = Streams["DecidedEvent"];

/** A page of the tenant's audit stream, and its entries. */
export type AuditPage = Routes["AuditPage"];
export type AuditEntry = Routes["AuditEntry"];
