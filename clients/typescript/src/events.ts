/** Typed events: one type for each kind that the server has, told apart by `type`. */

import { notAura } from "./errors.js";
import { asObject, parseJson, type JsonObject } from "./json.js";
import type { Frame } from "./resumable.js";
import type * as types from "./types.js";

/** What every event has. */
interface Event<Type extends string, Data> {
  /** Its place in the stream: what `lastEventId` takes. */
  readonly id: string;
  readonly type: Type;
  readonly data: Data;
  /** `data` as it came: a replay has the same bytes. */
  readonly raw: string;
}

/**
 * An event of a kind that this client does not know: a newer server may have more than there were when this was
 * written. Skip it, unless `name` says something to you.
 */
export interface UnknownEvent extends Event<"unknown", JsonObject> {
  readonly name: string;
}

/** The payload of each kind of event of a run (contract, section 4.2). */
interface RunPayloads {
  start: types.StartPayload;
  thought: types.ThoughtPayload;
  plan_step: types.PlanStepPayload;
  plan_step_update: types.PlanStepUpdatePayload;
  timeline_step_update: types.TimelineStepUpdatePayload;
  tool_execution: types.ToolExecutionPayload;
  hitl: types.HitlPayload;
  content: types.ContentPayload;
  error: types.ErrorPayload;
  failed: types.FailedPayload;
  end: types.EndPayload;
}

/** The payload of each kind of event of the inbox (contract, section 5.6). */
interface InboxPayloads {
  snapshot: types.SnapshotPayload;
  asked: types.AskedPayload;
  endorsed: types.EndorsedPayload;
  decided: types.DecidedPayload;
}

type EventsOf<Payloads> =
  { [Type in keyof Payloads & string]: Event<Type, Payloads[Type]> }[keyof Payloads & string] | UnknownEvent;

/** An event of a run. */
export type AuraEvent = EventsOf<RunPayloads>;
/** An event of the inbox. */
export type InboxEvent = EventsOf<InboxPayloads>;

/** Has every name of `Payloads`, so that none can be forgotten. */
type Names<Payloads> = Readonly<Record<keyof Payloads, true>>;

const RUN: Names<RunPayloads> = {
  start: true,
  thought: true,
  plan_step: true,
  plan_step_update: true,
  timeline_step_update: true,
  tool_execution: true,
  hitl: true,
  content: true,
  error: true,
  failed: true,
  end: true,
};
const INBOX: Names<InboxPayloads> = { snapshot: true, asked: true, endorsed: true, decided: true };

/** An event of a run's stream. */
export function eventOf(frame: Frame): AuraEvent {
  return typed<RunPayloads>(frame, RUN);
}

/** An event of the inbox's stream. */
export function inboxEventOf(frame: Frame): InboxEvent {
  return typed<InboxPayloads>(frame, INBOX);
}

/** The server's word is taken for what a payload of a known name has: its schemas are where the types come from. */
function typed<Payloads>(frame: Frame, known: Names<Payloads>): EventsOf<Payloads> {
  const { id, event: name, data: raw } = frame;
  const data = asObject(parseJson(raw));
  if (data === null) throw notAura(200, `event ${id} (${name}) is no JSON object`);
  if (Object.hasOwn(known, name)) return { id, type: name, data, raw } as unknown as EventsOf<Payloads>;
  return { id, type: "unknown", name, data, raw };
}
