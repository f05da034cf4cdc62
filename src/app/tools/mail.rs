//! The mail tool, as the settings say.

use std::sync::Arc;

use crate::announce::Announcer;
use crate::settings::Settings;
use crate::tools::mail::approval::ApprovalMailConfig;
use crate::tools::mail::{MailConfig, MailServerConfig, SetupError};
use crate::tools::{Tool, mail};

pub(super) fn tools(settings: &Settings) -> Result<Vec<Arc<dyn Tool>>, SetupError> {
    let (smtp, server) = (&settings.smtp, server(settings));
    let (from, allowed_domains) = (smtp.from.clone(), smtp.allowed_domains.clone());
    mail::tools(&MailConfig { server, from, allowed_domains }, settings.tools.unconfigured)
}

/// Who tells people of approvals by mail, if anybody does.
pub(in crate::app) fn approvals(
    settings: &Settings,
) -> Result<Option<Arc<dyn Announcer>>, SetupError> {
    let (approvals, smtp) = (&settings.approvals, &settings.smtp);
    let (Some(mails), Some(server), Some(from)) =
        (approvals.mail.clone(), server(settings), smtp.from.clone())
    else {
        return Ok(None);
    };
    let (to, console_url) = (mails.to, mails.console_url);
    mail::approval::announcer(ApprovalMailConfig { server, from, to, console_url }).map(Some)
}

fn server(settings: &Settings) -> Option<MailServerConfig> {
    let smtp = &settings.smtp;
    let url = smtp.url.clone()?;
    Some(MailServerConfig { url, ca: smtp.ca.clone(), timeout: smtp.timeout })
}
