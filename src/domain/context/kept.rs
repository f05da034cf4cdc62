//! What of a page's context is kept with its run.

use serde_json::{Map, Value, json};

use super::{PageContext, says_something};

/// The longest context that is kept as it was sent, in bytes of JSON without blanks. Pages send a few hundred.
const WHOLE_MAX: usize = 64 * 1024;

impl PageContext {
    /// The context itself, unless it is longer than a run is to keep for as long as its journal lives: then
    /// one that has only what is told of this one, with the same lines and the same summary, and the length
    /// of what was sent as `contextBytes`.
    #[must_use]
    pub fn to_be_kept(self) -> Self {
        let bytes = Value::Object(self.0.clone()).to_string().len();
        if bytes <= WHOLE_MAX { self } else { self.told_alone(bytes) }
    }

    fn told_alone(&self, bytes: usize) -> Self {
        let path = ("path", self.path().map(Value::String));
        let plain = ["activeApp", "url", "title", "itemId"];
        let plain = plain.map(|name| (name, self.plain(name).map(Value::String)));
        let selected = ("selectedItemIds", self.selected().map(|items| json!([items])));
        let entries = self.entries().into_iter().map(|(key, value)| (key, Value::String(value)));
        let entries = Value::Object(entries.collect());
        let length = says_something(&self.0).then(|| json!(bytes));
        let more = [path, selected, ("metadata", Some(entries)), ("contextBytes", length)];
        let fields = plain.into_iter().chain(more);
        let fields: Map<String, Value> =
            fields.filter_map(|(name, value)| Some((name.to_owned(), value?))).collect();
        Self(fields)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::domain::Language;

    use super::*;

    /// More than twenty values of as many characters as are told make at most so much.
    const TOLD_MAX: usize = 100 * 1024;

    fn is_told_alike(sent: &Value) -> PageContext {
        let page = PageContext::from_json(sent).unwrap();
        let kept = page.clone().to_be_kept();
        assert_eq!(kept.screen_lines(), page.screen_lines());
        assert_eq!(kept.summary(Language::Korean), page.summary(Language::Korean));
        assert!(Value::from(kept.clone()).to_string().len() <= TOLD_MAX);
        kept
    }

    #[test]
    fn a_context_of_usual_length_is_kept_as_it_was_sent() {
        let sent = json!({"activeApp": "mail", "own": {"x": "가".repeat(20_000)}});
        assert_eq!(Value::from(is_told_alike(&sent)), sent);
    }

    #[test]
    fn of_a_longer_one_all_is_kept_that_is_told() {
        let long = "가 \"".repeat(4_000);
        let table: Map<String, Value> =
            (0..30).map(|n| (format!("{n}{long:.600}"), json!(&long))).collect();
        let kept = is_told_alike(&json!({
            "activeApp": "mail", "url": &long, "pathname": "/mail", "title": &long, "itemId": 7,
            "selectedItemIds": [1, &long], "metadata": table, "own": &long,
            "remoteState": {"selectedItems": [{"id": 1, "title": "하나"}], "viewState": {"sort": ["date"]}},
        }));
        assert!(kept.as_map()["contextBytes"].as_u64() > Some(WHOLE_MAX as u64));
        assert!(!kept.as_map().contains_key("own"));
    }

    #[test]
    fn of_one_that_has_nothing_to_tell_it_is_kept_whether_it_said_anything() {
        is_told_alike(&json!({"own": "x".repeat(200_000)}));
        is_told_alike(&json!({"own": vec![Value::Null; 50_000]}));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn whatever_a_page_says_is_told_alike_when_it_is_shortened(
            texts in prop::collection::vec("[ a가\"\\\\\u{200b}\n,:(]{0,40}", 12),
            repeat in 1_usize..40,
        ) {
            let text = |n: usize| json!(texts[n].repeat(repeat));
            is_told_alike(&json!({
                "activeApp": text(0), "url": text(1), "path": text(2), "pathname": text(3),
                "title": text(4), "itemId": text(5), "selectedItemIds": [text(6), text(7)],
                "metadata": {&texts[8]: text(8), "n": [text(9)]},
                "remoteState": {
                    "selectedItems": [{"id": text(6), "title": text(10)}],
                    "context": {&texts[11]: text(11)},
                },
                "pad": "x".repeat(70_000),
            }));
        }
    }
}
