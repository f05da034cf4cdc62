/** Client of Aura-Platform: runs as resumable streams of typed events, sessions, approvals. */

export { AuraClient, type RunOptions } from "./client.js";
export type { Admin, RunPageOptions } from "./admin.js";
export type { AuraClientOptions, TokenRequest, TokenSource } from "./options.js";
export type { RetryOptions } from "./backoff.js";
export { AuraRun, type RunResult } from "./run.js";
export type { Reconnect, StreamOptions } from "./resumable.js";
export type { AuraEvent, InboxEvent, UnknownEvent } from "./events.js";
export type {
  ApprovalPageOptions,
  Approvals,
  ApproveOptions,
  InboxWatch,
  RejectOptions,
  ReviewOutcome,
} from "./approvals.js";
export type { Audit, AuditPageOptions } from "./audit.js";
export type { CancelOutcome, PageOptions, Sessions } from "./sessions.js";
export { AuraError, type ClientErrorCode } from "./errors.js";
export { EMPTY_VIEW, viewAfter, type PlanStepView, type RunEnd, type RunView } from "./view.js";
export { RunStore, type RunSnapshot, type RunStatus, type StartOptions } from "./run-store.js";
export type { JsonObject, JsonValue } from "./json.js";
export type * from "./types.js";
