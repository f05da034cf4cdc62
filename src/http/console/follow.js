/** The page stays at its end while an answer comes, unless the reader has scrolled up. */

const NEAR = 48;

/**
 * `watched`: what grows; `isComing()`: whether that is because an answer comes, and not because the reader has opened
 * something; `onChange(isFollowing)`. Returns `{ toEnd, isFollowing, stop }`.
 */
export function followEnd(watched, isComing, onChange, isFollowing = true) {
  const root = document.scrollingElement;
  let top = root.scrollTop;

  const isAtEnd = () => root.scrollHeight - root.scrollTop - root.clientHeight <= NEAR;

  function change(now) {
    if (now === isFollowing) return;
    isFollowing = now;
    onChange(now);
  }

  /** Growth alone moves nothing up: only the reader does. */
  function onScroll() {
    if (isAtEnd()) change(true);
    else if (root.scrollTop < top - 1) change(false);
    top = root.scrollTop;
  }

  function toEnd() {
    root.scrollTop = root.scrollHeight;
    top = root.scrollTop;
    change(true);
  }

  const observer = new ResizeObserver(() => watched.isConnected && isFollowing && isComing() && toEnd());
  observer.observe(watched);
  document.addEventListener("scroll", onScroll, { passive: true });
  return {
    toEnd,
    isFollowing: () => isFollowing,
    stop() {
      observer.disconnect();
      document.removeEventListener("scroll", onScroll);
    },
  };
}
