//! How a setting may be shown, and what looks like a key.

use url::Url;

use crate::redis_url::RedisUrl;

/// What stands for something that nobody may see.
pub(super) const MASK: &str = "***";

/// What of a setting may be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Visibility {
    /// All of it.
    Plain,
    /// A URL without its user, its password, its query and what looks like a key in its path.
    Url,
    /// A command without what looks like a key in its words.
    Command,
    /// Only whether it is set.
    Secret,
}

impl Visibility {
    /// A setting's text with everything secret in it masked. What is not set stays empty.
    pub(super) fn masked(self, text: &str) -> String {
        match self {
            _ if text.is_empty() => String::new(),
            Self::Plain => text.to_owned(),
            Self::Secret => MASK.to_owned(),
            Self::Url => without_credentials(text),
            Self::Command => self.masked_command(text),
        }
    }

    /// A command as it may stand in the environment: words between blanks, or a JSON list.
    fn masked_command(self, text: &str) -> String {
        if !text.trim_start().starts_with('[') {
            let words: Vec<_> = text.split_whitespace().map(str::to_owned).collect();
            return self.masked_list(&words).join(" ");
        }
        let words = serde_json::from_str::<Vec<String>>(text);
        words.map_or(MASK.to_owned(), |words| {
            serde_json::json!(self.masked_list(&words)).to_string()
        })
    }

    /// A setting's list with everything secret in it masked.
    pub(super) fn masked_list(self, texts: &[String]) -> Vec<String> {
        let is_command = self == Self::Command;
        let before = std::iter::once(None).chain(texts.iter().map(Some));
        let words = before.zip(texts).map(|(before, word)| match is_command {
            true => masked_word(word, before.is_some_and(|option| names_a_key(option))),
            false => word.clone(),
        });
        words.collect()
    }
}

/// Words of options after which a key stands.
const KEYS: [&str; 7] = ["key", "token", "secret", "password", "passwd", "credential", "auth"];

/// Whether it is an option such as `--api-key`, whose value is the next word.
fn names_a_key(word: &str) -> bool {
    word.starts_with('-') && !word.contains('=') && is_about_key(word)
}

/// Whether a text names a key.
fn is_about_key(text: &str) -> bool {
    let small = text.to_ascii_lowercase();
    KEYS.iter().any(|key| small.contains(key))
}

/// Whether an address has what looks like a key in it.
pub(super) fn has_key(url: &Url) -> bool {
    url.path().split('/').any(looks_like_key)
        || url.query_pairs().any(|(name, value)| is_about_key(&name) || looks_like_key(&value))
}

/// A word of a command. What stands behind `=` of an option or a variable for a key is masked, and so
/// is what looks like one; of a header, whatever it says, and of JSON that names a key, all of it.
fn masked_word(word: &str, is_value: bool) -> String {
    if let Some((header, _)) = word.split_once(": ").filter(|(name, _)| !name.contains('{')) {
        return format!("{header}: {MASK}");
    }
    match word.split_once('=') {
        _ if word.contains('{') && is_about_key(word) => MASK.to_owned(),
        _ if is_value || looks_like_key(word) => MASK.to_owned(),
        Some((name, value)) if looks_like_key(value) || is_about_key(name) => {
            format!("{name}={MASK}")
        }
        Some(_) | None if word.contains("://") => without_credentials(word),
        Some(_) | None => word.to_owned(),
    }
}

/// Whether a text looks like a key rather than like a name: long, of one piece, and of letters and
/// digits mixed; or as the keys of well-known services begin.
fn looks_like_key(text: &str) -> bool {
    const BEGINNINGS: [&str; 6] = ["sk-", "ghp_", "github_pat_", "xox", "glpat-", "whsec_"];
    const LONG: usize = 20;
    let is_piece = text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.~+/=".contains(&b));
    let mixed = text.bytes().any(|b| b.is_ascii_digit())
        && text.bytes().any(|b| b.is_ascii_alphabetic())
        && !text.contains('/');
    let is_known = BEGINNINGS.iter().any(|beginning| text.starts_with(beginning));
    is_known || (text.len() >= LONG && is_piece && mixed)
}

/// A URL whose credentials are masked, with whatever the query may hold; what is not a URL is
/// masked altogether, because nobody knows where in it the password is.
fn without_credentials(text: &str) -> String {
    let Ok(mut url) = Url::parse(text) else {
        // Several servers do not make a URL for everybody.
        return RedisUrl::parse(text).map_or(MASK.to_owned(), |_| without_login(text));
    };
    if !url.has_host() {
        return MASK.to_owned();
    }
    let has_credentials = !url.username().is_empty() || url.password().is_some();
    let has_key = url.path().split('/').any(looks_like_key);
    if !has_credentials && !has_key && url.query().is_none() {
        return text.to_owned();
    }
    if has_key {
        let segments = url.path().split('/').map(|part| match looks_like_key(part) {
            true => MASK,
            false => part,
        });
        let path = segments.collect::<Vec<_>>().join("/");
        url.set_path(&path);
    }
    if has_credentials && (url.set_password(None).is_err() || url.set_username(MASK).is_err()) {
        return MASK.to_owned();
    }
    if url.query().is_some() {
        url.set_query(Some(MASK));
    }
    url.to_string()
}

/// The same for what is known to have its login, if any, between `://` and the last `@`.
fn without_login(text: &str) -> String {
    match (text.split_once("://"), text.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, servers))) => format!("{scheme}://{MASK}@{servers}"),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::catalog::visibility;

    fn masked(name: &str, text: &str) -> String {
        visibility(name).masked(text)
    }

    fn masked_list(name: &str, texts: &[String]) -> Vec<String> {
        visibility(name).masked_list(texts)
    }

    #[test]
    fn a_secret_shows_only_that_it_is_set() {
        assert_eq!(masked("auth.jwt_secret", "hunter2hunter2"), "***");
        assert_eq!(masked("auth.jwt_secret", ""), "");
        assert_eq!(masked("api.host", "0.0.0.0"), "0.0.0.0");
    }

    #[test]
    fn a_url_shows_where_it_leads_but_not_who_goes_there() {
        let shown = masked("redis.url", "redis://admin:hunter2@cache:6379/3");
        assert_eq!(shown, "redis://***@cache:6379/3");
        assert_eq!(masked("redis.url", "redis://:hunter2@cache/"), "redis://***@cache/");
        let several = "redis+sentinel://:hunter2@a:1,b:2/mymaster/3";
        assert_eq!(masked("redis.url", several), "redis+sentinel://***@a:1,b:2/mymaster/3");
        assert_eq!(masked("redis.url", "redis+cluster://a:1,b:2"), "redis+cluster://a:1,b:2");
        assert_eq!(masked("smtp.url", "smtps://mail:465"), "smtps://mail:465");
        assert_eq!(masked("github.api_url", "https://h"), "https://h");
        assert_eq!(masked("openai.base_url", "https://h/v1?key=hunter2"), "https://h/v1?***");
    }

    #[test]
    fn a_path_or_a_command_shows_no_key() {
        let url = "https://mcp.example.com/s/A1b2C3d4E5f6G7h8J9k0/mcp";
        assert_eq!(masked("mcp.servers.x.url", url), "https://mcp.example.com/s/***/mcp");
        let plain = "https://mcp.example.com/servers/my-own-long-server-name/mcp";
        assert_eq!(masked("mcp.servers.x.url", plain), plain);
        let command = [
            "npx",
            "-y",
            "@scope/server-filesystem",
            "/srv/data2/documents",
            "--api-key",
            "hunter2",
            "--token=hunter2",
            "API_SECRET=hunter2",
            "ghp_hunter2",
            "0a1b2c3d4e5f60718293",
            "--url=https://u:hunter2@h/x",
            "--header",
            "X-Any: hunter2",
            "{\"apiKey\": \"hunter2\"}",
        ];
        let command: Vec<String> = command.map(str::to_owned).into();
        let shown = masked_list("mcp.servers.x.command", &command).join(" ");
        let expected = "npx -y @scope/server-filesystem /srv/data2/documents --api-key *** \
                        --token=*** API_SECRET=*** *** ***";
        assert!(shown.starts_with(expected), "{shown}");
        assert!(!shown.contains("hunter2"), "{shown}");
        let (in_words, in_json) = ("x --token  hunter2 y", r#"["x", "--token", "hunter2", "y"]"#);
        assert_eq!(masked("mcp.servers.x.command", in_words), "x --token *** y");
        assert_eq!(masked("mcp.servers.x.command", in_json), r#"["x","--token","***","y"]"#);
        assert_eq!(masked("mcp.servers.x.command", r#"["x", "hunter2"#), "***");
        let origins = ["https://a1b2c3d4e5f6g7h8j9k0.example".to_owned()];
        assert_eq!(masked_list("api.cors_origins", &origins), origins);
    }

    #[test]
    fn what_is_not_a_url_is_masked_altogether() {
        for broken in ["redis//:hunter2@cache", "redis:hunter2", "hunter2@cache:6379"] {
            assert_eq!(masked("redis.url", broken), "***", "{broken}");
        }
    }
}
