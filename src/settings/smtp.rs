//! Section `smtp`: how mails are sent.

use std::time::Duration;

use secrecy::SecretString;
use url::Host;

use super::check::Check;
use super::files::certificates;
use super::key::keys;
use super::kinds::{AnyUrl, Parsed, Text, Time, parsed, seconds};

keys! { KEYS;
    URL: AnyUrl = "smtp.url", AnyUrl(&["smtp", "smtps"]), env: ["SMTP_URL"];
    FROM: Text = "smtp.from", Text;
    ALLOWED_DOMAINS: Parsed<Vec<String>> = "smtp.allowed_domains", parsed(domains);
    CA_FILE: Parsed<Vec<u8>, String> = "smtp.ca_file", parsed(certificates);
    TIMEOUT: Time = "smtp.timeout_seconds", seconds(1..=600);
}

/// Section `smtp`.
#[derive(Clone, Debug)]
pub struct SmtpSettings {
    /// The mail server, with its credentials; `None`: not configured.
    pub url: Option<SecretString>,
    /// Whom mails come from; whether it is an address is not checked.
    pub from: Option<String>,
    /// The domains that mails may go to; empty: all.
    pub allowed_domains: Vec<String>,
    /// The certificates, in PEM, to trust besides the public ones.
    pub ca: Option<Vec<u8>>,
    /// What handing over one mail may take.
    pub timeout: Duration,
}

impl SmtpSettings {
    pub(super) fn read(check: &mut Check) -> Self {
        Self {
            url: URL.read(check).map(|url| SecretString::from(url.to_string())),
            from: FROM.read(check),
            allowed_domains: ALLOWED_DOMAINS.read(check).unwrap_or_default(),
            ca: CA_FILE.read(check),
            timeout: TIMEOUT.read(check),
        }
    }
}

/// Host names, separated by commas.
fn domains(text: &str) -> Result<Vec<String>, &'static str> {
    let domain = |name: &str| {
        let name = name.trim();
        matches!(Host::parse(name), Ok(Host::Domain(_))).then(|| name.to_owned())
    };
    let domains: Option<Vec<String>> = text.split(',').map(domain).collect();
    domains.ok_or("must be domains such as \"example.com\", separated by commas")
}
