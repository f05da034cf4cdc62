/** What can go wrong, as one type. */

/** Codes of errors that come from this client; all others (`E2002`, …) are the server's. */
export type ClientErrorCode =
  /** There was no connection, or it broke, more often than `retry` allows. */
  | "connection"
  /** An answer that is none of Aura-Platform's. */
  | "protocol"
  /** The stream was left before its end, so there is no result. */
  | "left";

export interface AuraErrorFields {
  readonly status: number;
  readonly code: string;
  readonly detail?: string | null;
  readonly traceId?: string | null;
  readonly retryable: boolean;
  readonly retryAfterMs?: number | null;
  readonly cause?: unknown;
}

/** A refusal of the server, or a connection that could not be had. */
export class AuraError extends Error {
  /** The HTTP status; 0 if there was no answer. */
  readonly status: number;
  /** The server's code (`E4290`, …), or a {@link ClientErrorCode}. */
  readonly code: string;
  /** What exactly was wrong, where the server says so. */
  readonly detail: string | null;
  /** What to look for in the server's log. */
  readonly traceId: string | null;
  /** Whether the same request may succeed later. */
  readonly retryable: boolean;
  /** When to come again, where the server says so. */
  readonly retryAfterMs: number | null;

  constructor(message: string, fields: AuraErrorFields) {
    super(message, fields.cause === undefined ? undefined : { cause: fields.cause });
    this.name = "AuraError";
    this.status = fields.status;
    this.code = fields.code;
    this.detail = fields.detail ?? null;
    this.traceId = fields.traceId ?? null;
    this.retryable = fields.retryable;
    this.retryAfterMs = fields.retryAfterMs ?? null;
  }
}

/** The reader itself has left the stream. */
export function left(): AuraError {
  const code: ClientErrorCode = "left";
  return new AuraError("the stream was left before its end", { status: 0, code, retryable: false });
}

/** There is no connection, or none any more; another attempt may help. */
export function connectionLost(why: string, cause?: unknown): AuraError {
  const code: ClientErrorCode = "connection";
  return new AuraError(why, { status: 0, code, retryable: true, cause });
}

/** Something else than Aura-Platform has answered. */
export function notAura(status: number, why: string, cause?: unknown): AuraError {
  const code: ClientErrorCode = "protocol";
  return new AuraError(why, { status, code, retryable: status >= 500, cause });
}
