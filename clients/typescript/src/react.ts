/** `useAuraRun`: one run at a time in a React component. */

import { useEffect, useState, useSyncExternalStore } from "react";
import type { AuraClient } from "./client.js";
import { RunStore, type RunSnapshot } from "./run-store.js";

export interface AuraRunHook extends RunSnapshot, Pick<RunStore, "start" | "join" | "cancel" | "approve" | "reject"> {}

/**
 * What a component shows of a run, and what it can do with it. Unmounting closes the stream, and the run goes on;
 * whatever React mounts twice starts one run. The functions stay the same from render to render.
 */
export function useAuraRun(client: AuraClient): AuraRunHook {
  const [store] = useState(() => new RunStore(client));
  useEffect(() => {
    store.client = client;
  }, [store, client]);
  useEffect(() => {
    store.attach();
    return store.detach;
  }, [store]);
  const snapshot = useSyncExternalStore(store.subscribe, store.snapshot, store.snapshot);
  const { start, join, cancel, approve, reject } = store;
  // Not spread: `events` is made when it is looked at.
  return Object.defineProperties(
    { start, join, cancel, approve, reject },
    Object.getOwnPropertyDescriptors(snapshot),
  ) as AuraRunHook;
}
