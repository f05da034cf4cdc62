//! `send_email`.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Sendable;
use crate::tools::registry::is_plain_line;

/// How many people one mail goes to.
const MAX_RECIPIENTS: usize = 50;
/// In characters, so that the header line stays within what mail servers take.
const MAX_SUBJECT: usize = 200;
/// In bytes.
const MAX_BODY: usize = 100_000;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Email {
    /// Addresses of the recipients, for instance `minsu.kim@example.com`.
    to: Vec<String>,
    /// Addresses of those who get a copy.
    #[serde(default)]
    cc: Vec<String>,
    /// Subject, one line.
    subject: String,
    /// Text of the mail.
    body: String,
}

impl Sendable for Email {
    const NAME: &'static str = "send_email";
    const DESCRIPTION: &'static str = "Send an e-mail in plain text.";
    const SETTING: &'static str = "SMTP_URL";

    fn fault(&self) -> Option<(&'static str, &'static str)> {
        let addresses = |list: &[String]| list.iter().all(|address| is_address(address));
        let recipients = self.to.len() + self.cc.len();
        let checks = [
            ("to", !self.to.is_empty(), "it names nobody"),
            ("to", addresses(&self.to), "it has something that is not an e-mail address"),
            ("cc", addresses(&self.cc), "it has something that is not an e-mail address"),
            ("to", recipients <= MAX_RECIPIENTS, "there are more than 50 recipients"),
            ("subject", !self.subject.trim().is_empty(), "it is empty"),
            ("subject", is_plain_line(&self.subject), "it has control or invisible characters"),
            ("subject", self.subject.chars().count() <= MAX_SUBJECT, "it is too long"),
            ("body", self.body.len() <= MAX_BODY, "it is longer than 100000 bytes"),
            ("body", !self.body.contains('\0'), "it has a NUL character"),
        ];
        let failed = checks.into_iter().find(|(_, fine, _)| !fine);
        failed.map(|(field, _, fault)| (field, fault))
    }

    fn question(&self) -> String {
        let to = self.to.join(", ");
        let cc = if self.cc.is_empty() {
            String::new()
        } else {
            format!(" (참조: {})", self.cc.join(", "))
        };
        format!("메일을 보낼까요? \"{}\" → {to}{cc}", self.subject)
    }

    fn request(&self) -> Value {
        json!({
            "method": "SMTP",
            "to": self.to,
            "cc": self.cc,
            "subject": self.subject,
            "body": self.body,
        })
    }
}

/// The addresses that people have: a dot-atom and a host name, ASCII. No quoting, no comments.
fn is_address(address: &str) -> bool {
    let Some((local, host)) = address.rsplit_once('@') else {
        return false;
    };
    let atom = |part: &str| {
        let plain =
            |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte);
        !part.is_empty() && part.bytes().all(plain)
    };
    let label = |part: &str| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        let edges = part.starts_with('-') || part.ends_with('-');
        (1..=63).contains(&part.len()) && !edges && part.bytes().all(plain)
    };
    let sizes = local.len() <= 64 && host.len() <= 253;
    sizes && local.split('.').all(atom) && host.contains('.') && host.split('.').all(label)
}

#[cfg(test)]
mod tests {
    use super::is_address;

    #[test]
    fn addresses_are_told_from_what_only_looks_like_one() {
        for good in ["minsu.kim@dwp.example", "a+b@x-y.co.kr", "o'neil@example.com"] {
            assert!(is_address(good), "{good}");
        }
        let bad = [
            "",
            "a",
            "a@",
            "@b.c",
            "a@b",
            "a b@c.d",
            "a@b..c",
            ".a@b.c",
            "a@-b.c",
            "a@b.c\r\nBcc: x@y.z",
            "a@b.c, d@e.f",
            "a@@b.c",
            "<a@b.c>",
            "김@b.c",
        ];
        for bad in bad {
            assert!(!is_address(bad), "{bad:?}");
        }
    }
}
