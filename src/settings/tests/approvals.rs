//! Who outside is told of approvals.

use super::*;

const URL: (&str, &str) = ("AURA__APPROVALS__WEBHOOK_URL", "https://hooks.example.com/aura");
const SECRET: (&str, &str) =
    ("AURA__APPROVALS__WEBHOOK_SECRET", "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=");
const PRIVATE: (&str, &str) = ("AURA__APPROVALS__WEBHOOK_ALLOW_PRIVATE", "true");

#[test]
fn a_webhook_has_a_public_address_and_a_secret() {
    assert!(settings(&[]).approvals.webhook.is_none());
    assert!(settings(&[URL, SECRET]).approvals.webhook.is_some());
    let [unsigned] = faults(&[URL]).try_into().unwrap();
    assert!(unsigned.starts_with("approvals.webhook_secret: not set"), "{unsigned}");
    for (url, why) in [
        ("http://hooks.example.com/", "must start with https://"),
        ("https://127.0.0.1/", "an address that is not public"),
        ("https://0x7f000001/", "an address that is not public"),
        ("https://169.254.169.254/latest", "an address that is not public"),
        ("https://[::ffff:10.0.0.1]/", "an address that is not public"),
        ("https://[fd00::1]:8443/", "an address that is not public"),
        ("ftp://hooks.example.com/", "must be a URL that starts with"),
        ("https://user:hunter2@hooks.example.com/", "must not carry a user or a password"),
    ] {
        let told = faults(&[(URL.0, url), SECRET]).join("\n");
        assert!(told.starts_with("approvals.webhook_url") && told.contains(why), "{url}: {told}");
        assert!(!told.contains("hunter2"), "{told}");
    }
    for url in ["http://hooks.example.com/", "http://127.0.0.1:8080/", "https://[fd00::1]/"] {
        assert!(settings(&[(URL.0, url), SECRET, PRIVATE]).approvals.webhook.is_some(), "{url}");
    }
}

#[test]
fn the_secret_of_a_webhook_is_long_enough_and_never_shown() {
    for secret in [
        "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
        "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY=",
        "whsec_not base64",
        "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWYwMTIzNDU2Nzg5YWJjZGVmMDEyMzQ1Njc4OWFiY2RlZjAx",
    ] {
        let told = faults(&[URL, (SECRET.0, secret)]).join("\n");
        assert!(told.contains("the base64 of 24 to 64 random bytes"), "{secret}: {told}");
        assert!(!told.contains(secret), "{told}");
    }
    let shown = format!("{:?}", settings(&[URL, SECRET]).approvals);
    assert!(!shown.contains("MDEy"), "{shown}");
}

#[test]
fn mails_need_a_server_a_sender_and_where_to_lead_to() {
    let to = ("AURA__APPROVALS__MAIL_TO", "lee@dwp.example kim@dwp.example");
    let console = ("AURA__APPROVALS__CONSOLE_URL", "https://dwp.example/api/aura-console");
    let server = [("SMTP_URL", "smtp://mail.example"), ("AURA__SMTP__FROM", "aura@dwp.example")];
    let mail = settings(&[to, console, server[0], server[1]]).approvals.mail.unwrap();
    assert_eq!(mail.to, ["lee@dwp.example", "kim@dwp.example"]);
    assert!(settings(&[console]).approvals.mail.is_none());
    for given in [&[to, console, server[0]][..], &[to, console, server[1]][..]] {
        let told = faults(given).join("\n");
        assert!(told.starts_with("approvals.mail_to") && told.contains("smtp.from"), "{told}");
    }
    let told = faults(&[to, server[0], server[1]]).join("\n");
    assert!(told.starts_with("approvals.console_url: not set"), "{told}");
}
