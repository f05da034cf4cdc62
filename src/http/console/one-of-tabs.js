/** One of a browser's tabs reads a stream, and tells the others. */

const HELLO = "hello";

/**
 * A browser has six connections to a server, and a page that waits for a seventh shows nothing: so the tabs of one user
 * share a stream. Whichever tab has it calls `lead()`, which reads for as long as it can; if that ends, or the tab is
 * closed, another one takes over. `ready()` ends once this tab can read (again). `hear(message)`: what the tab that reads
 * has told; `known()`: what it tells a tab that is new, or `null`. Returns how to tell.
 */
export function oneOfTabs(name, { lead, ready, hear, known }) {
  // Over plain HTTP from another machine there are no locks: there each tab reads for itself.
  if (navigator.locks === undefined) {
    void again(ready, lead);
    return () => undefined;
  }
  let isLeading = false;
  const channel = new BroadcastChannel(name);
  const tell = (message) => isLeading && message !== null && channel.postMessage(message);
  channel.addEventListener("message", ({ data }) => (data === HELLO ? tell(known()) : hear(data)));
  channel.postMessage(HELLO);
  void again(ready, () =>
    navigator.locks.request(name, async () => {
      isLeading = true;
      await lead();
      isLeading = false;
    }),
  );
  return tell;
}

async function again(ready, work) {
  for (;;) {
    await ready();
    await work();
  }
}
