//! The generated part of `docs/EVENTS.md`: every event with its fields, every word, every code.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::Path;

use aura_platform::app::{asyncapi_json, openapi_json};
use serde_json::Value;

const BEGIN: &str =
    "<!-- made from the code: `BLESS=1 cargo test --test it -- described::` writes it -->\n";
const END: &str = "<!-- end of what is made from the code -->\n";

/// Both documents.
struct Documents {
    openapi: Value,
    asyncapi: Value,
}

impl Documents {
    fn read() -> Self {
        let [openapi, asyncapi] =
            [openapi_json(), asyncapi_json()].map(|text| serde_json::from_str(&text).unwrap());
        Self { openapi, asyncapi }
    }

    /// The part of the page that is made from them.
    fn page(&self) -> String {
        let mut page = String::from("## Events of a run\n");
        self.write_channel(&mut page, "run");
        page.push_str("\n## Events of the inbox\n");
        self.write_channel(&mut page, "inbox");
        page.push_str("\n## The enveloped form\n\n`GET /aura/test/stream` sends the same, each payload in an envelope:\n");
        let envelope = &self.asyncapi["components"]["messages"]["thought_enveloped"]["examples"][0];
        write_example(&mut page, &envelope["payload"]);
        self.write_objects(&mut page);
        self.write_words(&mut page);
        self.write_codes(&mut page);
        page
    }

    fn schema<'a>(&'a self, schema: &'a Value) -> &'a Value {
        match schema["$ref"].as_str() {
            Some(target) => self.asyncapi.pointer(target.trim_start_matches('#')).unwrap(),
            None => schema,
        }
    }

    fn write_channel(&self, page: &mut String, channel: &str) {
        let names = self.asyncapi["channels"][channel]["messages"].as_object().unwrap().keys();
        for name in names.filter(|name| *name != "done") {
            let message = &self.asyncapi["components"]["messages"][name];
            write!(page, "\n### `{name}`\n\n{}\n\n", message["summary"].as_str().unwrap()).unwrap();
            page.push_str("| field | is | means |\n|---|---|---|\n");
            self.write_fields(page, self.schema(&message["payload"]), "");
            let examples = message["examples"].as_array().unwrap_or_else(|| panic!("{name}"));
            write_example(page, &examples[0]["payload"]);
        }
    }

    /// One row for each field; those of every event are said once.
    fn write_fields(&self, page: &mut String, schema: &Value, before: &str) {
        for part in schema["allOf"].as_array().into_iter().flatten() {
            self.write_fields(page, self.schema(part), before);
        }
        let required: Vec<&str> =
            schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        for (name, field) in schema["properties"].as_object().into_iter().flatten() {
            let Some(about) = self.about(field) else { continue };
            let optional = if required.contains(&name.as_str()) { "" } else { ", may be missing" };
            let kind = self.kind(field);
            writeln!(page, "| `{before}{name}` | {kind}{optional} | {about} |").unwrap();
        }
    }

    fn about(&self, field: &Value) -> Option<String> {
        let about = field["description"].as_str().or(self.schema(field)["description"].as_str())?;
        let sentences = about.split("\n\n").next().unwrap_or_default();
        Some(sentences.replace('\n', " ").replace('|', "\\|"))
    }

    /// What a field holds, in a few words.
    fn kind(&self, field: &Value) -> String {
        let schema = self.schema(field);
        if let Some(constant) = schema.get("const") {
            return format!("`{constant}`");
        }
        let named = field["$ref"].as_str().and_then(|target| target.rsplit('/').next());
        let has_section = schema.get("enum").is_some() || schema.get("properties").is_some();
        if let (Some(name), true) = (named, has_section) {
            return format!("[{name}](#{})", name.to_lowercase());
        }
        if let Some(words) = schema["enum"].as_array() {
            let words: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
            return words.join(" or ");
        }
        if let Some(choices) = schema["anyOf"].as_array().or(schema["oneOf"].as_array()) {
            let mut kinds: Vec<String> = Vec::new();
            for kind in choices.iter().map(|one| self.kind(one)) {
                if !kinds.contains(&kind) {
                    kinds.push(kind);
                }
            }
            return kinds.join(" or ");
        }
        match &schema["type"] {
            Value::String(kind) if kind == "array" => {
                format!("list of {}", self.kind(&schema["items"]))
            }
            Value::String(kind) => kind.clone(),
            Value::Array(kinds) => {
                let kinds: Vec<&str> = kinds.iter().filter_map(Value::as_str).collect();
                kinds.join(" or ")
            }
            _ => "any JSON".to_owned(),
        }
    }

    /// Every object with a name that stands in a field, and its fields.
    fn write_objects(&self, page: &mut String) {
        page.push_str("\n## Objects\n");
        let schemas = &self.asyncapi["components"]["schemas"];
        let messages = self.asyncapi["components"]["messages"].as_object().unwrap().values();
        let payloads: Vec<&Value> = messages.map(|message| &message["payload"]["$ref"]).collect();
        let (mut named, mut events) = (BTreeSet::new(), BTreeSet::new());
        for payload in &payloads {
            self.add_named(payload, &mut named);
            events.insert(payload.as_str().and_then(|target| target.rsplit('/').next()));
        }
        // The events themselves are described above.
        for name in named.into_iter().filter(|name| !events.contains(&Some(*name))) {
            if schemas[name].get("properties").is_none() {
                continue;
            }
            let about = self.about(&schemas[name]).unwrap_or_default();
            write!(page, "\n### {name}\n\n{about}\n\n| field | is | means |\n|---|---|---|\n")
                .unwrap();
            self.write_fields(page, &schemas[name], "");
        }
    }

    /// The names of the schemas that this one refers to, by whatever way, with its own.
    fn add_named<'a>(&'a self, schema: &'a Value, named: &mut BTreeSet<&'a str>) {
        match schema {
            Value::String(target) if target.starts_with("#/components/schemas/") => {
                let name = target.rsplit('/').next().unwrap();
                if named.insert(name) {
                    self.add_named(&self.asyncapi["components"]["schemas"][name], named);
                }
            }
            Value::Array(all) => all.iter().for_each(|one| self.add_named(one, named)),
            Value::Object(all) => all.values().for_each(|one| self.add_named(one, named)),
            Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    /// Every enum with a name, and what its words mean.
    fn write_words(&self, page: &mut String) {
        page.push_str("\n## Words\n");
        for (name, schema) in self.asyncapi["components"]["schemas"].as_object().unwrap() {
            if schema.get("enum").is_none() || name == "ErrorCode" {
                continue;
            }
            write!(page, "\n### {name}\n\n| word | means |\n|---|---|\n").unwrap();
            for (word, meaning) in meanings(schema) {
                writeln!(page, "| `{word}` | {meaning} |").unwrap();
            }
        }
    }

    fn write_codes(&self, page: &mut String) {
        page.push_str("\n### ErrorCode\n\n| code | HTTP status | means |\n|---|---|---|\n");
        let statuses = self.statuses();
        for (code, meaning) in meanings(&self.asyncapi["components"]["schemas"]["ErrorCode"]) {
            let statuses = statuses.get(code).map(|all| all.iter().copied().collect::<Vec<_>>());
            let statuses =
                statuses.map_or_else(|| "in streams only".to_owned(), |all| all.join(", "));
            writeln!(page, "| `{code}` | {statuses} | {meaning} |").unwrap();
        }
    }

    /// The statuses that each code comes with.
    fn statuses(&self) -> BTreeMap<&str, BTreeSet<&str>> {
        let mut all: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        // A method that a path does not take is no operation.
        all.entry("E1002").or_default().insert("405");
        let paths = self.openapi["paths"].as_object().unwrap().values();
        for operation in paths.flat_map(|path| path.as_object().unwrap().values()) {
            for (status, response) in operation["responses"].as_object().unwrap() {
                for line in response["description"].as_str().unwrap().lines() {
                    let code = line.strip_prefix("- `").and_then(|rest| rest.split('`').next());
                    let statuses = code.map(|code| all.entry(code).or_default());
                    statuses.map(|statuses| statuses.insert(status));
                }
            }
        }
        all
    }
}

/// The words of an enum, with their meanings.
fn meanings(schema: &Value) -> Vec<(&str, &str)> {
    let lines = schema["description"].as_str().unwrap().lines();
    let found: Vec<_> =
        lines.filter_map(|line| line.strip_prefix("- `")?.split_once("`: ")).collect();
    assert_eq!(found.len(), schema["enum"].as_array().unwrap().len(), "{schema}");
    found
}

fn write_example(page: &mut String, payload: &Value) {
    let json = serde_json::to_string_pretty(payload).unwrap();
    write!(page, "\n```json\n{json}\n```\n").unwrap();
}

#[test]
fn the_event_reference_says_what_the_documents_say() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/EVENTS.md");
    let page = std::fs::read_to_string(&file).unwrap();
    let (before, rest) = page.split_once(BEGIN).expect("the line that begins what is made");
    let (made, after) = rest.split_once(END).expect("the line that ends it");
    let expected = format!("\n{}\n\n", Documents::read().page().trim_end());
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&file, format!("{before}{BEGIN}{expected}{END}{after}")).unwrap();
        return;
    }
    let differs = made.lines().zip(expected.lines()).find(|(is, should_be)| is != should_be);
    let how = "`BLESS=1 cargo test --test it -- described::` writes docs/EVENTS.md anew";
    assert!(made == expected, "{differs:#?}\n{how}");
}
