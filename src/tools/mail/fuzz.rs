//! What must hold for every mail that a model writes, above all of the addresses.

use lettre::Address;
use serde_json::json;

use super::address::{domain, is_address};
use super::{Email, Facts};
use crate::domain::Language;
use crate::domain::text::is_plain_line;
use crate::tools::write_tool::WriteTool;

/// The first line is an address, the second the one domain that mails may go to (blank: any), the
/// third the subject, and the rest is the body.
pub fn mail_address(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let mut parts = text.splitn(4, '\n');
    let mut next = || parts.next().unwrap_or_default();
    let (address, allowed, subject, body) = (next(), next(), next(), next());
    check_address(address);
    check_mail(address, allowed, subject, body);
}

/// What counts as an address is one to the mail library, too, and goes to the host that we compare.
fn check_address(address: &str) {
    if !is_address(address) {
        return;
    }
    assert_eq!(address.matches('@').count(), 1, "{address:?}");
    assert!(is_plain_line(address) && !address.contains([' ', ',', ';', '<', '>', '"', '\\']));
    match address.parse::<Address>() {
        Ok(read) => {
            assert_eq!(read.to_string(), address);
            assert_eq!(read.domain().to_ascii_lowercase(), domain(address));
        }
        Err(error) => panic!("{address:?} is no address to the library: {error}"),
    }
}

/// A mail that may be sent goes to that address and no other, within the allowed domain, and says what
/// was shown: no header that nobody has asked for, no line end that a server could read otherwise.
fn check_mail(address: &str, allowed: &str, subject: &str, body: &str) {
    let arguments = json!({"to": [address], "subject": subject, "body": body});
    let Ok(email) = serde_json::from_value::<Email>(arguments) else {
        panic!("three texts are a mail")
    };
    let allowed = allowed.trim().to_ascii_lowercase();
    let allowed_domains = Some(allowed.clone()).filter(|name| !name.is_empty());
    let facts = Facts { from: None, allowed_domains: allowed_domains.into_iter().collect() };
    if email.fault(&facts).is_some() {
        return;
    }
    assert!(is_address(address) && (allowed.is_empty() || domain(address) == allowed));
    let question = email.question(Language::Korean);
    let facts = format!("메일을 보낼까요? 받는 사람: {address}, 제목: \"");
    assert!(question.starts_with(&facts) && is_plain_line(&question), "{question}");
    check_wire(&email, address);
}

fn check_wire(email: &Email, address: &str) {
    let from = "Aura <aura@dwp.example>".parse();
    let message = from.map(|from| email.message(&from, "<1@dwp.example>"));
    let message = match message {
        Ok(Ok(message)) => message,
        other => panic!("no mail can be made of what was shown: {other:?}"),
    };
    let to: Vec<_> = message.envelope().to().iter().map(ToString::to_string).collect();
    assert_eq!(to, [address]);
    let wire = message.formatted();
    let Ok(wire) = std::str::from_utf8(&wire) else { panic!("a mail is text") };
    assert!(!wire.replace("\r\n", "").contains(['\r', '\n', '\0']), "{wire:?}");
    let head = wire.split("\r\n\r\n").next().unwrap_or_default();
    let names = head.split("\r\n").filter(|line| !line.starts_with([' ', '\t']));
    let mut names: Vec<_> = names.filter_map(|line| Some(line.split_once(':')?.0)).collect();
    names.sort_unstable();
    let expected = [
        "Content-Transfer-Encoding",
        "Content-Type",
        "Date",
        "From",
        "MIME-Version",
        "Message-ID",
        "Subject",
        "To",
    ];
    assert_eq!(names, expected, "{wire:?}");
    assert!(wire.split("\r\n").all(|line| line.len() <= 998), "{wire:?}");
}
