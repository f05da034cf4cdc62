/** What a tab, or a browser, keeps of this page. Where it may keep nothing, as in some frames, it is kept while the page is open. */

const PREFIX = "aura.";

/** The tab's: gone when it is closed. */
export const tab = storage(() => sessionStorage);
/** The browser's: no more than what is no secret. */
export const browser = storage(() => localStorage);

function storage(of) {
  const open = new Map();
  const store = () => {
    try {
      return of();
    } catch {
      return null;
    }
  };
  return {
    get: (name) => store()?.getItem(PREFIX + name) ?? open.get(name) ?? null,
    set(name, text) {
      open.set(name, text);
      try {
        store()?.setItem(PREFIX + name, text);
      } catch {
        // It is full: what is open has it.
      }
    },
    /** Forgets all of this page. */
    clear() {
      open.clear();
      const names = Object.keys(store() ?? {}).filter((name) => name.startsWith(PREFIX));
      for (const name of names) store().removeItem(name);
    },
  };
}
