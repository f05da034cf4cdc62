/** What waits in the tenant, live: one stream for all tabs of a user, and whoever wants to be told of a change. */

import { noteServerTime, serverNow } from "./clock.js";
import { oneOfTabs } from "./one-of-tabs.js";

/** After something that the client does not repeat. */
const AGAIN_MS = 15_000;
/** Pages that are read where more waits than fits a snapshot. */
const PAGES = 20;

const inboxes = new WeakMap();

/** The inbox of whoever is signed in. Everybody who asks gets the same one. */
export function inboxOf(app) {
  const { client } = app;
  if (!inboxes.has(client)) inboxes.set(client, new Inbox(app));
  return inboxes.get(client);
}

class Inbox {
  #app;
  #client;
  #pending = new Map();
  #listeners = new Set();
  #following = new Map();
  #share = null;
  #isKnown = false;

  constructor(app) {
    this.#app = app;
    this.#client = app.client;
  }

  /** Whether there has been a snapshot. */
  get isKnown() {
    return this.#isKnown;
  }

  /** What waits, in the order in which it ends. */
  get pending() {
    return [...this.#pending.values()].sort(
      (one, other) => one.expiresAt - other.expiresAt || one.createdAt - other.createdAt,
    );
  }

  /** The request, if it waits. */
  find(requestId) {
    return this.#pending.get(requestId) ?? null;
  }

  /** `listener({ type: "snapshot" | "asked" | "changed", request })`. Returns what ends it. */
  listen(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Tells of one request whenever something of it has changed. Returns what ends it. */
  follow(requestId, listener) {
    const listeners = this.#following.get(requestId) ?? new Set();
    this.#following.set(requestId, listeners.add(listener));
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0) this.#following.delete(requestId);
    };
  }

  /** Begins to watch, once. */
  start() {
    const { tenant, id } = this.#app.user;
    this.#share ??= oneOfTabs(`aura.inbox.${tenant}/${id}`, {
      lead: () => this.#lead(),
      ready: () => this.#app.token(),
      hear: (told) => this.#hear(told),
      known: () => this.#known(),
    });
  }

  /** Reads until this tab has no token any more: a tab of the same user that has one does it then. */
  async #lead() {
    const controller = new AbortController();
    const lost = this.#app.tokenLost();
    await Promise.race([lost, this.#watch(controller.signal)]);
    controller.abort();
  }

  async #watch(signal) {
    while (!signal.aborted) {
      try {
        const options = { signal, onReconnect: (reconnect) => this.#isAway(reconnect) };
        for await (const event of this.#client.approvals.watch(options)) await this.#take(event);
      } catch (error) {
        if (!signal.aborted) this.#app.fail(error);
      }
      await pause(AGAIN_MS);
    }
  }

  /** A connection that is lost once is had again at once. */
  #isAway({ attempt }) {
    if (attempt > 1) this.#app.offline();
  }

  async #take({ type, data }) {
    if (type === "snapshot") {
      const { timestamp, approvals, next } = data;
      await this.#snapshot([...approvals, ...(await this.#rest(next))], timestamp);
      this.#share(this.#known());
    } else if (type !== "unknown") {
      this.#change(data.request, type);
      this.#share({ type, request: data.request });
    }
  }

  /** What another tab has read. */
  #hear({ type, request, pending, timestamp }) {
    if (type === "snapshot") void this.#snapshot(pending, timestamp);
    else this.#change(request, type);
  }

  #known() {
    return this.#isKnown ? { type: "snapshot", pending: this.pending, timestamp: serverNow() / 1000 } : null;
  }

  /** A snapshot takes the place of all before; what is not in it any more has been decided meanwhile. */
  async #snapshot(all, timestamp) {
    noteServerTime(timestamp);
    const before = this.#pending;
    this.#pending = new Map(all.map((request) => [request.requestId, request]));
    this.#isKnown = true;
    for (const request of all) this.#tellFollowers(request);
    const gone = [...before.values()].filter(({ requestId }) => !this.#pending.has(requestId));
    this.#tell({ type: "snapshot" });
    await Promise.all(gone.map((request) => this.#find(request)));
  }

  async #rest(next) {
    const rest = [];
    for (let page = 0; next !== null && next !== undefined && page < PAGES; page += 1) {
      const found = await this.#client.approvals.list({ before: next, limit: 100 });
      rest.push(...found.approvals);
      next = found.next;
    }
    return rest;
  }

  /** What has become of a request. */
  async #find(request) {
    try {
      const found = await this.#client.approvals.get(request.requestId);
      this.#change({ ...request, ...found, canDecide: false });
    } catch {
      this.#change({ ...request, status: "unknown", canDecide: false });
    }
  }

  #change(request, type = "changed") {
    const isNew = type === "asked" && !this.#pending.has(request.requestId);
    if (request.status === "pending") this.#pending.set(request.requestId, request);
    else this.#pending.delete(request.requestId);
    this.#tellFollowers(request);
    this.#tell({ type: isNew ? "asked" : "changed", request });
    // What somebody's own run asks is said by the conversation that it belongs to.
    if (isNew && request.canDecide && request.requestedBy !== this.#app.user.id) sayNew(this.#app, request);
  }

  #tellFollowers(request) {
    for (const listener of this.#following.get(request.requestId) ?? []) listener(request);
  }

  #tell(change) {
    this.#app.setCount([...this.#pending.values()].filter(({ canDecide }) => canDecide).length);
    for (const listener of this.#listeners) listener(change);
  }
}

/** Says that there is a new request. */
export function sayNew(app, { message }) {
  app.announce(app.t("approvals.new", { question: message }));
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
