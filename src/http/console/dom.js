/** The only way in which this page makes elements: whatever is shown becomes a text node, never HTML. */

/**
 * An element. `props`: attributes; `true` is an attribute without a value, `false`, `null` and `undefined` are none, and
 * `onclick`, `onsubmit`, … take functions. `children`: elements and texts, in lists or not; what is not there is left out.
 */
export function h(tag, props, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props ?? {})) set(element, name, value);
  element.append(...nodes(children));
  return element;
}

/** Sets an attribute, or takes it away. An address never leads out of this page. */
export function set(element, name, value) {
  if (name.startsWith("on")) {
    if (typeof value !== "function") throw new TypeError(`${name} takes a function`);
    element.addEventListener(name.slice(2), value);
    return;
  }
  if (value === false || value === null || value === undefined) {
    element.removeAttribute(name);
    return;
  }
  const text = value === true ? "" : String(value);
  if ((name === "href" || name === "src") && !text.startsWith("#")) throw new TypeError(`${name} leads out of the page`);
  element.setAttribute(name, text);
}

/** Shows these instead of what an element has. */
export function replace(element, ...children) {
  element.replaceChildren(...nodes(children));
}

/** Shows a text, unless it is shown already: nothing is read out twice. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function nodes(children) {
  const there = children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false);
  return there.map((child) => (child instanceof Node ? child : document.createTextNode(String(child))));
}
