//! Mail, for agents: `send_email` over SMTP.
//!
//! What is wrong with a mail is found before a person is asked (`email`); how it is handed to the
//! server, and what is known when that fails, is in `delivery`.

use std::sync::Arc;
use std::time::Duration;

use lettre::message::Mailbox;
use secrecy::SecretString;
use thiserror::Error;

use super::Tool;
use super::write_tool::{Delivery, WriteToolAdapter};
use crate::domain::Unconfigured;

mod address;
pub mod approval;
mod delivery;
mod email;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
mod replies;
mod server;

use email::Email;
use server::Server;

/// Who may write to whom, and through which server.
#[derive(Clone, Debug, Default)]
pub struct MailConfig {
    /// The mail server; `None`: not configured.
    pub server: Option<MailServerConfig>,
    /// Whom mails come from, for instance `Aura <aura@dwp.example>`. `None`: the user of the
    /// server's URL, if that is an address.
    pub from: Option<String>,
    /// The domains that mails may go to, exactly; empty: all.
    pub allowed_domains: Vec<String>,
}

/// A mail server.
#[derive(Clone, Debug)]
pub struct MailServerConfig {
    /// `smtp://` (STARTTLS, without which nothing is sent; `?tls=none` goes without, and then with
    /// a password only to this machine) or `smtps://`, with user and password where it wants them.
    pub url: SecretString,
    /// Certificates in PEM to trust besides the public ones.
    pub ca: Option<Vec<u8>>,
    /// How long handing over one mail may take.
    pub timeout: Duration,
}

/// Why mails could never be sent. Never holds the password.
#[derive(Debug, Error)]
pub enum SetupError {
    /// The URL cannot be used.
    #[error("smtp.url (SMTP_URL): {0}")]
    Url(&'static str),
    /// The sender is not there or no address.
    #[error("smtp.from (AURA__SMTP__FROM): {0}")]
    From(&'static str),
    /// The certificates cannot be used.
    #[error("smtp.ca_file (AURA__SMTP__CA_FILE): {0}")]
    Ca(String),
    /// Somebody who is to be told of approvals has no address.
    #[error("approvals.mail_to (AURA__APPROVALS__MAIL_TO): {0} is no mail address")]
    ApprovalMail(String),
    /// TLS cannot be set up.
    #[error("TLS for mail cannot be set up: {0}")]
    Tls(String),
}

/// What is known of mails also where none can be sent.
struct Facts {
    from: Option<Mailbox>,
    allowed_domains: Vec<String>,
}

/// What sends mails.
struct Mailer {
    server: Server,
    from: Mailbox,
}

/// The mail tool. Without a server it does what `unconfigured` says.
///
/// # Errors
/// [`SetupError`]; nothing of it depends on the network.
pub fn tools(
    config: &MailConfig,
    unconfigured: Unconfigured,
) -> Result<Vec<Arc<dyn Tool>>, SetupError> {
    let mut from = config.from.as_deref().map(mailbox).transpose()?;
    let delivery = match &config.server {
        Some(config) => {
            let server = Server::new(config)?;
            let sender = match from.clone() {
                Some(from) => from,
                None => mailbox(server.user().unwrap_or_default())?,
            };
            from = Some(sender.clone());
            Delivery::Real(Arc::new(Mailer { server, from: sender }))
        }
        None => Delivery::Missing(unconfigured),
    };
    let allowed_domains = config.allowed_domains.iter().map(|name| name.to_ascii_lowercase());
    let facts = Arc::new(Facts { from, allowed_domains: allowed_domains.collect() });
    Ok(vec![WriteToolAdapter::<Email>::tool(&facts, delivery)])
}

/// `name@host`, or `Name <name@host>`.
fn mailbox(text: &str) -> Result<Mailbox, SetupError> {
    if text.is_empty() {
        return Err(SetupError::From("not set: set it to the address that mails come from"));
    }
    let is_plain = !text.contains(char::is_control);
    let mailbox: Option<Mailbox> = text.parse().ok().filter(|_| is_plain);
    mailbox
        .filter(|mailbox| address::is_address(mailbox.email.as_ref()))
        .ok_or(SetupError::From("not an address such as \"Aura <aura@example.com>\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sender_is_an_address_with_or_without_a_name() {
        assert_eq!(mailbox("a@b.co").unwrap().to_string(), "a@b.co");
        assert_eq!(mailbox("오라 <a@b.co>").unwrap().name.as_deref(), Some("오라"));
        for bad in ["", "aura", "a@b.co\r\nBcc: x@y.z", "<a@b.co> x", "a@b"] {
            assert!(mailbox(bad).is_err(), "{bad:?}");
        }
    }
}
