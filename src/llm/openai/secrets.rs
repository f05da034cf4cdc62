//! What is sent to a provider and must not come back in what people read.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};

/// Shortest secret that is looked for. A shorter one would be found in the middle of words.
const LENGTH_MIN: usize = 8;
/// What stands for a secret.
const MASK: &str = "[key]";

/// The key and the secret headers of one provider.
#[derive(Clone, Default)]
pub(super) struct Secrets(Vec<SecretString>);

impl Secrets {
    /// Of the key, whatever its length, and of the values of headers.
    pub(super) fn new<'a>(
        key: Option<&'a SecretString>,
        headers: impl IntoIterator<Item = &'a SecretString>,
    ) -> Self {
        let key = key.filter(|key| !key.expose_secret().trim().is_empty());
        let long = |value: &&SecretString| value.expose_secret().trim().len() >= LENGTH_MIN;
        Self(key.into_iter().chain(headers.into_iter().filter(long)).cloned().collect())
    }

    /// A provider's text as one line without keys: some of them quote the key they refuse.
    pub(super) fn redact(&self, text: &str) -> String {
        let masked = self.0.iter().fold(text.to_owned(), |text, secret| {
            text.replace(secret.expose_secret().trim(), MASK)
        });
        let text = masked.replace(|c: char| c.is_control(), " ");
        let is_key = |word: &str| {
            word.trim_start_matches(|c: char| !c.is_ascii_alphanumeric()).starts_with("sk-")
        };
        let words = text.split_whitespace().map(|word| if is_key(word) { MASK } else { word });
        words.collect::<Vec<_>>().join(" ")
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Secrets").field(&self.0.len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_and_long_headers_are_taken_out_and_short_words_are_left() {
        let (key, headers) = (SecretString::from("k7"), ["eu".into(), "team-hunter2".into()]);
        let secrets = Secrets::new(Some(&key), &headers);
        let said = "key k7 of\nteam-hunter2 (sk-abc) has no quota in eu";
        assert_eq!(secrets.redact(said), "key [key] of [key] [key] has no quota in eu");
        let blank = SecretString::from(" ");
        assert_eq!(Secrets::new(Some(&blank), &[]).redact("a b"), "a b");
    }
}
