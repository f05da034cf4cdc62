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
  const names = { minimum: "at least", maximum: "at most", minLength: "at least (length)", maxLength: "at most (length)", pattern: "like", default: "default" };
  return Object.entries(names).filter(([key]) => is[key] !== undefined && is[key] !== null).map(([key, words]) => `${words} ${is[key]}`).join(", ");
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
    list.append(make("li", "", nested(root, field, head, depth), prose("p", "", about)));
  }
  const others = items ? [items] : choices;
  for (const choice of others) {
    const head = make("span", "soft", items ? `each: ${kindOf(root, choice)}` : `either: ${kindOf(root, choice)}`);
    list.append(make("li", "", nested(root, choice, head, depth), prose("p", "", resolve(root, choice).schema.description)));
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
    const about = `${parameter.description}${limits ? ` (${limits})` : ""}`;
    return make("tr", "", make("td", "", make("code", "", parameter.name), make("div", "soft", `${parameter.in}${parameter.required ? ", required" : ""}`)), prose("td", "", about));
  });
  return rows.length ? [make("h3", "", "Parameters"), make("table", "", ...rows)] : [];
}

function bodiesOf(root, content) {
  return Object.entries(content ?? {}).map(([media, body]) =>
    onDemand(make("code", "", media), () => [fields(root, body.schema), ...(body.example !== undefined ? [make("h3", "", "Example"), example(body.example)] : [])]));
}

function responsesOf(root, operation) {
  return Object.entries(operation.responses).map(([status, response]) => {
    const headers = Object.keys(response.headers ?? {}).join(", ");
    return make("div", "", make("h3", "", make("span", status < "300" ? "status ok" : "status", status)), prose("p", "", response.description), make("p", "soft", headers && `Headers: ${headers}`), ...bodiesOf(root, response.content));
  });
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
  return item(operation.operationId, head, JSON.stringify([path, operation]), () => {
    const body = operation.requestBody;
    return [
      prose("p", "", operation.description),
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
  return item(`event-${key}`, head, JSON.stringify([message.name, payload.schema]), () => [
    prose("p", "", message.summary),
    fields(root, payload.schema),
    ...(message.examples ?? []).map((one) => example(one.payload)),
  ]);
}

function section(title, about, entries) {
  return make("section", "", make("h2", "", title), prose("p", "soft", about), ...entries);
}

function routesOf(openapi) {
  const operations = Object.entries(openapi.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ tag: operation.tags[0], entry: operationItem(openapi, method, path, operation), label: operation.operationId })));
  return openapi.tags.map((tag) => {
    const mine = operations.filter((one) => one.tag === tag.name);
    return { title: tag.name, about: tag.description, mine };
  });
}

function streamsOf(asyncapi) {
  return Object.entries(asyncapi.channels).filter(([name]) => name !== "runEnveloped").map(([name, channel]) => {
    const keys = Object.keys(channel.messages);
    const mine = keys.map((key) => ({ entry: messageItem(asyncapi, key, resolve(asyncapi, channel.messages[key]).schema), label: key }));
    return { title: `stream: ${name}`, about: `${channel.address}\n${channel.description}`, mine: name === "session" ? [] : mine };
  });
}

function find(text) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  for (const entry of document.querySelectorAll(".item")) {
    entry.hidden = !words.every((word) => entry.dataset.words.includes(word));
  }
  for (const part of document.querySelectorAll("section")) {
    part.hidden = words.length > 0 && ![...part.querySelectorAll(".item")].some((entry) => !entry.hidden);
  }
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
  const about = `Version ${openapi.info.version}\n\n${openapi.info.description}\n\n${asyncapi.info.description}`;
  document.getElementById("about").replaceChildren(prose("span", "", about));
  for (const { title, about, mine } of [...routesOf(openapi), ...streamsOf(asyncapi)]) {
    document.getElementById("documents").append(section(title, about, mine.map((one) => one.entry)));
    const links = mine.map((one) => {
      const link = make("a", "", one.label);
      link.href = `#${one.entry.id}`;
      return link;
    });
    document.getElementById("contents").append(make("b", "", title), ...links);
  }
  openNamed();
}

document.getElementById("find").addEventListener("input", (event) => find(event.target.value));
addEventListener("hashchange", openNamed);
show().catch((error) => {
  document.getElementById("about").textContent = `The documents cannot be shown: ${error.message}`;
});
