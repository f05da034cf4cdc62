//! `send_email`: its arguments, and the message made of them.

use std::sync::Arc;

use lettre::Message;
use lettre::address::Envelope;
use lettre::message::{Mailbox, SinglePart};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::address::{domain, is_address, is_routed};
use super::delivery::deliver;
use super::{Facts, Mailer};
use crate::domain::sentences::MailHead;
use crate::domain::text::{is_plain_line, is_plain_text, quoted_start};
use crate::domain::{Language, Preview};
use crate::tools::write_tool::WriteTool;
use crate::tools::{ToolContext, ToolError};

/// How many people one mail goes to.
const MAX_RECIPIENTS: usize = 50;
/// In characters, so that the header line stays within what mail servers take.
const MAX_SUBJECT: usize = 200;
/// In bytes.
const MAX_BODY: usize = 100_000;
/// Makes a call's Message-ID its own: a number drawn once, for good.
const NAMESPACE: Uuid = Uuid::from_u128(0x5d0c_3f6e_9a41_4c57_b1c8_27d2_6e90_f3ab);

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

impl WriteTool for Email {
    const NAME: &'static str = "send_email";
    const DESCRIPTION: &'static str = "Send an e-mail in plain text.";
    const SETTING: &'static str = "SMTP_URL";
    type Facts = Facts;
    type Service = Arc<Mailer>;

    fn fault(&self, facts: &Facts) -> Option<(&'static str, String)> {
        let addresses = |list: &[String]| list.iter().all(|address| is_address(address));
        let recipients = self.to.len() + self.cc.len();
        let checks = [
            ("to", !self.to.is_empty(), "it names nobody"),
            ("to", addresses(&self.to), "it has something that is not an e-mail address"),
            ("cc", addresses(&self.cc), "it has something that is not an e-mail address"),
            ("to", recipients <= MAX_RECIPIENTS, "there are more than 50 recipients"),
            ("subject", !self.subject.trim().is_empty(), "it is empty"),
            ("subject", is_plain_line(&self.subject), "it has control or invisible characters"),
            ("subject", !has_encoded_word(&self.subject), "it has an encoded word (=?…?=)"),
            ("subject", self.subject.chars().count() <= MAX_SUBJECT, "it is too long"),
            ("body", self.body.len() <= MAX_BODY, "it is longer than 100000 bytes"),
            ("body", is_plain_text(&self.body), "it has control characters"),
        ];
        let failed = checks.into_iter().find(|(_, fine, _)| !fine);
        let failed = failed.map(|(field, _, fault)| (field, fault.to_owned()));
        failed.or_else(|| {
            let lists = [("to", &self.to), ("cc", &self.cc)];
            lists.into_iter().find_map(|(field, list)| {
                let refusal = list.iter().find_map(|address| facts.refusal(address))?;
                Some((field, refusal))
            })
        })
    }

    fn question(&self, language: Language) -> String {
        let (to, cc) = (addresses(&self.to), addresses(&self.cc));
        let subject = quoted_start(&self.subject, MAX_SUBJECT, language).to_string();
        let head = MailHead { from: None, to: &to, cc: &cc, subject: &subject };
        language.sentences().may_send_mail(head)
    }

    fn request(&self, facts: &Facts) -> Value {
        let mut request = json!({
            "method": "SMTP",
            "to": self.to,
            "cc": self.cc,
            "subject": self.subject,
            "body": self.body,
        });
        if let Some(from) = &facts.from {
            request["from"] = from.to_string().into();
        }
        request
    }

    fn draft(&self, facts: &Facts, language: Language) -> Preview {
        let from = facts.from.as_ref().map(ToString::to_string);
        let (to, cc, subject) = (self.to.join(", "), self.cc.join(", "), &self.subject);
        let head = MailHead { from: from.as_deref(), to: &to, cc: &cc, subject };
        let head = language.sentences().mail_head(head);
        let body = with_line_ends(&self.body).replace("\r\n", "\n");
        Preview::text(subject, &format!("{head}\n\n{body}"), language)
    }

    async fn send(
        self,
        _facts: &Facts,
        mailer: &Arc<Mailer>,
        context: &ToolContext,
    ) -> Result<Value, ToolError> {
        let id = message_id(&mailer.from, context);
        let message = self
            .message(&mailer.from, &id)
            .map_err(|error| ToolError::Failed(format!("no mail can be made of this: {error}")))?;
        let envelope: &Envelope = message.envelope();
        let answer = deliver(&mailer.server, envelope, &message.formatted()).await;
        let answer = answer.map_err(|failed| failed.error)?;
        Ok(json!({
            "sent": true,
            "messageId": id,
            "from": mailer.from.to_string(),
            "to": self.to,
            "cc": self.cc,
            "subject": self.subject,
            "serverAnswer": answer,
        }))
    }
}

impl Email {
    /// The mail as it goes over the wire.
    pub(super) fn message(
        &self,
        from: &Mailbox,
        id: &str,
    ) -> Result<Message, Box<dyn std::error::Error + Send + Sync>> {
        let mut message = Message::builder().from(from.clone()).message_id(Some(id.to_owned()));
        for address in &self.to {
            message = message.to(address.parse()?);
        }
        for address in &self.cc {
            message = message.cc(address.parse()?);
        }
        let body = with_line_ends(&self.body);
        Ok(message.subject(&*self.subject).singlepart(SinglePart::plain(body))?)
    }
}

/// A text whose lines all end as those of mails do. A carriage return of its own is the end of a
/// line to some servers and none to others, which is how a mail is made to hold another one.
pub(super) fn with_line_ends(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n").replace('\n', "\r\n")
}

/// Addresses in a question: they have no blank, comma or quotation mark by which one could pass for two
/// or for something else.
fn addresses(list: &[String]) -> String {
    list.join(", ")
}

/// Whether a mail program would show something else than what stands there (RFC 2047).
fn has_encoded_word(subject: &str) -> bool {
    subject.split_once("=?").is_some_and(|(_, rest)| rest.contains("?="))
}

impl Facts {
    /// Why no mail goes to an address.
    fn refusal(&self, address: &str) -> Option<String> {
        let domain = domain(address);
        if !self.allow(&domain) {
            return Some(format!("mails to {domain} are not allowed here (smtp.allowed_domains)"));
        }
        (!self.allowed_domains.is_empty() && is_routed(address)).then(|| {
            "it has one of % ! | ` / before the @, by which a mail may leave the allowed domains \
             (smtp.allowed_domains)"
                .to_owned()
        })
    }

    fn allow(&self, domain: &str) -> bool {
        self.allowed_domains.is_empty() || self.allowed_domains.iter().any(|name| name == domain)
    }
}

/// The same for the same call of the same session, so that a mail that went out twice is seen to be
/// one: mail servers and clients drop what has an id that they know. It tells nothing of either.
fn message_id(from: &Mailbox, context: &ToolContext) -> String {
    let call = format!("{}\0{}", context.session, context.call);
    format!("<{}@{}>", Uuid::new_v5(&NAMESPACE, call.as_bytes()), domain(from.email.as_ref()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{SessionId, ToolCallId};

    #[test]
    fn every_line_of_a_mail_ends_as_mails_want_it() {
        for (text, expected) in [
            ("hello\r.\r\nbye", "hello\r\n.\r\nbye"),
            ("a\nb\rc\r\nd", "a\r\nb\r\nc\r\nd"),
            ("\r\r\n\n\r", "\r\n\r\n\r\n\r\n"),
            ("안녕", "안녕"),
        ] {
            assert_eq!(with_line_ends(text), expected, "{text:?}");
        }
    }

    #[test]
    fn no_carriage_return_stands_alone_on_the_wire() {
        let texts = ["hello\r.\r\nbye", "안녕\r.\r\n잘 가", "long \r".repeat(40).leak()];
        for body in texts {
            let email: Email = serde_json::from_value(json!({
                "to": ["a@dwp.example"], "subject": "x", "body": body,
            }))
            .unwrap();
            let from = "aura@dwp.example".parse().unwrap();
            let mail = email.message(&from, "<1@dwp.example>").unwrap().formatted();
            let mail = String::from_utf8(mail).unwrap();
            let rest = mail.replace("\r\n", "");
            assert!(!rest.contains(['\r', '\n']), "{mail:?}");
        }
    }

    #[test]
    fn a_call_has_one_message_id_and_no_two_calls_the_same() {
        let from: Mailbox = "Aura <aura@DWP.example>".parse().unwrap();
        let id = |session: &str, call: &str| {
            let (session, call) = (SessionId::new(session), ToolCallId::new(call));
            message_id(&from, &ToolContext { session, call })
        };
        assert_eq!(id("session_a", "call_1"), id("session_a", "call_1"));
        assert_ne!(id("session_a", "call_1"), id("session_a", "call_2"));
        assert_ne!(id("session_a", "call_1"), id("session_b", "call_1"));
        assert_eq!(id("s", "c"), "<48973d3e-b034-5ae1-b829-82e16bfabd56@dwp.example>");
    }
}
