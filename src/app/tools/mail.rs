//! The mail tool, as the settings say.

use std::sync::Arc;

use crate::settings::Settings;
use crate::tools::mail::{MailConfig, MailServerConfig, SetupError};
use crate::tools::{Tool, mail};

pub(super) fn tools(settings: &Settings) -> Result<Vec<Arc<dyn Tool>>, SetupError> {
    let smtp = &settings.smtp;
    let server = smtp.url.clone().map(|url| MailServerConfig {
        url,
        ca: smtp.ca.clone(),
        timeout: smtp.timeout,
    });
    let (from, allowed_domains) = (smtp.from.clone(), smtp.allowed_domains.clone());
    mail::tools(&MailConfig { server, from, allowed_domains }, settings.tools.unconfigured)
}
