//! Section `approvals`: who outside of the service is told of them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};
use url::{Host, Url};

use super::SmtpSettings;
use super::check::Check;
use super::key::keys;
use super::kinds::{Flag, HttpUrl, Secret, Texts};
use crate::public_address::is_public;

/// What the secret of a webhook begins with.
const SECRET: &str = "whsec_";

keys! { KEYS;
    WEBHOOK_URL: HttpUrl = "approvals.webhook_url", HttpUrl;
    WEBHOOK_SECRET: Secret = "approvals.webhook_secret", Secret;
    WEBHOOK_ALLOW_PRIVATE: Flag = "approvals.webhook_allow_private", Flag;
    MAIL_TO: Texts = "approvals.mail_to", Texts;
    CONSOLE_URL: HttpUrl = "approvals.console_url", HttpUrl;
}

/// Section `approvals`.
#[derive(Clone, Debug, Default)]
pub struct ApprovalSettings {
    /// The service that is told; `None`: none is.
    pub webhook: Option<WebhookSettings>,
    /// The people who are told by mail, and how; `None`: nobody is.
    pub mail: Option<ApprovalMailSettings>,
}

/// A service that is told.
#[derive(Clone, Debug)]
pub struct WebhookSettings {
    /// Where it is.
    pub url: Url,
    /// What signs what it is told, as `whsec_…`.
    pub secret: SecretString,
    /// Whether it may have a private address.
    pub allow_private: bool,
}

/// The people who are told by mail.
#[derive(Clone, Debug)]
pub struct ApprovalMailSettings {
    /// Their addresses; whether they are some is not checked.
    pub to: Vec<String>,
    /// Where the console is.
    pub console_url: Url,
}

impl ApprovalSettings {
    pub(super) fn read(check: &mut Check, smtp: &SmtpSettings) -> Self {
        Self { webhook: webhook(check), mail: mail(check, smtp) }
    }
}

/// `None` if none is set, or together with a fault.
fn webhook(check: &mut Check) -> Option<WebhookSettings> {
    let allow_private = WEBHOOK_ALLOW_PRIVATE.read(check);
    let (url, secret) = (WEBHOOK_URL.read(check), WEBHOOK_SECRET.read(check));
    if let Some(problem) = secret.as_ref().and_then(fault_of_secret) {
        WEBHOOK_SECRET.fault(check, problem);
    }
    let url = url?;
    if let Some(problem) = fault_of_url(&url).filter(|_| !allow_private) {
        WEBHOOK_URL.fault(check, problem);
    }
    if secret.is_none() {
        WEBHOOK_SECRET
            .fault(check, "not set: what goes to approvals.webhook_url is signed with it");
    }
    Some(WebhookSettings { url, secret: secret?, allow_private })
}

/// What is wrong with a URL where only public addresses are allowed. What a name leads to is found out when it is
/// connected to.
fn fault_of_url(url: &Url) -> Option<String> {
    let variable = WEBHOOK_ALLOW_PRIVATE.variable();
    let is_private = match url.host()? {
        Host::Domain(_) => false,
        Host::Ipv4(address) => !is_public(address.into()),
        Host::Ipv6(address) => !is_public(address.into()),
    };
    match url.scheme() {
        _ if is_private => {
            Some(format!("has an address that is not public: {variable}=true allows it"))
        }
        "https" => None,
        _ => Some(format!("must start with https://; {variable}=true allows http://")),
    }
}

fn fault_of_secret(secret: &SecretString) -> Option<String> {
    let problem = "must be whsec_ and the base64 of 24 to 64 random bytes (to make one: \
                   `echo whsec_$(openssl rand -base64 32)`)";
    let encoded = secret.expose_secret().strip_prefix(SECRET);
    let bytes = encoded.and_then(|text| STANDARD.decode(text).ok());
    match bytes.is_some_and(|bytes| (24..=64).contains(&bytes.len())) {
        true => None,
        false => Some(problem.to_owned()),
    }
}

/// `None` if nobody is told, or together with a fault.
fn mail(check: &mut Check, smtp: &SmtpSettings) -> Option<ApprovalMailSettings> {
    let console_url = CONSOLE_URL.read(check);
    let to = MAIL_TO.read(check).filter(|to| !to.is_empty())?;
    if smtp.url.is_none() || smtp.from.is_none() {
        MAIL_TO.fault(check, "needs a mail server and a sender: set smtp.url and smtp.from");
    }
    if console_url.is_none() {
        CONSOLE_URL.fault(check, "not set: the mails to approvals.mail_to link to the console");
    }
    Some(ApprovalMailSettings { to, console_url: console_url? })
}
