//! ADAPTER: people are told by mail that somebody is asked for approval, one mail to each address.

use std::collections::HashSet;
use std::sync::Arc;

use async_trait::async_trait;
use lettre::Message;
use lettre::message::{Mailbox, SinglePart};
use parking_lot::Mutex;
use url::Url;
use uuid::Uuid;

use super::address::{domain, is_address};
use super::delivery::{NotDelivered, Refused, deliver};
use super::email::with_line_ends;
use super::server::Server;
use super::{MailServerConfig, Mailer, SetupError, mailbox};
use crate::announce::{Announcer, NotTold};
use crate::domain::sentences::ApprovalMail;
use crate::domain::text::{escape_invisible, escape_invisible_lines};
use crate::domain::{Announced, Announcement, AnnouncementId, InboxItem, Recipient};
use crate::tools::ToolError;

/// Of how many mails it is remembered that they were sent while others of the same announcement were not.
const REMEMBERED: usize = 1_000;

/// Who is told, and through which server.
pub struct ApprovalMailConfig {
    /// The mail server.
    pub server: MailServerConfig,
    /// Whom the mails come from.
    pub from: String,
    /// Who gets one.
    pub to: Vec<String>,
    /// Where the console is.
    pub console_url: Url,
}

/// Who writes these mails.
struct Writer {
    mailer: Mailer,
    to: Vec<String>,
    console_url: Url,
    /// Who has got their mail of an announcement that others have not got. Held for moments.
    sent: Mutex<HashSet<(AnnouncementId, String)>>,
}

/// Tells these people.
///
/// # Errors
/// [`SetupError`]; nothing of it depends on the network.
pub fn announcer(config: ApprovalMailConfig) -> Result<Arc<dyn Announcer>, SetupError> {
    let mailer = Mailer { server: Server::new(&config.server)?, from: mailbox(&config.from)? };
    if let Some(other) = config.to.iter().find(|address| !is_address(address)) {
        return Err(SetupError::ApprovalMail(escape_invisible(other)));
    }
    let (to, console_url) = (config.to, config.console_url);
    Ok(Arc::new(Writer { mailer, to, console_url, sent: Mutex::default() }))
}

#[async_trait]
impl Announcer for Writer {
    fn recipient(&self) -> Recipient {
        Recipient::Mail
    }

    async fn tell(&self, announcement: &Announcement) -> Result<(), NotTold> {
        let Announced::Asked(item) = &announcement.what else { return Ok(()) };
        let mut failed = Ok(());
        for (at, address) in self.to.iter().enumerate() {
            let sent = (announcement.id.clone(), address.clone());
            if self.sent.lock().contains(&sent) {
                continue;
            }
            match self.send(&announcement.id, item, address).await {
                Ok(()) => self.remember(sent),
                // Nobody else is to miss theirs for it, neither of this nor of what is asked next.
                Err(NotDelivered { error, refused: Some(Refused::ForGood) }) => {
                    let error = not_sent(at, &error);
                    tracing::error!(announcement = %announcement.id, %error, "this mail is not tried again");
                    self.remember(sent);
                }
                Err(NotDelivered { error, refused: Some(Refused::ForNow) }) => {
                    failed = failed.and(Err(not_sent(at, &error)));
                }
                // The next would fare no better.
                Err(NotDelivered { error, refused: None }) => return Err(not_sent(at, &error)),
            }
        }
        failed?;
        self.sent.lock().retain(|(id, _)| *id != announcement.id);
        Ok(())
    }
}

impl Writer {
    async fn send(
        &self,
        id: &AnnouncementId,
        item: &InboxItem,
        address: &str,
    ) -> Result<(), NotDelivered> {
        let mail = self.mail(id, item, address);
        let mail = mail.map_err(|error| ToolError::Failed(error.to_string()))?;
        let sent = deliver(&self.mailer.server, mail.envelope(), &mail.formatted()).await;
        sent.map(drop)
    }

    fn remember(&self, sent: (AnnouncementId, String)) {
        let mut all = self.sent.lock();
        if all.len() >= REMEMBERED {
            all.clear();
        }
        all.insert(sent);
    }

    fn mail(
        &self,
        id: &AnnouncementId,
        item: &InboxItem,
        address: &str,
    ) -> Result<Message, Box<dyn std::error::Error + Send + Sync>> {
        let words = item.request.language.sentences();
        let subject = words.approval_mail_subject(&escape_invisible(&item.request.action_type));
        let body = self.text(item);
        let message = Message::builder()
            .from(self.mailer.from.clone())
            .message_id(Some(message_id(&self.mailer.from, id, address)))
            .to(address.parse()?)
            .subject(subject);
        Ok(message.singlepart(SinglePart::plain(with_line_ends(&body)))?)
    }

    fn text(&self, item: &InboxItem) -> String {
        let request = &item.request;
        let mut link = self.console_url.clone();
        link.set_fragment(Some(&format!("/approvals/{}", request.request_id)));
        let until = request.deadline.expires_at().timestamp();
        let until =
            until.map(|at| at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()).unwrap_or_default();
        let preview = request
            .preview
            .as_ref()
            .map(|preview| format!("{}\n\n{}", escape_invisible(&preview.title), preview.content));
        request.language.sentences().approval_mail(ApprovalMail {
            question: &escape_invisible_lines(&request.message),
            asks: &escape_invisible(request.user_id.as_str()),
            until: &until,
            preview: preview.as_deref().map(escape_invisible_lines).as_deref(),
            link: link.as_str(),
        })
    }
}

/// Why the `at`th mail was not sent. A person's address is not for the log.
fn not_sent(at: usize, error: &ToolError) -> NotTold {
    let why = match error {
        ToolError::Conflict(_) => "the mail server refuses its recipient".to_owned(),
        error => error.to_string(),
    };
    let number = at + 1;
    NotTold::Later {
        why: format!("the mail to number {number} of approvals.mail_to: {why}"),
        after: None,
    }
}

/// The same however often the mail is sent: who knows it sees that it is one.
fn message_id(from: &Mailbox, id: &AnnouncementId, address: &str) -> String {
    let name = Uuid::new_v5(id.uuid(), address.as_bytes());
    format!("<{name}@{}>", domain(from.email.as_ref()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{EventId, SessionId};

    #[test]
    fn a_mail_has_the_same_name_however_often_it_is_sent_and_everybody_gets_another() {
        let from: Mailbox = "aura@dwp.example".parse().unwrap();
        let id = |entry| AnnouncementId::of(&SessionId::new("s"), EventId::new(entry), None);
        let first = message_id(&from, &id(1), "a@b.co");
        assert_eq!(first, message_id(&from, &id(1), "a@b.co"));
        assert_ne!(first, message_id(&from, &id(2), "a@b.co"));
        assert_ne!(first, message_id(&from, &id(1), "c@b.co"));
        assert!(first.starts_with('<') && first.ends_with("@dwp.example>"), "{first}");
    }
}
