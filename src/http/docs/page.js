// Shows the two documents that describe the interface. Whatever they say is shown as text, never as HTML.
"use strict";

/** An element with a class and children; a text is a text. */
function make(tag, className, ...children) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...children.filter((child) => child !== undefined && child !== ""));
  return element;
}

/** A text in which what stands between back-ticks is code. */
function prose(tag, className, text) {
  const parts = (text ?? "").split("`");
  return make(tag, className, ...parts.map((part, at) => (at % 2 && at < parts.length - 1 ? make("code", "", part) : part)));
}

/** A text in paragraphs; lines that begin with a dash are a list. */
function text(className, source) {
  const blocks = [];
  for (const line of (source ?? "").split("\n")) {
    const entry = line.startsWith("- ") ? prose("li", "", line.slice(2)) : undefined;
    const last = blocks.at(-1);
    if (entry && last?.tagName === "UL") last.append(entry);
    else if (entry) blocks.push(make("ul", "", entry));
    else if (line) blocks.push(prose("p", className, line));
  }
  return blocks;
}

/** What a reference leads to, and the name that it has there. */
function resolve(root, schema) {
  const target = schema?.$ref;
  if (!target) return { schema: schema ?? {}, name: undefined };
  const parts = target.replace(/^#\//, "").split("/");
  const found = parts.reduce((at, part) => at?.[part], root) ?? {};
  return { schema: { ...found, ...(schema.description && { description: schema.description }) }, name: parts.at(-1) };
}

/** The type of a schema in a few words. */
function kindOf(root, schema) {
  const { schema: is, name } = resolve(root, schema);
  if (is.const !== undefined) return JSON.stringify(is.const);
  if (is.enum) return is.enum.map((word) => JSON.stringify(word)).join(" | ");
  const choice = is.anyOf ?? is.oneOf;
  if (choice && !is.properties) return choice.map((one) => kindOf(root, one)).join(" | ");
  if (is.allOf) return is.allOf.map((one) => resolve(root, one).name).filter(Boolean).join(" & ");
  if (is.type === "array") return `${kindOf(root, is.items)}[]`;
  const type = [is.type ?? "any"].flat().join(" | ");
  return name ? `${name} (${type})` : type;
}

/** The limits of a schema in a few words. */
function limitsOf(root, schema) {
  const { schema: is } = resolve(root, schema);
  const told = {
    minimum: (least) => `at least ${least}`,
    maximum: (most) => `at most ${most}`,
    minLength: (least) => (least === 1 ? "not empty" : `at least ${least} characters`),
    maxLength: (most) => `at most ${most} characters`,
    minItems: (least) => (least === 1 ? "not empty" : `at least ${least} entries`),
    maxItems: (most) => `at most ${most} entries`,
    pattern: (pattern) => `like \`${pattern}\``,
    default: (value) => `${JSON.stringify(value)} if it is left out`,
  };
  return Object.keys(told).filter((key) => is[key] !== undefined && is[key] !== null).map((key) => told[key](is[key])).join(", ");
}

/** The parts of a schema that has any: fields, items, choices. */
function partsOf(root, schema) {
  const { schema: is } = resolve(root, schema);
  const merged = { properties: {}, required: [] };
  const add = (one) => {
    const { schema: part } = resolve(root, one);
    Object.assign(merged.properties, part.properties);
    merged.required.push(...(part.required ?? []));
    (part.allOf ?? []).forEach(add);
  };
  add(is);
  const choices = (is.anyOf ?? is.oneOf ?? []).filter((one) => one.type !== "null");
  return { ...merged, choices, items: is.items };
}

/** A list of fields, each with its own as soon as somebody wants to see them. */
function fields(root, schema, depth = 0) {
  const { properties, required, choices, items } = partsOf(root, schema);
  const list = make("ul");
  for (const [name, field] of Object.entries(properties)) {
    const need = required.includes(name) ? "" : " (may be left out)";
    const head = make("span", "", make("code", "", name), make("span", "soft", ` ${kindOf(root, field)}${need}`));
    const limits = limitsOf(root, field);
    const about = [resolve(root, field).schema.description, limits && `(${limits})`].filter(Boolean).join(" ");
    list.append(make("li", "", nested(root, field, head, depth), ...text("", about)));
  }
  const others = items ? [items] : choices;
  for (const choice of others) {
    const head = make("span", "soft", items ? `each: ${kindOf(root, choice)}` : `either: ${kindOf(root, choice)}`);
    list.append(make("li", "", nested(root, choice, head, depth), ...text("", resolve(root, choice).schema.description)));
  }
  return list;
}

function nested(root, schema, head, depth) {
  const { properties, choices, items } = partsOf(root, schema);
  const inner = Object.keys(properties).length || items || choices.some((one) => kindOf(root, one) !== one.type);
  if (!inner || depth > 5) return head;
  return onDemand(head, () => [fields(root, schema, depth + 1)]);
}

/** Details that are made once they are opened. */
function onDemand(summary, content, className = "") {
  const details = make("details", className, make("summary", "", summary));
  details.addEventListener("toggle", () => details.childElementCount === 1 && details.append(...content()));
  return details;
}

function example(value) {
  return make("pre", "", typeof value === "string" ? value : JSON.stringify(value, null, 2));
}

function parametersOf(root, operation) {
  const rows = (operation.parameters ?? []).map((one) => {
    const parameter = resolve(root, one).schema;
    const limits = limitsOf(root, parameter.schema);
    const kind = kindOf(root, parameter.schema).replace(/ \| null$/, "");
    const words = kind.includes('"') ? `One of ${kind}. ` : "";
    const about = `${words}${parameter.description}${limits ? ` (${limits})` : ""}`;
    return make("tr", "", make("td", "", make("code", "", parameter.name), make("div", "soft", `${parameter.in}${parameter.required ? ", required" : ""}`)), prose("td", "", about));
  });
  return rows.length ? [make("h3", "", "Parameters"), make("table", "", ...rows)] : [];
}

/** The bodies of an answer, first that in one of the `usual` types; others come to those who ask for them. */
function bodiesOf(root, content, usual) {
  const isUsual = (media) => usual.has(media);
  const bodies = Object.entries(content ?? {}).sort(([one], [other]) => isUsual(other) - isUsual(one));
  return bodies.map(([media, body], at) => {
    const asked = at > 0 && !isUsual(media) ? [make("span", "soft", " if Accept asks for it")] : [];
    const head = make("span", "", make("code", "", media), ...asked);
    return onDemand(head, () => [fields(root, body.schema), ...(body.example !== undefined ? [make("h3", "", "Example"), example(body.example)] : [])]);
  });
}

function responsesOf(root, operation) {
  const usual = new Set(Object.entries(operation.responses).filter(([status]) => status < "300").flatMap(([, response]) => Object.keys(response.content ?? {})));
  return Object.entries(operation.responses).map(([status, response]) => {
    const headers = Object.keys(response.headers ?? {}).join(", ");
    return make("div", "", make("h3", "", make("span", status < "300" ? "status ok" : "status", status)), ...text("", response.description), make("p", "soft", headers && `Headers: ${headers}`), ...bodiesOf(root, response.content, usual));
  });
}

/** All that a part of a document says, with what it refers to: what a search looks through. */
function wordsOf(root, part, seen = new Set()) {
  if (typeof part !== "object" || part === null) return String(part);
  const target = part.$ref;
  if (target) {
    if (seen.has(target)) return "";
    seen.add(target);
  }
  const own = target ? [resolve(root, part).schema] : Object.entries(part).flat();
  return own.map((one) => wordsOf(root, one, seen)).join(" ");
}

/** One entry of the page, which can be found and linked to. */
function item(id, head, words, content) {
  const details = make("details", "item", make("summary", "", ...head));
  details.id = id;
  details.dataset.words = words.toLowerCase();
  details.addEventListener("toggle", () => details.childElementCount === 1 && details.append(make("div", "body", ...content())));
  return details;
}

function operationItem(root, method, path, operation) {
  const head = [make("span", `verb ${method}`, method.toUpperCase()), make("span", "path", path), make("span", "soft", operation.summary)];
  return item(operation.operationId, head, wordsOf(root, [path, operation]), () => {
    const body = operation.requestBody;
    return [
      ...text("", operation.description),
      make("p", "soft", operation.security.length ? "Wants a token." : "Wants no token."),
      ...parametersOf(root, operation),
      ...(body ? [make("h3", "", "Body"), prose("p", "", body.description), ...Object.values(body.content).map((one) => fields(root, one.schema))] : []),
      ...responsesOf(root, operation),
    ];
  });
}

function messageItem(root, key, message) {
  const payload = resolve(root, message.payload);
  const head = [make("span", "path", message.name), make("span", "soft", message.summary.split(". ")[0].replace(/\.?$/, "."))];
  return item(`event-${key}`, head, wordsOf(root, [message.name, payload.schema]), () => [
    ...text("", message.summary),
    fields(root, payload.schema),
    ...(message.examples ?? []).map((one) => example(one.payload)),
  ]);
}

function section(title, about, entries) {
  return make("section", "", make("h2", "", title), ...text("soft", about), ...entries);
}

function routesOf(openapi) {
  const operations = Object.entries(openapi.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ tag: operation.tags[0], entry: operationItem(openapi, method, path, operation), label: `${method.toUpperCase()} ${path}` })));
  return openapi.tags.map((tag) => {
    const mine = operations.filter((one) => one.tag === tag.name);
    return { title: tag.name, about: tag.description, mine };
  });
}

/** The streams, each with what it is read at. Those whose events have been told already are told of there. */
function streamsOf(asyncapi) {
  const channels = Object.entries(asyncapi.channels);
  const isLike = (one, other) => Object.keys(one.messages)[0].replace("_enveloped", "") === Object.keys(other.messages)[0];
  const first = channels.filter(([, channel], at) => !channels.slice(0, at).some(([, before]) => isLike(channel, before)));
  return first.map(([name, channel]) => {
    const alike = channels.map(([, other]) => other).filter((other) => isLike(other, channel));
    const about = alike.map((other) => `- \`${other.address}\`: ${other.description}`).join("\n");
    const keys = Object.keys(channel.messages);
    const mine = keys.map((key) => ({ entry: messageItem(asyncapi, key, resolve(asyncapi, channel.messages[key]).schema), label: key }));
    return { title: `stream: ${name}`, about, mine };
  });
}

/** Shows what has all of these words, in the text and in the contents, and says how much that is. */
function find(text) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const has = (entry) => words.every((word) => entry.dataset.words.includes(word));
  for (const entry of document.querySelectorAll(".item")) {
    entry.hidden = !has(entry);
    document.querySelector(`nav a[href="#${CSS.escape(entry.id)}"]`).hidden = entry.hidden;
  }
  for (const part of document.querySelectorAll("#documents section, nav div")) {
    part.hidden = [...part.querySelectorAll(".item, a")].every((entry) => entry.hidden);
  }
  const found = document.querySelectorAll(".item:not([hidden])").length;
  document.getElementById("found").textContent = words.length ? `${found} found` : "";
}

/** A line that starts a run on this very server. */
function firstLine() {
  const url = new URL("test/stream", location.href);
  return `curl -N '${url}' -H "Authorization: Bearer $TOKEN" -H "X-Tenant-ID: $TENANT" \\\n  -H 'Content-Type: application/json' -d '{"prompt":"안녕하세요"}'`;
}

function openNamed() {
  const entry = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (entry?.tagName === "DETAILS") {
    entry.open = true;
    entry.scrollIntoView();
  }
}

async function read(path) {
  const response = await fetch(path);
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  return response.json();
}

async function show() {
  const [openapi, asyncapi] = await Promise.all([read("openapi.json"), read("asyncapi.json")]);
  const [summary, ...rest] = openapi.info.description.split("\n\n");
  document.getElementById("about").replaceChildren(prose("p", "", `${summary} Version ${openapi.info.version}.`));
  document.getElementById("more").append(...text("", [...rest, asyncapi.info.description].join("\n\n")));
  document.getElementById("line").textContent = firstLine();
  for (const { title, about, mine } of [...routesOf(openapi), ...streamsOf(asyncapi)]) {
    document.getElementById("documents").append(section(title, about, mine.map((one) => one.entry)));
    const links = mine.map((one) => {
      const link = make("a", "", one.label);
      link.href = `#${one.entry.id}`;
      return link;
    });
    document.getElementById("contents").append(make("div", "", make("b", "", title), ...links));
  }
  // So that a search can be linked to: `?find=hitl`.
  const field = document.getElementById("find");
  field.value ||= new URLSearchParams(location.search).get("find") ?? "";
  find(field.value);
  openNamed();
}

document.getElementById("find").addEventListener("input", (event) => find(event.target.value));
addEventListener("hashchange", openNamed);
show().catch((error) => {
  document.getElementById("about").textContent = `The documents cannot be shown: ${error.message}`;
});
