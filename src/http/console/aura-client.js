// Made of clients/typescript by `npm run console` there. Do not edit.

// src/errors.ts
var AuraError = class extends Error {
  /** The HTTP status; 0 if there was no answer. */
  status;
  /** The server's code (`E4290`, …), or a {@link ClientErrorCode}. */
  code;
  /** What exactly was wrong, where the server says so. */
  detail;
  /** What to look for in the server's log. */
  traceId;
  /** Whether the same request may succeed later. */
  retryable;
  /** When to come again, where the server says so. */
  retryAfterMs;
  constructor(message, fields) {
    super(message, fields.cause === void 0 ? void 0 : { cause: fields.cause });
    this.name = "AuraError";
    this.status = fields.status;
    this.code = fields.code;
    this.detail = fields.detail ?? null;
    this.traceId = fields.traceId ?? null;
    this.retryable = fields.retryable;
    this.retryAfterMs = fields.retryAfterMs ?? null;
  }
};
function left() {
  const code = "left";
  return new AuraError("the stream was left before its end", { status: 0, code, retryable: false });
}
function connectionLost(why, cause) {
  const code = "connection";
  return new AuraError(why, { status: 0, code, retryable: true, cause });
}
function notAura(status, why, cause) {
  const code = "protocol";
  return new AuraError(why, { status, code, retryable: status >= 500, cause });
}

// src/path.ts
var ID = /^[A-Za-z0-9._@:~-]+$/;
var FOLDER = /^\.\.?$/;
function segment(what, id) {
  if (typeof id === "string" && ID.test(id) && !FOLDER.test(id)) return id;
  throw new TypeError(`${what} must be an id that the server has given, is ${JSON.stringify(id) ?? typeof id}`);
}

// src/sessions.ts
var Sessions = class {
  #transport;
  constructor(transport) {
    this.#transport = transport;
  }
  /** A page of them, newest first. */
  async list({ limit, before, signal } = {}) {
    const path = `/aura/sessions${query({ limit, before })}`;
    return (await this.#transport.call({ method: "GET", path }, signal)).data;
  }
  /** One in full: node, plan, pending approvals, usage. */
  async get(sessionId, options = {}) {
    const path = `/aura/sessions/${segment("sessionId", sessionId)}`;
    return (await this.#transport.call({ method: "GET", path }, options.signal)).data;
  }
  /** Stops its run. */
  async cancel(sessionId, options = {}) {
    const path = `/aura/sessions/${segment("sessionId", sessionId)}/cancel`;
    return cancelled(this.#transport, sessionId, path, options.signal);
  }
};
async function cancelled(transport, sessionId, path, signal) {
  const { status, data } = await transport.call({ method: "POST", path }, signal);
  return { sessionId, status: data.status, wasOver: status === 409 };
}
function query(fields) {
  const given = Object.entries(fields).filter(([, value]) => value !== void 0);
  const text = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
  return text === "" ? "" : `?${text}`;
}

// src/admin.ts
var Admin = class {
  #transport;
  constructor(transport) {
    this.#transport = transport;
  }
  /**
   * A page of the runs of all tenants, newest first. It may have none although `next` says where to go on: the server
   * looks at a bounded part of all runs for each page.
   */
  async runs({ tenant, status, limit, before, signal } = {}) {
    const path = `/aura/admin/runs${query({ tenant, status, limit, before })}`;
    return (await this.#transport.call({ method: "GET", path }, signal)).data;
  }
  /** Stops a run of any tenant. */
  async cancel(sessionId, { signal } = {}) {
    const path = `/aura/admin/runs/${segment("sessionId", sessionId)}/cancel`;
    return cancelled(this.#transport, sessionId, path, signal);
  }
  /** What is stopped. */
  async holds({ signal } = {}) {
    const request = { method: "GET", path: "/aura/admin/holds" };
    return (await this.#transport.call(request, signal)).data.holds;
  }
  /** Stops new runs, or a tool, on all replicas at once, in the place of a hold of the same name. */
  async hold(name, hold, { signal } = {}) {
    const path = `/aura/admin/holds/${segment("name", name)}`;
    return (await this.#transport.call({ method: "PUT", path, body: hold }, signal)).data;
  }
  /** Lifts a hold; what it was, or `null` if there is none of that name (or an attempt of this same call has lifted it). */
  async lift(name, { signal } = {}) {
    const path = `/aura/admin/holds/${segment("name", name)}`;
    try {
      return (await this.#transport.call({ method: "DELETE", path }, signal)).data;
    } catch (error) {
      if (error instanceof AuraError && error.status === 404) return null;
      throw error;
    }
  }
};

// src/closable.ts
var Closable = class {
  #controller = new AbortController();
  #parent;
  #source;
  #isLeft = false;
  /** `open`: makes the generator, which ends with the signal. `parent`: ends it as well. */
  constructor(open, parent) {
    this.#parent = parent;
    if (parent?.aborted) this.#onParent();
    else parent?.addEventListener("abort", this.#onParent, { once: true });
    this.#source = open(this.#controller.signal);
  }
  async next() {
    if (this.#isLeft) throw left();
    try {
      const next = await this.#source.next();
      if (next.done === true) this.#forget();
      return next;
    } catch (error) {
      this.#forget();
      throw error;
    }
  }
  /** What leaving a loop calls. */
  async return() {
    await this.close();
    return { done: true, value: void 0 };
  }
  /** Closes the connection. There is nothing more to be had from here. */
  async close() {
    this.#isLeft = true;
    this.#forget();
    this.#controller.abort(left());
    await this.#source.return();
  }
  [Symbol.asyncIterator]() {
    return this;
  }
  [Symbol.asyncDispose]() {
    return this.close();
  }
  #forget() {
    this.#parent?.removeEventListener("abort", this.#onParent);
  }
  #onParent = () => {
    this.#controller.abort(this.#parent?.reason);
  };
};

// src/json.ts
function parseJson(text) {
  try {
    return JSON.parse(text);
  } catch {
    return void 0;
  }
}
function asObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? value : null;
}
function asText(value) {
  return typeof value === "string" ? value : null;
}

// src/abort.ts
var LONGEST_TIMER_MS = 2 ** 31 - 1;
function timer(work, ms) {
  return setTimeout(work, Math.min(ms, LONGEST_TIMER_MS));
}
function sleep(ms, signal) {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason);
      return;
    }
    const onAbort = () => {
      clearTimeout(waiting);
      reject(signal?.reason);
    };
    const waiting = timer(() => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    }, ms);
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}
var Watchdog = class {
  #controller = new AbortController();
  #parent;
  #limitMs;
  #timedOut = false;
  #isUnread = false;
  /** Runs while nobody waits. */
  #unread;
  /** `limitMs`: how long one wait may take, and how long nobody may wait for anything. */
  constructor(limitMs, parent) {
    this.#limitMs = limitMs;
    this.#parent = parent;
    if (parent?.aborted) this.#onParent();
    else parent?.addEventListener("abort", this.#onParent, { once: true });
  }
  get signal() {
    return this.#controller.signal;
  }
  /** Whether it was the time that ended it. */
  get timedOut() {
    return this.#timedOut;
  }
  /** Whether it was that nobody has waited for so long. */
  get isUnread() {
    return this.#isUnread;
  }
  /**
   * Waits for something, but not for longer than it may take, and no longer than the signal lasts, also where what is
   * waited for does not look at it. The time between two waits counts for itself.
   */
  async within(work) {
    const { signal } = this.#controller;
    clearTimeout(this.#unread);
    const tooLong = timer(() => {
      this.#timedOut = true;
      this.#controller.abort();
    }, this.#limitMs);
    let onAbort = () => void 0;
    const aborted = new Promise((_, reject) => {
      onAbort = () => reject(signal.reason);
      if (signal.aborted) onAbort();
      else signal.addEventListener("abort", onAbort, { once: true });
    });
    try {
      return await Promise.race([work, aborted]);
    } finally {
      clearTimeout(tooLong);
      signal.removeEventListener("abort", onAbort);
      if (!signal.aborted) this.#unread = timer(this.#onUnread, this.#limitMs);
    }
  }
  /** Ends whatever still uses the signal, and forgets the parent. */
  close() {
    clearTimeout(this.#unread);
    this.#parent?.removeEventListener("abort", this.#onParent);
    this.#controller.abort();
  }
  #onUnread = () => {
    this.#isUnread = true;
    this.#controller.abort();
  };
  #onParent = () => {
    this.#controller.abort(this.#parent?.reason);
  };
};

// src/backoff.ts
var DEFAULT_RETRY = {
  initialDelayMs: 250,
  maxDelayMs: 1e4,
  maxRetryAfterMs: 12e4,
  maxAttempts: 30,
  maxRequestAttempts: 6
};
var Backoff = class {
  #retry;
  #maxAttempts;
  #failures = 0;
  constructor(retry, maxAttempts) {
    this.#retry = retry;
    this.#maxAttempts = maxAttempts;
  }
  /** Failures since the last progress. */
  get failures() {
    return this.#failures;
  }
  /** Something was achieved: the next failure is a first one. */
  reset() {
    this.#failures = 0;
  }
  /** Milliseconds to wait after one more failure; `null` once there were too many, or if it takes too long. */
  fail(retryAfterMs2) {
    const { initialDelayMs, maxDelayMs, maxRetryAfterMs } = this.#retry;
    this.#failures += 1;
    if (this.#failures >= this.#maxAttempts || (retryAfterMs2 ?? 0) > maxRetryAfterMs) return null;
    const full = Math.min(maxDelayMs, initialDelayMs * 2 ** (this.#failures - 1));
    const jittered = full * (0.5 + Math.random() / 2);
    return Math.max(jittered, retryAfterMs2 ?? 0);
  }
};

// src/event-id.ts
function isEventId(text) {
  return /^(0|[1-9][0-9]{0,19})$/.test(text);
}
function isAfter(id, other) {
  if (other === null) return true;
  return id.length === other.length ? id > other : id.length > other.length;
}

// src/sse.ts
var SseTooLarge = class extends Error {
  constructor(limit) {
    super(`an event has more than ${limit} bytes`);
    this.name = "SseTooLarge";
  }
};
var LF = 10;
var CR = 13;
var BYTE_ORDER_MARK = "\uFEFF";
var COMMENT = { kind: "comment" };
var SseParser = class {
  #limit;
  #decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  /** The beginning of a line whose end has not come yet. */
  #rest = new Uint8Array(0);
  /** The last byte was a CR: an LF right after it belongs to the same line break. */
  #afterCr = false;
  #isFirstLine = true;
  #event = new EventInProgress();
  /** `limit`: bytes of one event, above which `push` throws `SseTooLarge`. */
  constructor(limit = 1024 * 1024) {
    this.#limit = limit;
  }
  /** What is complete with these bytes, in order. */
  *push(bytes) {
    let start = 0;
    for (let at = 0; at < bytes.length; at++) {
      const byte = bytes[at];
      if (byte === LF && this.#afterCr) {
        this.#afterCr = false;
        start = at + 1;
      } else if (byte === LF || byte === CR) {
        this.#afterCr = byte === CR;
        const item = this.#line(this.#join(bytes.subarray(start, at)));
        start = at + 1;
        if (item !== null) yield item;
      } else {
        this.#afterCr = false;
      }
    }
    this.#rest = this.#join(bytes.subarray(start)).slice();
    this.#check();
  }
  /** The line that ends with this piece. */
  #join(piece) {
    if (this.#rest.length === 0) return piece;
    const whole = new Uint8Array(this.#rest.length + piece.length);
    whole.set(this.#rest);
    whole.set(piece, this.#rest.length);
    this.#rest = new Uint8Array(0);
    return whole;
  }
  #line(bytes) {
    let line = this.#decoder.decode(bytes);
    if (this.#isFirstLine && line.startsWith(BYTE_ORDER_MARK)) line = line.slice(1);
    this.#isFirstLine = false;
    if (line === "") return this.#dispatch();
    if (line.startsWith(":")) return COMMENT;
    this.#event.field(line, bytes.length);
    this.#check();
    return null;
  }
  #dispatch() {
    const frame = this.#event.frame();
    this.#event = new EventInProgress();
    return frame;
  }
  #check() {
    if (this.#rest.length + this.#event.bytes > this.#limit) throw new SseTooLarge(this.#limit);
  }
};
var EventInProgress = class {
  bytes = 0;
  #id = null;
  #event = null;
  #data = [];
  field(line, bytes) {
    this.bytes += bytes;
    const colon = line.indexOf(":");
    const name = colon < 0 ? line : line.slice(0, colon);
    const rest = colon < 0 ? "" : line.slice(colon + 1);
    const value = rest.startsWith(" ") ? rest.slice(1) : rest;
    if (name === "data") this.#data.push(value);
    else if (name === "event") this.#event = value;
    else if (name === "id" && !value.includes("\0")) this.#id = value;
  }
  /** As the standard says: without `data` there is no event. */
  frame() {
    if (this.#data.length === 0) return null;
    return { kind: "frame", id: this.#id, event: this.#event, data: this.#data.join("\n") };
  }
};

// src/refusal.ts
var RETRYABLE_STATUS = /* @__PURE__ */ new Set([408, 425, 429, 500, 502, 503, 504]);
async function refusalOf(response) {
  return refusalWith(response, await response.text().catch(() => ""));
}
function refusalWith({ status, statusText, headers }, text) {
  const isStream = headers.get("content-type")?.startsWith("text/event-stream") ?? false;
  const body = asObject(parseJson(isStream ? errorEvent(text) : text)) ?? {};
  const code = asText(body["errorCode"]) ?? `HTTP ${status}`;
  const message = asText(body["message"]) ?? statusText;
  const detail = detailOf(body);
  return new AuraError(detail === null ? `${code}: ${message}` : `${code}: ${message} (${detail})`, {
    status,
    code,
    detail,
    traceId: asText(body["traceId"]) ?? headers.get("x-correlation-id"),
    retryable: RETRYABLE_STATUS.has(status) && body["retryable"] !== false,
    retryAfterMs: retryAfterMs(headers.get("retry-after"), Date.now())
  });
}
function detailOf(body) {
  return asText(body["detail"]) ?? asText(body["error"]);
}
function errorEvent(text) {
  for (const item of new SseParser().push(new TextEncoder().encode(text))) {
    if (item.kind === "frame" && item.event === "error") return item.data;
  }
  return "";
}
function retryAfterMs(header, now) {
  if (header === null) return null;
  if (/^[0-9]+$/.test(header.trim())) return Number(header) * 1e3;
  const date = Date.parse(header);
  return Number.isNaN(date) ? null : Math.max(0, date - now);
}

// src/resumable.ts
var DONE = "[DONE]";
async function* resumable(transport, source, { lastEventId, signal, onReconnect }) {
  const { retry } = transport.settings;
  const backoff = new Backoff(retry, retry.maxAttempts);
  let last = checked(lastEventId);
  connections: for (; ; ) {
    const since = performance.now();
    try {
      for await (const item of connection(transport, source, last, signal)) {
        signal?.throwIfAborted();
        if (item === "unread") continue connections;
        if (item === "end" || isTrailer(item)) return;
        const frame = frameOf(item);
        const isNext = frame !== null && isAfter(frame.id, last);
        if (isNext || performance.now() - since > retry.maxDelayMs) backoff.reset();
        if (frame === null || !(isNext || source.beginsAnew?.(frame))) continue;
        last = frame.id;
        yield frame;
      }
      throw connectionLost("the stream broke off before its end");
    } catch (error) {
      signal?.throwIfAborted();
      if (!(error instanceof AuraError) || !error.retryable) throw error;
      const delayMs = backoff.fail(error.retryAfterMs);
      if (delayMs === null) throw error;
      onReconnect?.({ attempt: backoff.failures, delayMs, reason: error });
      await sleep(delayMs, signal);
    }
  }
}
function isTrailer(item) {
  return item.kind === "frame" && item.event === null && item.data === DONE;
}
function frameOf(item) {
  if (item.kind === "comment" || item.id === null || !isEventId(item.id)) return null;
  return { id: item.id, event: item.event ?? "message", data: item.data };
}
function checked(lastEventId) {
  if (lastEventId !== void 0 && !isEventId(lastEventId)) {
    throw new TypeError(`lastEventId must be a decimal integer, is ${JSON.stringify(lastEventId)}`);
  }
  return lastEventId ?? null;
}
async function* connection(transport, source, last, signal) {
  const watchdog = new Watchdog(transport.settings.idleTimeoutMs, signal);
  try {
    const response = await watchdog.within(transport.send(source.request(last), watchdog.signal));
    if (response.status === 409) throw await watchdog.within(refusalOf(response));
    source.accepted?.(response);
    if (response.status === 204) {
      yield "end";
      return;
    }
    yield* items(bodyOf(response), watchdog);
  } catch (error) {
    if (!watchdog.isUnread) throw watchdog.timedOut ? connectionLost("nothing came for too long", error) : error;
    yield "unread";
  } finally {
    watchdog.close();
  }
}
async function* items(body, watchdog) {
  const reader = body.getReader();
  const parser = new SseParser();
  for (; ; ) {
    const { done, value } = await watchdog.within(read(reader));
    if (done) return;
    try {
      yield* parser.push(value);
    } catch (error) {
      throw error instanceof SseTooLarge ? connectionLost(error.message, error) : error;
    }
  }
}
async function read(reader) {
  try {
    return await reader.read();
  } catch (error) {
    throw connectionLost("the connection broke", error);
  }
}
function bodyOf(response) {
  const type = response.headers.get("content-type") ?? "";
  if (response.body === null || !type.startsWith("text/event-stream")) {
    throw notAura(response.status, `the answer is no event stream, but ${type || "nothing"}`);
  }
  return response.body;
}

// src/events.ts
var RUN = {
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
  end: true
};
var INBOX = { snapshot: true, asked: true, endorsed: true, decided: true };
function eventOf(frame) {
  return typed(frame, RUN);
}
function inboxEventOf(frame) {
  return typed(frame, INBOX);
}
function typed(frame, known) {
  const { id, event: name, data: raw } = frame;
  const data = asObject(parseJson(raw));
  if (data === null) throw notAura(200, `event ${id} (${name}) is no JSON object`);
  if (Object.hasOwn(known, name)) return { id, type: name, data, raw };
  return { id, type: "unknown", name, data, raw };
}

// src/approvals.ts
var Approvals = class {
  #transport;
  constructor(transport) {
    this.#transport = transport;
  }
  /** A page of the tenant's requests, newest first. */
  async list({ status, limit, before, signal } = {}) {
    const path = `/aura/approvals${query({ status, limit, before })}`;
    return (await this.#transport.call({ method: "GET", path }, signal)).data;
  }
  /**
   * What waits, live: a `snapshot`, then what is asked and decided. It does not end by itself. Where the server no
   * longer knows what came after the last event, there is another `snapshot`, which takes the place of all before.
   * Leaving the loop, `close()` and an aborted signal close the connection.
   */
  watch({ signal, ...options } = {}) {
    return new Closable((signal2) => this.#watched({ ...options, signal: signal2 }), signal);
  }
  async *#watched(options) {
    const request = (last) => ({
      method: "GET",
      path: "/aura/approvals/stream",
      headers: { Accept: "text/event-stream", ...last === null ? {} : { "Last-Event-ID": last } }
    });
    const beginsAnew = ({ event }) => event === "snapshot";
    for await (const frame of resumable(this.#transport, { request, beginsAnew }, options)) yield inboxEventOf(frame);
  }
  /** One request. */
  async get(requestId, options = {}) {
    const path = `/aura/hitl/requests/${segment("requestId", requestId)}`;
    const { status, data } = await this.#transport.call({ method: "GET", path }, options.signal);
    const request = asObject(parseJson(data));
    if (request === null) throw notAura(status, "the request is no JSON object");
    return request;
  }
  /** Says yes, to the arguments as they are or to changed ones. */
  approve(requestId, { args, signal } = {}) {
    return this.#review("approve", requestId, args === void 0 ? {} : { args }, signal);
  }
  /** Says no. */
  reject(requestId, { reason, signal } = {}) {
    return this.#review("reject", requestId, reason === void 0 ? {} : { reason }, signal);
  }
  async #review(verb, requestId, body, signal) {
    const path = `/aura/approvals/${segment("requestId", requestId)}/${verb}`;
    const { status, data } = await this.#transport.call({ method: "POST", path, body }, signal);
    return outcomeOf(data, status !== 409);
  }
};
function outcomeOf(data, isFirst) {
  if ("supersedes" in data) {
    const { requestId: requestId2, sessionId: sessionId2, supersedes } = data;
    return { kind: "superseded", requestId: requestId2, sessionId: sessionId2, supersedes, isFirst };
  }
  if ("approvalsNeeded" in data) {
    const { requestId: requestId2, sessionId: sessionId2, approvals, approvalsNeeded } = data;
    return { kind: "endorsed", requestId: requestId2, sessionId: sessionId2, approvals, approvalsNeeded };
  }
  const { requestId, sessionId, status, supersededBy, reason = null } = data;
  if (supersededBy !== void 0) {
    return { kind: "superseded", requestId: supersededBy, sessionId, supersedes: requestId, isFirst };
  }
  return { kind: "decided", requestId, sessionId, status, isFirst, reason };
}

// src/audit.ts
var Audit = class {
  #transport;
  constructor(transport) {
    this.#transport = transport;
  }
  /** A page of it, oldest first. */
  async list({ after, limit, signal } = {}) {
    const path = `/aura/audit${query({ after, limit })}`;
    return (await this.#transport.call({ method: "GET", path }, signal)).data;
  }
};

// src/idempotency.ts
function newIdempotencyKey() {
  const bytes = new Uint8Array(16);
  const source = globalThis.crypto;
  if (source === void 0) bytes.forEach((_, at) => bytes[at] = Math.random() * 256);
  else source.getRandomValues(bytes);
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

// src/options.ts
function settingsOf(options) {
  const baseUrl = baseUrlOf(options.baseUrl);
  const idleTimeoutMs = options.idleTimeoutMs ?? 45e3;
  if (!(idleTimeoutMs > 0)) throw new RangeError(`idleTimeoutMs must be more than 0, is ${idleTimeoutMs}`);
  const { tenantId, token } = options;
  if (typeof token !== "string" && typeof token !== "function") {
    throw new TypeError(`token must be a text or a function, is ${token === null ? "null" : typeof token}`);
  }
  if (typeof tenantId !== "string" || tenantId.trim() === "") {
    throw new TypeError(`tenantId must be a text that is not blank, is ${JSON.stringify(tenantId)}`);
  }
  const headers = { ...options.headers, "X-Tenant-ID": tenantId };
  if (options.userId !== void 0) headers["X-User-ID"] = options.userId;
  if (options.agentId !== void 0) headers["X-Agent-ID"] = options.agentId;
  return {
    baseUrl,
    token,
    headers,
    // Browsers insist on being called with `window` as `this`.
    fetch: options.fetch ?? ((input, init) => globalThis.fetch(input, init)),
    retry: { ...DEFAULT_RETRY, ...options.retry },
    idleTimeoutMs
  };
}
function baseUrlOf(given) {
  const page = globalThis.location;
  const url = parsedUrl(given, page?.href);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    const or = page === void 0 ? "" : ", or be a path of this page's server";
    throw new TypeError(`baseUrl must begin with http:// or https://${or}; it is ${JSON.stringify(given)}`);
  }
  return url.href.replace(/\/+$/, "");
}
function parsedUrl(given, base) {
  try {
    return new URL(given, base);
  } catch {
    return null;
  }
}

// src/view.ts
var EMPTY_VIEW = {
  answer: "",
  plan: [],
  tools: [],
  pendingApprovals: [],
  error: null,
  end: null,
  asking: null,
  requests: /* @__PURE__ */ new Map()
};
function viewAfter(view, event) {
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
function stepOf({ stepId, title, description, status, order, confidence }) {
  return { stepId, title, description, status, order, confidence, progress: 0 };
}
function withStep(plan, step) {
  const others = plan.filter(({ stepId }) => stepId !== step.stepId);
  return [...others, step].sort((a, b) => a.order - b.order);
}
function moved(step, update) {
  if (step.stepId !== update.stepId) return step;
  const { status, progress, confidence = step.confidence } = update;
  return { ...step, status, progress, confidence };
}
function withTool(view, call) {
  const isKnown = view.tools.some((tool) => tool.toolCallId === call.toolCallId);
  const tools = isKnown ? view.tools.map((tool) => tool.toolCallId === call.toolCallId ? call : tool) : [...view.tools, call];
  if (call.status === "pending") return { ...view, tools, asking: call.toolCallId };
  return { ...view, tools, pendingApprovals: withoutCall(view, call.toolCallId) };
}
function withQuestion(view, question) {
  const others = view.asking === null ? view.pendingApprovals : withoutCall(view, view.asking);
  const requests = new Map(view.requests);
  if (view.asking !== null) requests.set(view.asking, question.requestId);
  const isOther = (pending) => pending.requestId !== question.requestId;
  return { ...view, requests, pendingApprovals: [...others.filter(isOther), question] };
}
function withoutCall(view, toolCallId) {
  const requestId = view.requests.get(toolCallId);
  return view.pendingApprovals.filter((pending) => pending.requestId !== requestId);
}

// src/run.ts
function sessionSource(sessionId) {
  const path = `/aura/sessions/${segment("sessionId", sessionId)}/stream`;
  return { request: () => ({ method: "GET", path }), sessionId };
}
var AuraRun = class _AuraRun {
  #transport;
  #sessions;
  #source;
  #options;
  #session = deferred();
  #result = deferred();
  #events;
  /** The first event is asked for before anybody iterates, so that the run starts. */
  #first;
  #sessionId;
  #view = EMPTY_VIEW;
  #isTaken = false;
  /** The run as it is read from its first event, where this one began later. */
  #whole = null;
  constructor(transport, sessions, source, options) {
    this.#transport = transport;
    this.#sessions = sessions;
    this.#source = source;
    this.#options = options;
    this.#sessionId = source.sessionId;
    if (source.sessionId !== null) this.#session.resolve(source.sessionId);
    this.#events = new Closable((signal) => this.#read(signal), options.signal);
    this.#first = this.#events.next();
    this.#first.catch(ignore);
  }
  /** The session's id, once the server has accepted the run. */
  get sessionId() {
    return this.#session.promise;
  }
  /** Stops the run on the server; its stream then ends with `end` (`cancelled`). */
  async cancel() {
    return this.#sessions.cancel(await this.sessionId);
  }
  /**
   * The answer and the end. Reads the stream, unless somebody else does already. Where that does not begin with the
   * run (`lastEventId`), the session is read again from its first event: an answer is whole or there is none.
   */
  async result() {
    if (!this.#isTaken) for await (const _ of this) ;
    const result = await this.#result.promise;
    if (this.#options.lastEventId === void 0) return result;
    return (this.#whole ??= this.#fromTheBeginning(result.sessionId)).result();
  }
  /** Closes the connection, also while somebody waits for an event; the run goes on. */
  async close() {
    await this.#events.close();
  }
  [Symbol.asyncDispose]() {
    return this.close();
  }
  /** The events; they can be iterated over once. */
  [Symbol.asyncIterator]() {
    if (this.#isTaken) throw new TypeError("a run can be iterated over once; join its session to read it again");
    this.#isTaken = true;
    let first = this.#first;
    const next = () => {
      const ahead = first ?? this.#events.next();
      first = null;
      return ahead;
    };
    return { next, return: () => this.#events.return() };
  }
  #fromTheBeginning(sessionId) {
    const { lastEventId: _, ...options } = this.#options;
    return new _AuraRun(this.#transport, this.#sessions, sessionSource(sessionId), options);
  }
  async *#read(signal) {
    try {
      const options = { ...this.#options, signal };
      for await (const frame of resumable(this.#transport, this.#connections(), options)) {
        const event = eventOf(frame);
        this.#view = viewAfter(this.#view, event);
        yield event;
      }
      this.#ended();
    } catch (error) {
      this.#failed(error);
      throw error;
    } finally {
      this.#failed(left());
    }
  }
  #connections() {
    return {
      request: (last) => {
        const request = this.#source.request(this.#sessionId);
        const headers = { ...request.headers, Accept: "text/event-stream" };
        if (last !== null) headers["Last-Event-ID"] = last;
        return { ...request, headers };
      },
      accepted: (response) => {
        const sessionId = response.headers.get("x-session-id");
        if (sessionId === null) throw notAura(response.status, "the stream does not name its session (X-Session-ID)");
        this.#sessionId = sessionId;
        this.#session.resolve(sessionId);
      }
    };
  }
  #ended() {
    const { answer, end } = this.#view;
    const sessionId = this.#sessionId ?? "";
    this.#result.resolve({ sessionId, answer, ...end ?? { status: "lost", usage: null, error: this.#view.error } });
  }
  #failed(error) {
    this.#session.reject(error);
    this.#result.reject(error);
  }
};
function deferred() {
  let settle;
  const promise = new Promise((resolve, reject) => settle = { resolve, reject });
  promise.catch(ignore);
  return { promise, resolve: (value) => settle?.resolve(value), reject: (error) => settle?.reject(error) };
}
function ignore() {
}

// src/transport.ts
var Transport = class {
  settings;
  constructor(settings) {
    this.settings = settings;
  }
  /**
   * Sends a request once, or twice where the token was refused and there is a function to ask for another.
   * Returns every answer whose status is below 300, and 409, which callers read themselves; throws an `AuraError`
   * for all others, and for connections that failed.
   */
  async send(request, signal) {
    let response = await this.#sendOnce(request, false, signal);
    if (response.status === 401 && typeof this.settings.token === "function") {
      await response.body?.cancel();
      response = await this.#sendOnce(request, true, signal);
    }
    if (response.ok || response.status === 409) return response;
    throw await refusalOf(response);
  }
  /**
   * Sends a request that may be repeated, and reads its answer. The server's word is taken for what `data` has: its
   * schemas are where the types come from.
   */
  async call(request, signal) {
    const backoff = new Backoff(this.settings.retry, this.settings.retry.maxRequestAttempts);
    for (; ; ) {
      try {
        return await this.#callOnce(request, signal);
      } catch (error) {
        signal?.throwIfAborted();
        if (!(error instanceof AuraError) || !error.retryable) throw error;
        const delay = backoff.fail(error.retryAfterMs);
        if (delay === null) throw error;
        await sleep(delay, signal);
      }
    }
  }
  async #callOnce(request, signal) {
    const watchdog = new Watchdog(this.settings.idleTimeoutMs, signal);
    try {
      return await watchdog.within(this.#answer(request, watchdog.signal));
    } catch (error) {
      throw watchdog.timedOut ? connectionLost("no answer in time", error) : error;
    } finally {
      watchdog.close();
    }
  }
  async #answer(request, signal) {
    const response = await this.send(request, signal);
    const text = await textOf(response);
    const body = asObject(parseJson(text));
    const data = body?.["status"] === "SUCCESS" ? body["data"] : void 0;
    if (data !== void 0) return { status: response.status, data };
    if (response.ok) throw notAura(response.status, "the answer is not in the platform's envelope");
    throw refusalWith(response, text);
  }
  async #sendOnce(request, renew, signal) {
    const { baseUrl, fetch } = this.settings;
    const init = {
      method: request.method,
      headers: await this.#headers(request, renew),
      signal,
      cache: "no-store"
    };
    if (request.body !== void 0) init.body = JSON.stringify(request.body);
    signal.throwIfAborted();
    try {
      return await fetch(baseUrl + request.path, init);
    } catch (error) {
      signal.throwIfAborted();
      throw connectionLost("the server cannot be reached", error);
    }
  }
  async #headers(request, renew) {
    const { token } = this.settings;
    const headers = new Headers({ Accept: "application/json", ...this.settings.headers, ...request.headers });
    headers.set("Authorization", `Bearer ${typeof token === "string" ? token : await token({ renew })}`);
    if (request.body !== void 0) headers.set("Content-Type", "application/json");
    return headers;
  }
};
async function textOf(response) {
  try {
    return await response.text();
  } catch (error) {
    throw connectionLost("the connection broke within the answer", error);
  }
}

// src/client.ts
var AuraClient = class {
  sessions;
  approvals;
  /** For operators only. */
  admin;
  audit;
  #transport;
  constructor(options) {
    this.#transport = new Transport(settingsOf(options));
    this.sessions = new Sessions(this.#transport);
    this.approvals = new Approvals(this.#transport);
    this.admin = new Admin(this.#transport);
    this.audit = new Audit(this.#transport);
  }
  /** Starts a run. It is started once, however often its first request has to be repeated. */
  run(prompt, options = {}) {
    checkStart(options);
    const { context, threadId } = options;
    const key = options.idempotencyKey ?? newIdempotencyKey();
    const body = { prompt, context, thread_id: threadId };
    const request = (session) => ({
      method: "POST",
      path: "/aura/test/stream",
      headers: { "Idempotency-Key": key, ...session === null ? {} : { "X-Session-ID": session } },
      body
    });
    return new AuraRun(this.#transport, this.sessions, { request, sessionId: null }, options);
  }
  /** Reads a session's stream, from its first event or after `lastEventId`. */
  join(sessionId, options = {}) {
    return new AuraRun(this.#transport, this.sessions, sessionSource(sessionId), options);
  }
};
function checkStart(options) {
  const { sessionId, lastEventId, idempotencyKey } = options;
  if (sessionId !== void 0) throw new TypeError("run() takes no sessionId: join(sessionId) reads a session");
  if (lastEventId !== void 0 && idempotencyKey === void 0) {
    const instead = "join(sessionId, { lastEventId }) reads a session on";
    throw new TypeError(`run() takes no lastEventId without the idempotencyKey of its run: ${instead}`);
  }
}

// src/run-store.ts
var IDLE = snapshotOf(null);
var RunStore = class {
  /** Who is asked from now on. */
  client;
  #listeners = /* @__PURE__ */ new Set();
  #reading = null;
  #isAttached = true;
  /** Made once somebody looks, and kept until something changes. */
  #snapshot = IDLE;
  constructor(client) {
    this.client = client;
  }
  /** Calls `listener` after each change, until the function that it returns is called. */
  subscribe = (listener) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };
  /** What there is now: the same object until something changes. */
  snapshot = () => this.#snapshot ??= snapshotOf(this.#reading);
  /**
   * Starts a run in the place of the one before, which goes on on the server. To start what is under way already
   * starts nothing: a double click, or an effect that runs twice, is one run. Where its stream could not be read
   * (status `error`) because of the connection or the token, it is read again; after every other error, such as a
   * session that the server has lost, this starts anew.
   */
  start = (prompt, { context, threadId } = {}) => {
    const idempotencyKey = newIdempotencyKey();
    const options = { idempotencyKey, ...context && { context }, ...threadId && { threadId } };
    const of = JSON.stringify(["start", prompt, context, threadId]);
    this.#begin(of, (client, signal) => client.run(prompt, { ...options, signal }));
  };
  /** Shows a session that is there already, from its first event: after a page was loaded again, for instance. */
  join = (sessionId) => {
    segment("sessionId", sessionId);
    this.#begin(JSON.stringify(["join", sessionId]), (client, signal) => client.join(sessionId, { signal }));
  };
  /** Reads on where `detach` has stopped; a new store is attached. */
  attach = () => {
    this.#isAttached = true;
    if (this.#reading !== null) this.#connect(this.#reading);
  };
  /** Closes the connection, and makes none until `attach`. The run goes on. */
  detach = () => {
    this.#isAttached = false;
    this.#disconnect();
  };
  /** Stops the run on the server. */
  cancel = async () => {
    const run = this.#reading?.run;
    if (run === null || run === void 0) throw new Error("there is no run to cancel");
    return run.cancel();
  };
  /** Says yes to the request that a person has read: another one may be asked about by now. */
  approve = (requestId, options = {}) => this.client.approvals.approve(requestId, options);
  /** Says no to it. */
  reject = (requestId, options = {}) => this.client.approvals.reject(requestId, options);
  #begin(of, open) {
    const current = this.#reading;
    if (current !== null && current.of === of && !current.isOver) {
      if (this.#isAttached) this.#connect(current);
      return;
    }
    this.#disconnect();
    this.#reading = {
      of,
      open,
      run: null,
      connection: null,
      sessionId: null,
      events: [],
      view: EMPTY_VIEW,
      isOver: false,
      error: null
    };
    this.#changed();
    if (this.#isAttached) this.#connect(this.#reading);
  }
  #connect(reading) {
    if (reading.connection !== null || reading.isOver) return;
    const connection2 = new AbortController();
    reading.connection = connection2;
    if (reading.error !== null) {
      reading.error = null;
      this.#changed();
    }
    reading.run = opened(this.client, reading, connection2.signal);
    void this.#read(reading, reading.run, connection2.signal);
  }
  async #read(reading, run, signal) {
    try {
      reading.sessionId = await run.sessionId;
      this.#changed();
      for await (const event of run) {
        if (signal.aborted) return;
        reading.events.push(event);
        reading.view = viewAfter(reading.view, event);
        reading.isOver = reading.view.end !== null;
        this.#changed();
      }
      reading.isOver = true;
    } catch (error) {
      if (signal.aborted) return;
      if (!reading.isOver) {
        reading.error = error instanceof Error ? error : new Error(String(error));
        reading.isOver = isFinal(error);
      }
    }
    reading.connection = null;
    this.#changed();
  }
  #disconnect() {
    const reading = this.#reading;
    if (reading === null) return;
    reading.connection?.abort();
    reading.connection = null;
  }
  #changed() {
    this.#snapshot = null;
    for (const listener of this.#listeners) listener();
  }
};
function opened(client, { sessionId, events, open }, signal) {
  if (sessionId === null) return open(client, signal);
  const lastEventId = events.at(-1)?.id;
  return client.join(sessionId, { signal, ...lastEventId !== void 0 && { lastEventId } });
}
function snapshotOf(reading) {
  const { answer, plan, tools, error: failure, ...view } = reading?.view ?? EMPTY_VIEW;
  const pendingApprovals = reading?.isOver === true ? [] : view.pendingApprovals;
  const all = reading?.events ?? [];
  const count = all.length;
  let copy = null;
  return {
    status: reading === null ? "idle" : statusOf(reading),
    sessionId: reading?.sessionId ?? null,
    // Once somebody looks: a copy for every change would be as many copies as there are events.
    get events() {
      return copy ??= all.slice(0, count);
    },
    answer,
    plan,
    tools,
    pendingApproval: pendingApprovals[0] ?? null,
    pendingApprovals,
    failure,
    error: reading?.error ?? null
  };
}
function isFinal(error) {
  return error instanceof AuraError && !error.retryable && error.status !== 401;
}
function statusOf({ view, events, isOver, error }) {
  if (view.end !== null) return view.end.status;
  if (error !== null) return "error";
  if (isOver) return "lost";
  if (view.pendingApprovals.length > 0) return "waiting_approval";
  return events.length === 0 ? "connecting" : "running";
}
export {
  AuraClient,
  AuraError,
  AuraRun,
  EMPTY_VIEW,
  RunStore,
  viewAfter
};
