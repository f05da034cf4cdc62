/** The events of the streams. Generated from docs/asyncapi.json by `npm run generate`: do not change it here. */
export interface Schemas {
    /** @description A request for approval as this caller sees it. */
    Approval: {
        /** @description The request's id. */
        requestId: Schemas["RequestId"];
        /** @description The run that waits for it, or did. */
        sessionId: Schemas["SessionId"];
        /** @description Who asks: who started the run, or who changed the arguments of an earlier request. */
        userId: Schemas["UserId"];
        /** @description Whose people may decide. */
        tenantId: Schemas["TenantId"];
        /** @description The tool that is to run. */
        actionType: string;
        /** @description The tool's arguments as they are asked about. Long ones are cut, and `contextBytes` is there; the stored request has all. */
        context: {
            [key: string]: unknown;
        };
        /**
         * Format: uint64
         * @description How many bytes of JSON the arguments have, where they are cut.
         */
        contextBytes?: number;
        /** @description The arguments that were approved, or are asked about, instead of those that were shown. Long ones are cut. */
        args?: {
            [key: string]: unknown;
        };
        /**
         * Format: uint64
         * @description How many bytes of JSON these have, where they are cut.
         */
        argsBytes?: number;
        /** @description What people are asked, in words. */
        message: string;
        /** @description Where it stands. */
        status: Schemas["RequestStatus"];
        /** @description The same, once it is decided. */
        outcome?: Schemas["Verdict"];
        /** @description When it was asked, in Unix milliseconds. */
        createdAt: Schemas["UnixMs"];
        /** @description When it ends by itself, in Unix seconds. */
        expiresAt: Schemas["UnixSeconds"];
        /** @description Who may say yes. */
        approvers: Schemas["Approvers"];
        /**
         * Format: uint32
         * @description How many different people have to.
         */
        approvalsNeeded: number;
        /**
         * Format: uint32
         * @description How many have; once it is approved, whoever decided it included.
         */
        approvals: number;
        /** @description What will happen if it is approved, where the tool could say. */
        preview?: Schemas["Preview"];
        /** @description Who approved it, or is said to have. */
        approvedBy?: string;
        /**
         * Format: uint64
         * @description When that was, in Unix milliseconds.
         */
        approvedAt?: number;
        /** @description Who rejected it, or is said to have. */
        rejectedBy?: string;
        /**
         * Format: uint64
         * @description When that was, in Unix milliseconds.
         */
        rejectedAt?: number;
        /** @description Why. */
        reason?: string;
        /** @description The request that asks about changed arguments instead. */
        supersededBy?: Schemas["RequestId"];
        /** @description What the run was asked to do, at most 200 characters of it. */
        prompt: string;
        /** @description Who asks; the same as `userId`. */
        requestedBy: Schemas["UserId"];
        /** @description Whether this caller's yes would count: the policy lets them, nobody has decided, and they have not said yes before. */
        canDecide: boolean;
        /** @description Whether this caller has decided it, or is one of those who have said yes. */
        decidedByMe: boolean;
    };
    /** @description Which people of a tenant may approve. */
    Approvers: string;
    /** @description A structured result, as the DWP frontend shows it in `metadata.result`. */
    Artifact: Schemas["ArtifactText"] | {
        /** @constant */
        type: "checklist";
        /** @description What it is about. */
        title: string;
        /** @description Its lines. */
        items: Schemas["ChecklistItem"][];
    } | Schemas["ArtifactText"];
    /** @description A text with its title. */
    ArtifactText: {
        /** @description What it is. */
        title: string;
        /** @description The text, or as much of it as fits a frame. */
        content: string;
        /** @description Whether anything is missing. */
        truncated: boolean;
        /** @description How long the whole text is, in bytes, as far as the tool gave it. */
        contentBytes: number;
    };
    /** @description Somebody is asked. */
    AskedEvent: {
        /**
         * @description The version of the payloads. A change that a client could not read would be another version.
         * @constant
         */
        version: "1.0";
        /**
         * @description The type of the event, the same as the SSE `event` field.
         * @constant
         */
        type: "asked";
        /** @description When, in Unix seconds. */
        timestamp: Schemas["UnixSeconds"];
        /** @description The request as it stood then. */
        request: Schemas["Approval"];
    };
    /** @description A line of a checklist. */
    ChecklistItem: {
        /** @description What may be so. */
        label: string;
        /** @description Whether it is. */
        checked: boolean;
    };
    /**
     * Format: double
     * @description A probability, 0.0 to 1.0, with two decimals.
     */
    Confidence: number;
    /** @description A piece of the answer. The pieces, one behind the other, are the whole answer; a notice is no part of it. */
    ContentEvent: {
        /**
         * @description The version of the payloads. A change that a client could not read would be another version.
         * @enum {string}
         */
        version: "1.0";
        /**
         * @description The type of the event, the same as the SSE `event` field.
         * @constant
         */
        type: "content";
        /** @description When the event was made, in Unix seconds. */
        timestamp: Schemas["UnixSeconds"];
        /** @description The session, which is one run. */
        sessionId: Schemas["SessionId"];
        /** @description The text. */
        content: string;
        /** @description Whether this is one of several pieces (`true`), or all there is. */
        chunk: boolean;
        /** @description What belongs to the answer besides its words. With `notice`, the text is no part of an answer. */
        metadata: Schemas["ContentMetadata"];
    };
    /** @description What belongs to an answer besides its words; other keys may come. */
    ContentMetadata: {
        /** @description Whether the text is no part of an answer: the run ends without one, and this sentence says so. */
        notice?: boolean;
        /** @description What a tool gave people to look at. Text, the beginning of its JSON, in the rare case that it does not fit. */
        result?: Schemas["Artifact"] | string;
    };
    /** @description The request is decided, and waits no more. */
    DecidedEvent: {
        /**
         * @description The version of the payloads. A change that a client could not read would be another version.
         * @constant
         */
        version: "1.0";
        /**
         * @description The type of the event, the same as the SSE `event` field.
         * @constant
         */
        type: "decided";
        /** @description When, in Unix seconds. */
        timestamp: Schemas["UnixSeconds"];
        /** @description The request as it stood then. */
        request: Schemas["Approval"];
    };
    /** @description The run is over. Only the trailer follows: `data: [DONE]`. */
    EndEvent: {
        /**
         * @description The version of the payloads. A change that a client could not read would be another version.
         * @enum {string}
         */
        version: "1.0";
        /**
         * @description The type of the event, the same as the SSE `event` field.
         * @constant
         */
        type: "end";
        /** @description When the event was made, in Unix seconds. */
        timestamp: Schemas["UnixSeconds"];
        /** @description The session, which is one run. */
        sessionId: Schemas["SessionId"];
        /** @description One sentence for people. */
        message: string;
        /** @description How the run ended. */
        status: Schemas["EndStatus"];
        /** @description The tokens of the whole run. */
        usage: Schemas["Usage"];
        /**
         * Format: uint64
         * @description From the start of the run, waiting included, in milliseconds.
         */
        durationMs: number;
    };
    /**
     * @description How a run ended.
     *
     *     - `completed`: With an answer.
     *     - `failed`: With an error or a missed deadline.
     *     - `rejected`: A person said no.
     *     - `cancelled`: Somebody cancelled it.
     * @enum {string}
     */
    EndStatus: "completed" | "failed" | "rejected" | "cancelled";
    /** @description One of several people has said yes. */
    EndorsedEvent: {
        /**
         * @description The version of the payloads. A change that a client could not read would be another version.
         * @constant
         */
        version: "1.0";
        /**
         * @description The type of the event, the same as the SSE `event` field.
         * @constant
         */
        type: "endorsed";
        /** @description When, in Unix seconds. */
        timestamp: Schemas["UnixSeconds"];
        /** @description The request as it stood then. */
        request: Schemas["Approval"];
    };
    /**
     * @description One of the platform's codes.
     *
     *     - `E1000`: Something failed inside.
     *     - `E1002`: The route does not take this method.
     *     - `E1004`: It is not there, or not for this caller.
     *     - `E2000`: Nobody said who is asking.
     *     - `E2001`: The caller may not do this.
     *     - `E2002`: The token was valid once.
     *     - `E2003`: The token is not valid.
     *     - `E2006`: No tenant was named.
     *     - `E2007`: The tenant named is not the token's.
     *     - `E3006`: It was done already, or otherwise.
     *     - `E4000`: A field has the wrong type or value.
     *     - `E4001`: A required field is missing.
     *     - `E4002`: The body cannot be read at all.
     *     - `E4290`: More was asked for than is allowed.
     *     - `E5000`: Something that this service needs failed.
     *     - `E5001`: Something that this service needs did not answer in time.
     * @enum {string}
     */
    ErrorCode: "E1000" | "E1002" | "E1004" | "E2000" | "E2001" | "E2002" | "E2003" | "E2006" | "E2007" | "E3006" | "E4000" | "E4001" | "E4002" | "E4290" | "E5000" | "E5001";
    /** @description Something went wrong. The run is over with it: what follows is `end`, or `[DONE]` at once where there was no run, or where nothing more of it can be read. */
    ErrorEvent: {
        /**
         * @description The version of the payloads. A change that a client could not read would be another version.
         * @enum {string}
         */
        version: "1.0";
        /**
         * @description The type of the event, the same as the SSE `event` field.
         * @constant
         */
        type: "error";
        /** @description When the event was made, in Unix seconds. */
        timestamp: Schemas["UnixSeconds"];
        /** @description The session, which is one run. */
        sessionId: Schemas["SessionId"] | null;
        /** @description What exactly was wrong. Of a rejected request the reason that was given. */
        error: string;
        /** @description The class of the error, finer than its code. */
        errorType: Schemas["ErrorType"];
        /** @description The platform's code. */
        errorCode: Schemas["ErrorCode"];
        /** @description One sentence for people. */
        message: string;
        /** @description Whether the same request may succeed later. */
        retryable: boolean;
    };
    /**
     * @description The class of an error, finer than its [code](super::ErrorCode).
     *
     *     It is only ever written: stored events are replayed byte for byte, so the name of a class that an older or a newer process wrote never has to be one of these.
     *
     *     - `AuthenticationError`: Nobody said who is asking, or not in a way that can be believed.
     *     - `TenantError`: No tenant was named, or another one than the token's.
     *     - `AuthorizationError`: The caller may not do this.
     *     - `NotFoundError`: It is not there, or not for this caller.
     *     - `MethodError`: The route does not take this method.
     *     - `ConflictError`: It was done already, or otherwise.
     *     - `ValidationError`: The request is not as it has to be.
     *     - `RateLimitError`: More was asked for than is allowed for now.
     *     - `HoldError`: An operator has stopped it for now.
     *     - `InternalError`: Something failed inside.
     *     - `StoreError`: The store cannot be worked with now.
     *     - `StoreCorruptError`: What the store holds cannot be read.
     *     - `GapError`: Events that the reader asked for have been cut from the log.
     *     - `SessionLostError`: The store has lost the session.
     *     - `RunLostError`: The run's servers were lost during one and the same step, again and again.
     *     - `ModelUnavailableError`: The model cannot be reached, or not used now.
     *     - `ModelRateLimitError`: The model takes no more requests for now.
     *     - `ModelTimeoutError`: The model did not answer in time.
     *     - `ModelRefusedError`: The model, or its provider, does not want to answer.
     *     - `ModelStreamError`: The model's answer broke off, or makes no sense.
     *     - `EmptyAnswerError`: The model answered with nothing.
     *     - `InvalidArgumentsError`: The model got the arguments of a tool wrong again and again.
     *     - `StepBudgetError`: The run has asked the model as often as it may.
     *     - `TokenBudgetError`: The tokens of the run, or of its tenant's day, are used up.
     *     - `RejectionError`: A person said no.
     *     - `TimeoutError`: Nobody answered in time.
     * @enum {string}
     */
    ErrorType: "AuthenticationError" | "TenantError" | "AuthorizationError" | "NotFoundError" | "MethodError" | "ConflictError" | "ValidationError" | "RateLimitError" | "HoldError" | "InternalError" | "StoreError" | "StoreCorruptError" | "GapError" | "SessionLostError" | "RunLostError" | "ModelUnavailableError" | "ModelRateLimitError" | "ModelTimeoutError" | "ModelRefusedError" | "ModelStreamError" | "EmptyAnswerError" | "InvalidArgumentsError" | "StepBudgetError" | "TokenBudgetError" | "RejectionError" | "TimeoutError";
    /** @description Nobody answered a request for approval in time. An `error` and an `end` follow. */
    FailedEvent: {
        /**
         * @description The version of the payloads. A change that a client could not read would be another version.
         * @enum {string}
         */
        version: "1.0";
        /**
         * @description The type of the event, the same as the SSE `event` field.
         * @constant
         */
        type: "failed";
        /** @description When the event was made, in Unix seconds. */
        timestamp: Schemas["UnixSeconds"];
        /** @description The session, which is one run. */
        sessionId: Schemas["SessionId"];
        /** @description One sentence for people. */
        message: string;
        /** @description What exactly happened. */
        error: string;
        /** @description The class of the error. */
        errorType: Schemas["ErrorType"];
        /** @description The request that nobody answered. */
        requestId: Schemas["RequestId"];
    };
    /** @description A person is asked whether a tool may run. The stream then says nothing but keep-alives until somebody has decided, over REST or through the Main Service. */
    HitlEvent: {
        /**
         * @description The version of the payloads. A change that a client could not read would be another version.
         * @enum {string}
         */
        version: "1.0";
        /**
         * @description The type of the event, the same as the SSE `event` field.
         * @constant
         */
        type: "hitl";
        /** @description When the event was made, in Unix seconds. */
        timestamp: Schemas["UnixSeconds"];
        /** @description The session, which is one run. */
        sessionId: Schemas["SessionId"];
        /**
         * @description The name by which the AI workspace knows this event.
         * @enum {string}
         */
        event: "hitl_request";
        /** @description The request for approval. */
        requestId: Schemas["RequestId"];
        /** @description The same as `requestId`. */
        id: Schemas["RequestId"];
        /** @description The tool that is to run. */
        actionType: string;
        /** @description The same as `actionType`. */
        action: string;
        /** @description What the person is asked, in words. */
        message: string;
        /** @description The arguments that the tool will run with, exactly these. Where they had to be cut, the last ones are left out, and long values are the beginnings of their text: the stored request has all of them. */
        context: {
            [key: string]: unknown;
        };
        /** @description The same as `context`. */
        params: {
            [key: string]: unknown;
        };
        /** @description The full length of the arguments as JSON, in bytes; only there if they had to be cut. */
        contextBytes?: number;
        /**
         * @description Always true.
         * @constant
         */
        requiresApproval: true;
        /** @description The step of the plan that waits. */
        stepId: Schemas["StepId"];
        /** @description How sure the model was; only there if its probabilities say so. */
        confidence?: Schemas["Confidence"];
        /** @description Until when somebody may decide, in Unix seconds. */
        expiresAt: Schemas["UnixSeconds"];
        /** @description Who may approve. */
        approvers: Schemas["Approvers"];
        /**
         * Format: uint32
         * @description How many different people have to approve.
         */
        approvalsNeeded: number;
        /**
         * Format: uint32
         * @description How many have.
         */
        approvals: number;
        /** @description What will happen; only there if the tool could say. */
        preview?: Schemas["Preview"];
    };
    /** @description A new step of the plan. */
    PlanStepEvent: {
        /**
         * @description The version of the payloads. A change that a client could not read would be another version.
         * @enum {string}
         */
        version: "1.0";
        /**
         * @description The type of the event, the same as the SSE `event` field.
         * @constant
         */
        type: "plan_step";
        /** @description When the event was made, in Unix seconds. */
        timestamp: Schemas["UnixSeconds"];
        /** @description The session, which is one run. */
        sessionId: Schemas["SessionId"];
        /** @description The step, unique within the run. */
        stepId: Schemas["StepId"];
        /** @description The same as `stepId`. */
        id: Schemas["StepId"];
        /** @description A few words. */
        title: string;
        /** @description One sentence. */
        description: string;
        /** @description The same as `description`. */
        content: string;
        /** @description Where the step stands. */
        status: Schemas["StepStatus"];
        /** @description How sure the model was when it chose this step. */
        confidence: Schemas["Confidence"];
        /**
         * Format: uint32
         * @description Its place in the plan.
         */
        order: number;
    };
    /** @description A step of the plan has moved. */
    PlanStepUpdateEvent: {
        /**
         * @description The version of the payloads. A change that a client could not read would be another version.
         * @enum {string}
         */
        version: "1.0";
        /**
         * @description The type of the event, the same as the SSE `event` field.
         * @constant
         */
        type: "plan_step_update";
        /** @description When the event was made, in Unix seconds. */
        timestamp: Schemas["UnixSeconds"];
        /** @description The session, which is one run. */
        sessionId: Schemas["SessionId"];
        /** @description The step. */
        stepId: Schemas["StepId"];
        /** @description The same as `stepId`. */
        id: Schemas["StepId"];
        /** @description Where the step stands now. */
        status: Schemas["StepStatus"];
        /**
         * Format: double
         * @description How far it is: 0 not begun, 1 over.
         */
        progress: number;
        /** @description How sure the model was when it chose this step. */
        confidence: Schemas["Confidence"];
        /** @description One sentence. */
        description: string;
    };
    /** @description What is shown of a call before it runs. */
    Preview: {
        /** @description How it is to be shown. */
        type: Schemas["PreviewKind"];
        /** @description What it is about, one line. */
        title: string;
        /** @description What there is to see; says so where something is left out. */
        content: string;
    };
    /**
     * @description How a preview is to be shown.
     *
     *     - `diff`: As changes.
     *     - `text`: As it is.
     *     - `checklist`: As lines that are so or not.
     * @enum {string}
     */
    PreviewKind: "diff" | "text" | "checklist";
    /** @description One request for approval (contract, section 5.1): `req_` and hex digits. */
    RequestId: string;
    /**
     * @description Where a request stands.
     *
     *     - `pending`: Nobody has decided.
     *     - `approved`: A person said yes.
     *     - `rejected`: A person said no.
     *     - `timed_out`: Nobody said anything in time.
     *     - `cancelled`: The run was cancelled meanwhile.
     * @enum {string}
     */
    RequestStatus: "pending" | "approved" | "rejected" | "timed_out" | "cancelled";
    /** @description One run (contract, section 5.1): `session_<userId>_<unixSeconds>_<random>`. */
    SessionId: string;
    /** @description What waits now: the newest requests, as many as fit a frame. */
    SnapshotEvent: {
        /**
         * @description The version of the payloads. A change that a client could not read would be another version.
         * @constant
         */
        version: "1.0";
        /**
         * @description The type of the event, the same as the SSE `event` field.
         * @constant
         */
        type: "snapshot";
        /** @description When this was so, in Unix seconds. */
        timestamp: Schemas["UnixSeconds"];
        /** @description The requests, newest first. */
        approvals: Schemas["Approval"][];
        /** @description How many requests of the tenant wait for which this caller's yes would count. */
        count: number;
        /** @description Where more wait: the `before` with which `GET /aura/approvals` goes on; null if these are all. */
        next: Schemas["RequestId"] | null;
    };
    /** @description The run has begun. The first event of every stream that is read from its beginning. */
    StartEvent: {
        /**
         * @description The version of the payloads. A change that a client could not read would be another version.
         * @enum {string}
         */
        version: "1.0";
        /**
         * @description The type of the event, the same as the SSE `event` field.
         * @constant
         */
        type: "start";
        /** @description When the event was made, in Unix seconds. */
        timestamp: Schemas["UnixSeconds"];
        /** @description The session, which is one run. */
        sessionId: Schemas["SessionId"];
        /** @description One sentence for people. */
        message: string;
        /** @description The conversation. Send it as `thread_id` with the next prompt to go on with it. */
        threadId: string;
        /** @description The name of the model that answers. */
        model: string;
    };
    /** @description One step of a plan. */
    StepId: string;
    /**
     * @description Where a step stands (contract, section 4.2).
     *
     *     - `pending`: Not begun.
     *     - `in_progress`: At work, or waiting for a person.
     *     - `completed`: Done.
     *     - `failed`: Tried, without success.
     *     - `skipped`: Not tried any more.
     * @enum {string}
     */
    StepStatus: "pending" | "in_progress" | "completed" | "failed" | "skipped";
    /** @description A tenant, as the token's `tenant_id` claim names it. */
    TenantId: string;
    /** @description What the agent thinks. What a model streams as its reasoning comes in pieces of `thoughtType` reasoning. */
    ThoughtEvent: {
        /**
         * @description The version of the payloads. A change that a client could not read would be another version.
         * @enum {string}
         */
        version: "1.0";
        /**
         * @description The type of the event, the same as the SSE `event` field.
         * @constant
         */
        type: "thought";
        /** @description When the event was made, in Unix seconds. */
        timestamp: Schemas["UnixSeconds"];
        /** @description The session, which is one run. */
        sessionId: Schemas["SessionId"];
        /**
         * @description The name by which the AI workspace knows this event.
         * @enum {string}
         */
        event: "thought_chain";
        /** @description The kind of thought. */
        thoughtType: Schemas["ThoughtType"];
        /** @description The thought. */
        content: string;
        /** @description What it rests on: names of tools, parts of the page. */
        sources: string[];
    };
    /**
     * @description The kinds of thought.
     *
     *     - `analysis`: Reading the request.
     *     - `planning`: Choosing steps.
     *     - `reasoning`: Working something out.
     *     - `decision`: Acting on a person's decision.
     *     - `reflection`: Looking back.
     * @enum {string}
     */
    ThoughtType: "analysis" | "planning" | "reasoning" | "decision" | "reflection";
    /** @description A step of the plan has moved, for those who show a timeline. */
    TimelineStepUpdateEvent: {
        /**
         * @description The version of the payloads. A change that a client could not read would be another version.
         * @enum {string}
         */
        version: "1.0";
        /**
         * @description The type of the event, the same as the SSE `event` field.
         * @constant
         */
        type: "timeline_step_update";
        /** @description When the event was made, in Unix seconds. */
        timestamp: Schemas["UnixSeconds"];
        /** @description The session, which is one run. */
        sessionId: Schemas["SessionId"];
        /** @description The step. */
        stepId: Schemas["StepId"];
        /** @description The same as `stepId`. */
        id: Schemas["StepId"];
        /** @description A few words. */
        title: string;
        /** @description Where the step stands now. */
        status: Schemas["StepStatus"];
        /**
         * Format: double
         * @description How far it is: 0 not begun, 1 over.
         */
        progress: number;
    };
    /** @description A tool call has moved. A call has one of these events for each status that it comes to. */
    ToolExecutionEvent: {
        /**
         * @description The version of the payloads. A change that a client could not read would be another version.
         * @enum {string}
         */
        version: "1.0";
        /**
         * @description The type of the event, the same as the SSE `event` field.
         * @constant
         */
        type: "tool_execution";
        /** @description When the event was made, in Unix seconds. */
        timestamp: Schemas["UnixSeconds"];
        /** @description The session, which is one run. */
        sessionId: Schemas["SessionId"];
        /**
         * @description The name by which the AI workspace knows this event.
         * @enum {string}
         */
        event: "action_execution";
        /** @description The call, unique within the run. */
        toolCallId: string;
        /** @description The tool. */
        toolName: string;
        /** @description The same as `toolName`. */
        tool: string;
        /** @description The arguments of the call. Where they had to be cut, the last ones are left out, and long values are the beginnings of their text. Empty if the model wrote something else than a JSON object. */
        toolArgs: {
            [key: string]: unknown;
        };
        /** @description The same as `toolArgs`. */
        params: {
            [key: string]: unknown;
        };
        /** @description The full length of the arguments as JSON, in bytes; only there if they had to be cut. */
        toolArgsBytes?: number;
        /** @description Where the call stands. */
        status: Schemas["ToolStatus"];
        /** @description Whether a person must agree before the tool runs. */
        requiresApproval: boolean;
        /** @description What the tool gave, if it succeeded: any JSON value, or the beginning of its text where it had to be cut. */
        result: unknown;
        /** @description The full length of the result as JSON, in bytes; only there if it had to be cut. */
        resultBytes?: number;
        /** @description Why the call failed or was cancelled, where that is known. */
        error: string | null;
        /**
         * Format: uint64
         * @description How long the tool ran, in milliseconds, once the call is over; 0 if it never ran.
         */
        durationMs: number | null;
    };
    /**
     * @description Where a tool call stands, in one word.
     *
     *     - `pending`: Waiting for a person.
     *     - `running`: At work.
     *     - `success`: Done, with a result.
     *     - `failed`: Tried without success, or not to be tried.
     *     - `cancelled`: Never run, or stopped.
     * @enum {string}
     */
    ToolStatus: "pending" | "running" | "success" | "failed" | "cancelled";
    /**
     * Format: uint64
     * @description A moment, in whole milliseconds since the Unix epoch. It is stored and sent as that number.
     */
    UnixMs: number;
    /**
     * Format: uint64
     * @description A moment, in whole seconds since the Unix epoch. It is stored and sent as that number.
     */
    UnixSeconds: number;
    /** @description Tokens that a model counted. */
    Usage: {
        /**
         * Format: uint64
         * @description Tokens of the prompt.
         */
        promptTokens: number;
        /**
         * Format: uint64
         * @description Tokens of the answer.
         */
        completionTokens: number;
        /**
         * Format: uint64
         * @description Both.
         */
        totalTokens: number;
    };
    /** @description A user, as the token's `sub` claim names it. */
    UserId: string;
    /**
     * @description The ways in which a request ends; there is no "pending" among them.
     *
     *     - `approved`: A person said yes.
     *     - `rejected`: A person said no.
     *     - `timed_out`: Nobody said anything in time.
     *     - `cancelled`: The run was cancelled meanwhile.
     * @enum {string}
     */
    Verdict: "approved" | "rejected" | "timed_out" | "cancelled";
}
