//! From a tool's typed arguments to the schema that a model sees, and back from what it sent.

use schemars::{JsonSchema, SchemaGenerator};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::tools::ToolError;

/// Reads a call's arguments. No arguments at all (`null`) count as an empty object, and an argument
/// that is `null` counts as one that was not given: models say it either way.
///
/// # Errors
/// [`ToolError::InvalidArguments`], naming the field and what is wrong with it.
pub fn parse_arguments<T: DeserializeOwned>(arguments: &Value) -> Result<T, ToolError> {
    let given = match arguments {
        Value::Null => Value::Object(Map::new()),
        Value::Object(members) => {
            let given = members.iter().filter(|(_, value)| !value.is_null());
            Value::Object(given.map(|(name, value)| (name.clone(), value.clone())).collect())
        }
        other => other.clone(),
    };
    serde_path_to_error::deserialize(given).map_err(|error| {
        let path = error.path().to_string();
        ToolError::InvalidArguments(match path.as_str() {
            "." => error.inner().to_string(),
            path => format!("`{path}`: {}", error.inner()),
        })
    })
}

/// The JSON Schema of a tool's arguments, in the plain form that every provider takes: one object
/// without references, dialect, title or number formats; what is optional is simply not required.
pub fn schema_of<T: JsonSchema>() -> Value {
    let settings = schemars::generate::SchemaSettings::draft2020_12()
        .with(|settings| settings.inline_subschemas = true);
    let mut schema = SchemaGenerator::new(settings).into_root_schema_for::<T>().to_value();
    make_plain(&mut schema);
    schema
}

/// Only walks where schemas are: an argument may well be called `title`.
fn make_plain(schema: &mut Value) {
    let Value::Object(schema) = schema else {
        return;
    };
    for noise in ["$schema", "title", "format", "default"] {
        schema.shift_remove(noise);
    }
    if let Some(Value::Array(types)) = schema.get_mut("type") {
        types.retain(|name| name != "null");
        if let [only] = types.as_mut_slice() {
            let only = only.take();
            schema.insert("type".into(), only);
        }
    }
    if let Some(Value::Object(properties)) = schema.get_mut("properties") {
        properties.values_mut().for_each(make_plain);
    }
    if let Some(items) = schema.get_mut("items") {
        make_plain(items);
    }
}

/// Whether text is one line that shows what it is: no control characters (so no header injection)
/// and none of the invisible ones that make a text look like another, by which a person could be
/// made to approve what they do not see.
pub fn is_plain_line(text: &str) -> bool {
    !text.chars().any(|c| c.is_control() || is_invisible(c))
}

/// Whether text is a [plain line](is_plain_line) fit for a name: without the joiner and the
/// selector that emoji are made of, too, which are as invisible where there is no emoji.
pub fn is_plain_name(text: &str) -> bool {
    is_plain_line(text) && !text.contains(['\u{200d}', '\u{fe0f}'])
}

/// A text from somebody else without what is not seen of it; line breaks and tabs stay.
pub fn without_invisible(text: &str) -> String {
    let is_seen = |c: &char| matches!(c, '\n' | '\t') || !(c.is_control() || is_invisible(*c));
    text.chars().filter(is_seen).collect()
}

/// A text as one [plain line](is_plain_line): what is not seen of it is shown as an escape.
pub fn escape_invisible(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() || is_invisible(c) {
            line.extend(c.escape_unicode());
        } else {
            line.push(c);
        }
    }
    line
}

/// Whether nothing is seen of a character, or it turns the direction of others. The parts of emoji
/// are not meant.
fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            // The fillers of Hangul.
            | '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}'
            | '\u{180e}'
            | '\u{200b}' | '\u{200c}' | '\u{200e}' | '\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{fe00}'..='\u{fe0e}'
            | '\u{feff}'
            | '\u{e0000}'..='\u{e007f}'
            | '\u{e0100}'..='\u{e01ef}'
    )
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "mostly the form counts")]
    struct Arguments {
        /// What it is called.
        title: String,
        /// How many.
        limit: Option<u32>,
        /// For whom.
        #[serde(default)]
        to: Vec<String>,
    }

    #[test]
    fn the_schema_is_plain_and_keeps_an_argument_called_title() {
        let expected = json!({
            "type": "object",
            "properties": {
                "title": {"description": "What it is called.", "type": "string"},
                "limit": {"description": "How many.", "type": "integer", "minimum": 0},
                "to": {"description": "For whom.", "type": "array", "items": {"type": "string"}},
            },
            "additionalProperties": false,
            "required": ["title"],
        });
        assert_eq!(schema_of::<Arguments>(), expected);
    }

    #[test]
    fn a_message_names_the_field_and_what_is_wrong_with_it() {
        let message = |arguments| parse_arguments::<Arguments>(&arguments).unwrap_err().to_string();
        assert_eq!(
            message(json!({"title": "x", "limit": "3"})),
            "the arguments are not valid: `limit`: invalid type: string \"3\", expected u32",
        );
        assert_eq!(
            message(json!({"title": "x", "to": ["a", 7]})),
            "the arguments are not valid: `to[1]`: invalid type: integer `7`, expected a string",
        );
        assert_eq!(message(Value::Null), "the arguments are not valid: missing field `title`");
        assert!(message(json!({"title": "x", "force": true})).contains("unknown field `force`"));
    }

    #[test]
    fn what_could_deceive_the_person_who_approves_is_not_a_plain_line() {
        for text in ["a\nb", "a\0", "main\u{202e}niam", "a\u{200b}b", "a\u{2028}b", "\u{2066}x"] {
            assert!(!is_plain_line(text), "{text:?}");
        }
        for c in
            "\u{ad}\u{34f}\u{61c}\u{115f}\u{1160}\u{180e}\u{200c}\u{3164}\u{fe00}\u{ffa0}\u{e0041}"
                .chars()
        {
            assert!(!is_plain_line(&format!("main{c}")), "{c:?}");
        }
        assert!(is_plain_line("feature 브랜치를 👩‍💻 병합 ❤\u{fe0f}"));
    }

    #[test]
    fn what_is_not_seen_is_left_out_or_shown_as_an_escape() {
        assert_eq!(without_invisible("a\0\u{202e}b\n\tc"), "ab\n\tc");
        assert_eq!(escape_invisible("a\u{202e}b\n병합"), "a\\u{202e}b\\u{a}병합");
        assert!(is_plain_line(&escape_invisible("\u{2066}\r\u{feff}")));
    }

    #[test]
    fn a_name_has_not_even_the_invisible_parts_of_emoji() {
        assert!(is_plain_name("feature/로그인-👍"));
        assert!(!is_plain_name("main\u{200d}") && !is_plain_name("main\u{fe0f}"));
    }

    #[test]
    fn an_argument_that_is_null_was_not_given() {
        let given: Arguments =
            parse_arguments(&json!({"title": "x", "limit": null, "to": null})).unwrap();
        assert_eq!((given.limit, given.to.len()), (None, 0));
        let error = parse_arguments::<Arguments>(&json!({"title": null})).unwrap_err();
        assert_eq!(error.to_string(), "the arguments are not valid: missing field `title`");
    }
}
