//! Who outside of the service is told of what happens, as the settings say.

use std::sync::Arc;

use super::AppError;
use crate::agent::Announcers;
use crate::announce::{Announcer, webhook};
use crate::domain::Clock;
use crate::settings::Settings;

pub(super) fn announcers(
    settings: &Settings,
    clock: &Arc<dyn Clock>,
) -> Result<Announcers, AppError> {
    let mut all: Vec<Arc<dyn Announcer>> = Vec::new();
    if let Some(webhook) = settings.approvals.webhook.clone() {
        let config = webhook::WebhookConfig {
            url: webhook.url,
            secret: webhook.secret,
            allow_private: webhook.allow_private,
        };
        all.push(webhook::announcer(config, Arc::clone(clock))?);
    }
    #[cfg(feature = "mail")]
    all.extend(super::tools::mail::approvals(settings)?);
    Ok(Announcers::new(all))
}
