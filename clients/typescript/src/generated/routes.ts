/** What the routes take and answer. Generated from docs/openapi.json by `npm run generate`: do not change it here. */
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
    /**
     * @description A request for approval, as `hitl:request:<requestId>` keeps it (contract, section 5.1).
     *
     *     Unknown fields that another publisher wrote are kept.
     */
    ApprovalRequest: {
        /** @description The request's id. */
        requestId: Schemas["RequestId"];
        /** @description The run that waits for it. */
        sessionId: Schemas["SessionId"];
        /** @description Who asks: who started the run, or who changed the arguments of an earlier request. */
        userId: Schemas["UserId"];
        /** @description Whose people may decide. */
        tenantId: Schemas["TenantId"];
        /** @description The tool that is to run. */
        actionType: string;
        /** @description The tool's arguments as they are asked about: exactly these will be used, unless others are approved (`args`). */
        context: {
            [key: string]: unknown;
        };
        /** @description What the person is asked, in words. */
        message: string;
        /** @description The language of these words, and of whatever else is said of the request. */
        language?: Schemas["Language"];
        /**
         * @description Where the request stands, in the words that the Main Service knows.
         * @enum {string}
         */
        status: "pending" | "approved" | "rejected";
        /** @description How it ended, once it has. */
        outcome?: Schemas["Verdict"];
        /** @description When it was asked, in Unix milliseconds. */
        createdAt: Schemas["UnixMs"];
        /** @description Until when somebody may decide, in Unix seconds, rounded up. */
        expiresAt: Schemas["UnixSeconds"];
        /** @description The same to the millisecond. */
        deadlineMs: Schemas["UnixMs"];
        /** @description Which people of the tenant. */
        approvers: Schemas["Approvers"];
        /**
         * Format: uint32
         * @description How many different ones have to say yes.
         */
        approvalsNeeded: number;
        /**
         * Format: uint32
         * @description How many have; once it is approved, whoever decided it included.
         */
        approvals: number;
        /** @description The call that is to run. */
        toolCallId?: Schemas["ToolCallId"];
        /** @description The hash of the tool and these arguments: what runs has it, or was approved as `args`. */
        argsHash?: Schemas["ArgumentsHash"];
        /** @description What will happen if it is approved, where the tool could say. */
        preview?: Schemas["Preview"];
        /** @description Who approved it. */
        approvedBy?: Schemas["UserId"];
        /** @description When, in Unix milliseconds. */
        approvedAt?: Schemas["UnixMs"];
        /** @description Who rejected it. */
        rejectedBy?: Schemas["UserId"];
        /** @description When it was rejected, timed out or was cancelled, in Unix milliseconds. */
        rejectedAt?: Schemas["UnixMs"];
        /** @description Why, where there is a reason. */
        reason?: string;
        /** @description The arguments that were approved, or are asked about, instead of those that were shown. */
        args?: {
            [key: string]: unknown;
        };
        /** @description The request that asks about the changed arguments instead. */
        supersededBy?: Schemas["RequestId"];
        /**
         * Format: uint64
         * @description The full length of `context` as JSON, in bytes; only there where it had to be cut.
         */
        contextBytes?: number;
    };
    /** @description One page of the inbox. */
    ApprovalsPage: {
        /** @description The requests, newest first. */
        approvals: Schemas["Approval"][];
        /** @description How many requests of the tenant wait for which this caller's yes would count. */
        count: number;
        /** @description The `before` of the next page; null if there is none. */
        next: Schemas["RequestId"] | null;
    };
    /** @description Which people of a tenant may approve. */
    Approvers: string;
    /** @description What binds a decision to what was shown: the hash of a tool and its arguments. */
    ArgumentsHash: string;
    /** @description An entry of an audit stream: a fact, bound to all entries before it. */
    AuditEntry: {
        /**
         * Format: uint64
         * @description Its number in the tenant's stream, from 1.
         */
        number: number;
        /** @description The hash of the entry before it. */
        previous: Schemas["EntryHash"];
        /** @description The SHA-256 of `<number>\n<previous>\n<fact>`. */
        hash: Schemas["EntryHash"];
        /** @description What shows that a holder of the audit key has recorded it; only there if there is such a key. */
        mac?: Schemas["EntryMac"];
        /** @description What happened. */
        fact: Schemas["AuditFact"];
    };
    /** @description One fact: what happened, to which call, when and by whom. */
    AuditFact: {
        /** @description The same for every recording of the same fact. */
        factId: Schemas["FactId"];
        /** @description When, by the clock of the process that recorded it. */
        atMs: Schemas["UnixMs"];
        /** @description The run. */
        sessionId?: Schemas["SessionId"];
        /** @description The tool. */
        tool?: string;
        /** @description The call, unique within its session. */
        toolCallId?: Schemas["ToolCallId"];
        /** @description The tool and the arguments that the fact is about: those shown when approval is asked for, those used when the call is carried out. */
        argumentsHash?: Schemas["ArgumentsHash"];
        /** @description Whether the tool only shows what it would do. */
        dryRun?: boolean;
        /** @description The request for approval, where there is one. */
        requestId?: Schemas["RequestId"];
        /** @description Who did it, where that is certain. */
        who?: Schemas["UserId"];
        /** @description Who a signal says that did it: nobody has checked that. */
        claimedBy?: Schemas["UserId"];
        /** @description The way that an answer came. */
        via?: Schemas["Via"];
    } & ({
        /** @constant */
        kind: "approval_requested";
    } | {
        /** @constant */
        kind: "approval_endorsed";
    } | {
        /** @constant */
        kind: "approval_decided";
        /** @description How. */
        verdict: Schemas["Verdict"];
        /** @description Why, where a reason was given. */
        reason?: Schemas["AuditReason"];
        /** @description The tool and its arguments as the person has changed them, where they were changed. */
        editedArgumentsHash?: Schemas["ArgumentsHash"];
        /** @description The request that asks about the changed arguments instead, where another person has to see those. */
        supersededBy?: Schemas["RequestId"];
    } | {
        /** @constant */
        kind: "execution_started";
    } | {
        /** @constant */
        kind: "execution_finished";
        /** @description How. */
        outcome: Schemas["Outcome"];
        /** @description Why it failed. */
        reason?: Schemas["AuditReason"];
    } | {
        /** @constant */
        kind: "hold_put";
        /** @description Its name. */
        hold: Schemas["HoldName"];
        /** @description The tenant for which it counts; without one, all of them. */
        tenant?: Schemas["TenantId"];
        /** @description The tool whose calls fail. */
        tool?: string;
        /**
         * @description Whether new runs are refused.
         * @default false
         */
        runs: boolean;
        /** @description Why. */
        reason: Schemas["AuditReason"];
        /** @description The operator's own tenant. */
        byTenant: Schemas["TenantId"];
    } | {
        /** @constant */
        kind: "hold_lifted";
        /** @description Its name. */
        hold: Schemas["HoldName"];
        /** @description The tenant for which it counts; without one, all of them. */
        tenant?: Schemas["TenantId"];
        /** @description The tool whose calls fail. */
        tool?: string;
        /**
         * @description Whether new runs are refused.
         * @default false
         */
        runs: boolean;
        /** @description The operator's own tenant. */
        byTenant: Schemas["TenantId"];
    } | {
        /** @constant */
        kind: "run_cancelled_by_operator";
        /** @description The run. */
        sessionId: Schemas["SessionId"];
        /** @description The operator's own tenant. */
        byTenant: Schemas["TenantId"];
    });
    /** @description A page of an audit stream. */
    AuditPage: {
        /** @description Oldest first. */
        entries: Schemas["AuditEntry"][];
        /**
         * Format: uint64
         * @description The `after` of the next page, if there is one by now.
         */
        next: number | null;
    };
    /** @description A reason in a person's or a tool's words, of bounded length. */
    AuditReason: string;
    /** @description Where a session stands that was to be cancelled. */
    CancelResult: {
        /** @description The session. */
        sessionId: Schemas["SessionId"];
        /** @description Where it stands: `cancelled`, unless something of it has to come to its end first, or it was over before. */
        status: Schemas["SessionStatus"];
    };
    /**
     * Format: double
     * @description A probability, 0.0 to 1.0, with two decimals.
     */
    Confidence: number;
    /** @description A yes that counts as one of several that are needed. */
    Endorsed: {
        /** @description The request. */
        requestId: Schemas["RequestId"];
        /** @description The session that waits. */
        sessionId: Schemas["SessionId"];
        /** @enum {string} */
        status: "pending";
        /** @description How many have approved. */
        approvals: number;
        /** @description How many have to. */
        approvalsNeeded: number;
    };
    /** @description What binds an entry of an audit stream to all entries before it. */
    EntryHash: string;
    /** @description What shows that a holder of the audit key has recorded an entry, or how far a stream goes. */
    EntryMac: string;
    /**
     * Format: uint64
     * @description The id of one entry of a session's journal, and of the event in it (contract, section 4.1).
     *
     *     Ids grow strictly within a session and are at first the clock in milliseconds.
     */
    EventId: number;
    /** @description Names a fact, so that its repetitions can be told from other facts. */
    FactId: string;
    /** @description A hold. */
    Hold: {
        /** @description Its name. */
        name: Schemas["HoldName"];
        /** @description The tenant for which it counts; without one, all of them. */
        tenant?: Schemas["TenantId"];
        /** @description The tool whose calls fail. */
        tool?: string;
        /**
         * @description Whether new runs are refused.
         * @default false
         */
        runs: boolean;
        /** @description Why; whoever is stopped reads it. */
        reason: string;
        /** @description Who has put it. */
        putBy: Schemas["Operator"];
        /** @description When, in Unix seconds. */
        putAt: Schemas["UnixSeconds"];
    };
    /** @description All holds that are in force. */
    HoldList: {
        /** @description In the order of their names. */
        holds: Schemas["Hold"][];
    };
    /** @description The name of a hold: 1 to 64 of `a-z`, `0-9` and `-`. */
    HoldName: string;
    /**
     * @description A language that this service speaks.
     *
     *     It is chosen when a run starts and kept with it, so that whoever goes on with the run speaks it too. What older processes stored names none, and a newer one may name one that is not known here: both are Korean.
     *
     *     - `ko`: Korean, the default.
     *     - `en`: English.
     * @enum {string}
     */
    Language: "ko" | "en";
    /**
     * @description Where a run is.
     *
     *     - `analyze`: Reads the request and the page.
     *     - `plan`: Asks the model what to do.
     *     - `execute`: Takes the next call of the plan, or asks the model to go on.
     *     - `tools`: Runs a tool.
     *     - `await_approval`: Waits for a person.
     *     - `reflect`: Looks back on the work.
     *     - `done`: It is over.
     * @enum {string}
     */
    Node: "analyze" | "plan" | "execute" | "tools" | "await_approval" | "reflect" | "done";
    /** @description Who has put a hold. */
    Operator: {
        /** @description Their tenant. */
        tenantId: Schemas["TenantId"];
        /** @description The user. */
        userId: Schemas["UserId"];
    };
    /**
     * @description How a call ended.
     *
     *     - `ok`: It did what it was asked to.
     *     - `failed`: It did not.
     * @enum {string}
     */
    Outcome: "ok" | "failed";
    /** @description What a page shows. Other keys are kept. */
    PageContext: {
        /** @description The application. */
        activeApp?: (string | number | boolean) | null;
        /** @description The ids of what is selected. */
        selectedItemIds?: ((string | number | boolean) | null)[] | null;
        /** @description The page's address. */
        url?: (string | number | boolean) | null;
        /** @description The page's path. */
        path?: (string | number | boolean) | null;
        /** @description The same as `path`. */
        pathname?: (string | number | boolean) | null;
        /** @description The page's title. */
        title?: (string | number | boolean) | null;
        /** @description The item that is shown. */
        itemId?: (string | number | boolean) | null;
        /** @description Anything else. */
        metadata?: {
            [key: string]: unknown;
        } | null;
        /** @description The frontend's own state: `selectedItems`, `context`, `viewState`. What has the expected form counts like `selectedItemIds` and `metadata`. */
        remoteState?: unknown;
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
    /** @description What a hold stops, and why. There must be a tool, or `runs` must be true. */
    PutHold: {
        /** @description Only for this tenant; without one, for all. */
        tenant?: string | null;
        /** @description The tool whose calls fail, and whose requests cannot be approved. */
        tool?: string | null;
        /** @description Whether new runs are refused; by default they are not. */
        runs?: boolean | null;
        /** @description Why; whoever is stopped reads it. */
        reason: string;
    };
    /** @description A request for approval, with how it ended as its status. */
    RequestDetails: {
        /** @description The request. */
        requestId: Schemas["RequestId"];
        /** @description The run that waits for it. */
        sessionId: Schemas["SessionId"];
        /** @description Who asks: who started the run, or who changed the arguments of an earlier request. */
        userId: Schemas["UserId"];
        /** @description Whose people may decide. */
        tenantId: Schemas["TenantId"];
        /** @description The tool that is to run. */
        actionType: string;
        /** @description The tool's arguments as they are asked about: exactly these will be used, unless others are approved (`args`). */
        context: {
            [key: string]: unknown;
        };
        /** @description What the person is asked, in words. */
        message: string;
        /** @description The language of these words; only there if it is not Korean. */
        language?: Schemas["Language"];
        /** @description Where the request stands. */
        status: Schemas["RequestStatus"];
        /** @description How it ended, once it has. */
        outcome?: Schemas["Verdict"];
        /** @description When it was asked, in Unix milliseconds. */
        createdAt: Schemas["UnixMs"];
        /** @description Until when somebody may decide, in Unix seconds, rounded up. */
        expiresAt: Schemas["UnixSeconds"];
        /** @description The same to the millisecond. */
        deadlineMs: Schemas["UnixMs"];
        /** @description Which people of the tenant. */
        approvers: Schemas["Approvers"];
        /**
         * Format: uint32
         * @description How many different ones have to say yes.
         */
        approvalsNeeded: number;
        /**
         * Format: uint32
         * @description How many have; once it is approved, whoever decided it included.
         */
        approvals: number;
        /** @description The call that is to run. */
        toolCallId?: Schemas["ToolCallId"];
        /** @description The hash of the tool and these arguments: what runs has it, or was approved as `args`. */
        argsHash?: Schemas["ArgumentsHash"];
        /** @description What will happen if it is approved; only there if the tool could say. */
        preview?: Schemas["Preview"];
        /** @description Who approved it. */
        approvedBy?: Schemas["UserId"];
        /** @description When, in Unix milliseconds. */
        approvedAt?: Schemas["UnixMs"];
        /** @description Who rejected it. */
        rejectedBy?: Schemas["UserId"];
        /** @description When it was rejected, timed out or was cancelled, in Unix milliseconds. */
        rejectedAt?: Schemas["UnixMs"];
        /** @description Why, where there is a reason. */
        reason?: string;
        /** @description The arguments that were approved, or are asked about, instead of those that were shown. */
        args?: {
            [key: string]: unknown;
        };
        /** @description The request that asks about the changed arguments instead. */
        supersededBy?: Schemas["RequestId"];
        /**
         * Format: uint64
         * @description The full length of `context` as JSON, in bytes; only there where it had to be cut.
         */
        contextBytes?: number;
    };
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
    /** @description What came of an answer to a request for approval. */
    ReviewResult: Schemas["Endorsed"] | Schemas["Superseded"] | Schemas["StandingDecision"];
    /** @description A page of the runs of all tenants. */
    RunPage: {
        /** @description Newest first. There may be none although `next` says where to go on: a page looks at a bounded part of all runs. */
        runs: Schemas["RunSummary"][];
        /** @description The `before` of the next page, if there is one. */
        next: Schemas["SessionId"] | null;
    };
    /** @description A run, as operators see it. */
    RunSummary: {
        /** @description The session. */
        sessionId: Schemas["SessionId"];
        /** @description The conversation that it is part of. */
        threadId: Schemas["ThreadId"];
        /** @description Where it stands. */
        status: Schemas["SessionStatus"];
        /** @description The beginning of its prompt. */
        prompt: string;
        /** @description When it was started, in Unix seconds. */
        createdAt: Schemas["UnixSeconds"];
        /** @description When clients last saw something of it, in Unix seconds. */
        updatedAt: Schemas["UnixSeconds"];
        /** @description The id of its last event. */
        lastEventId: Schemas["EventId"];
        /** @description Whose it is. */
        tenantId: Schemas["TenantId"];
        /** @description Who started it. */
        userId: Schemas["UserId"];
    };
    /** @description One session in full. */
    SessionDetail: {
        /** @description The session. */
        sessionId: Schemas["SessionId"];
        /** @description The conversation that it is part of. */
        threadId: Schemas["ThreadId"];
        /** @description Where it stands. */
        status: Schemas["SessionStatus"];
        /** @description The beginning of its prompt. */
        prompt: string;
        /** @description When it was started, in Unix seconds. */
        createdAt: Schemas["UnixSeconds"];
        /** @description When clients last saw something of it, in Unix seconds. */
        updatedAt: Schemas["UnixSeconds"];
        /** @description The id of its last event. */
        lastEventId: Schemas["EventId"];
        /** @description Where its run is. */
        node: Schemas["Node"];
        /** @description The plan so far. */
        plan: Schemas["SessionPlanStep"][];
        /** @description What a person is asked now. */
        pendingApprovals: Schemas["ApprovalRequest"][];
        /** @description The latest request for approval, decided or not. */
        hitlRequestId: Schemas["RequestId"] | null;
        /** @description Tokens so far. */
        usage: Schemas["Usage"];
    };
    /** @description One run (contract, section 5.1): `session_<userId>_<unixSeconds>_<random>`. */
    SessionId: string;
    /** @description A page of the caller's sessions. */
    SessionPage: {
        /** @description Newest first. */
        sessions: Schemas["SessionSummary"][];
        /** @description The `before` of the next page, if there is one. */
        next: Schemas["SessionId"] | null;
    };
    /** @description A step of a plan, with the names that `plan_step` has besides. */
    SessionPlanStep: {
        /** @description Unique within the run. */
        stepId: Schemas["StepId"];
        /** @description A few words. */
        title: string;
        /** @description A sentence. */
        description: string;
        /** @description Where it stands. */
        status: Schemas["StepStatus"];
        /** @description How sure the model was when it chose this step. */
        confidence: Schemas["Confidence"];
        /**
         * Format: uint32
         * @description Its place, from 1.
         */
        order: number;
        /** @description The same as `stepId`. */
        id: Schemas["StepId"];
        /** @description The same as `description`. */
        content: string;
    };
    /**
     * @description Where a run stands (contract, section 5.5).
     *
     *     - `running`: At work.
     *     - `waiting_approval`: Waiting for a person.
     *     - `completed`: Over, with an answer.
     *     - `failed`: Over, with an error or a deadline missed.
     *     - `rejected`: Over, because a person said no.
     *     - `cancelled`: Over, because it was cancelled.
     * @enum {string}
     */
    SessionStatus: "running" | "waiting_approval" | "completed" | "failed" | "rejected" | "cancelled";
    /** @description One session, as lists show it. */
    SessionSummary: {
        /** @description The session. */
        sessionId: Schemas["SessionId"];
        /** @description The conversation that it is part of. */
        threadId: Schemas["ThreadId"];
        /** @description Where it stands. */
        status: Schemas["SessionStatus"];
        /** @description The beginning of its prompt. */
        prompt: string;
        /** @description When it was started, in Unix seconds. */
        createdAt: Schemas["UnixSeconds"];
        /** @description When clients last saw something of it, in Unix seconds. */
        updatedAt: Schemas["UnixSeconds"];
        /** @description The id of its last event. */
        lastEventId: Schemas["EventId"];
    };
    /** @description The decision that stands. */
    StandingDecision: {
        /** @description The request. */
        requestId: Schemas["RequestId"];
        /** @description Its session. */
        sessionId: Schemas["SessionId"];
        /** @description How the request ended. */
        status: Schemas["Verdict"];
        /** @description Why, where there is a reason. */
        reason?: string;
        /** @description The request that asks about changed arguments instead. */
        supersededBy?: Schemas["RequestId"];
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
    /** @description Changed arguments, about which another person is asked. */
    Superseded: {
        /** @description The request that asks about the changed arguments. */
        requestId: Schemas["RequestId"];
        /** @description The session that waits. */
        sessionId: Schemas["SessionId"];
        /** @enum {string} */
        status: "pending";
        /** @description The request that was answered. */
        supersedes: Schemas["RequestId"];
    };
    /** @description A tenant, as the token's `tenant_id` claim names it. */
    TenantId: string;
    /** @description A conversation that several runs share (contract, section 3). */
    ThreadId: string;
    /** @description One call of a tool, as the model named it, if it named it well. */
    ToolCallId: string;
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
    /**
     * @description The way that an answer came.
     *
     *     - `rest`: Over REST, with a token that was checked.
     *     - `signal`: Through Redis: nobody knows who has sent it.
     * @enum {string}
     */
    Via: "rest" | "signal";
}
