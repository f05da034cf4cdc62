//! Which settings are secret, and how a setting may be shown.

use url::Url;

use super::{mcp, names};
use crate::redis_url::RedisUrl;

/// What stands for something that nobody may see.
pub(super) const MASK: &str = "***";

/// What of a setting may be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Visibility {
    /// All of it.
    Plain,
    /// A URL without its user and password.
    Url,
    /// Only whether it is set.
    Secret,
}

fn visibility(key: &str) -> Visibility {
    if mcp::is_secret(key) || names::entry_of(names::HEADERS, key).is_some() {
        return Visibility::Secret;
    }
    if mcp::is_url(key) {
        return Visibility::Url;
    }
    own_visibility(key)
}

fn own_visibility(key: &str) -> Visibility {
    match key {
        "auth.jwt_secret"
        | "audit.key"
        | "redis.password"
        | "openai.api_key"
        | "azure_openai.api_key"
        | "model.fallback_api_key"
        | "github.token" => Visibility::Secret,
        "redis.url"
        | "smtp.url"
        | "openai.base_url"
        | "azure_openai.endpoint"
        | "model.fallback_base_url"
        | "github.api_url" => Visibility::Url,
        _ => Visibility::Plain,
    }
}

/// Whether a setting may be read from a file that `<NAME>_FILE` names. Not those of child processes:
/// they may have variables of their own that are called so.
pub(super) fn has_file(key: &str) -> bool {
    own_visibility(key) != Visibility::Plain
}

/// Whether a value may be repeated in an error message: neither a secret nor what may hold one.
pub(super) fn may_be_quoted(key: &str) -> bool {
    visibility(key) == Visibility::Plain
}

/// Whether nobody may see a value at all.
pub(super) fn is_hidden(key: &str) -> bool {
    visibility(key) == Visibility::Secret
}

/// A setting's text with everything secret in it masked. What is not set stays empty.
pub(super) fn masked(key: &str, text: &str) -> String {
    match visibility(key) {
        _ if text.is_empty() => String::new(),
        Visibility::Plain => text.to_owned(),
        Visibility::Secret => MASK.to_owned(),
        Visibility::Url => without_credentials(text),
    }
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
    if !has_credentials && url.query().is_none() {
        return text.to_owned();
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
    use super::*;

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
    fn what_is_not_a_url_is_masked_altogether() {
        for broken in ["redis//:hunter2@cache", "redis:hunter2", "hunter2@cache:6379"] {
            assert_eq!(masked("redis.url", broken), "***", "{broken}");
        }
    }
}
