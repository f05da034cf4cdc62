//! ADAPTER: another service is told, with a signed POST for each announcement, as Standard Webhooks says.
//!
//! A 2xx is a yes; everything else, a redirect included, is not. Of what is answered no more than a few KiB are
//! read.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use reqwest::header::CONTENT_TYPE;
use reqwest::{Response, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use standardwebhooks::{
    HEADER_WEBHOOK_ID, HEADER_WEBHOOK_SIGNATURE, HEADER_WEBHOOK_TIMESTAMP, Webhook,
};
use thiserror::Error;
use tokio::time::timeout;
use url::Url;

use super::{Announcer, NotTold};
use crate::domain::{Announcement, Clock, Recipient};
use crate::http_client::{self, BuildError, Patience, root_cause};

mod asked;
mod resolver;

use asked::asked_for;
use resolver::PublicOnly;

/// How long the receiver is waited for, all in all.
const WHOLE: Duration = Duration::from_secs(10);
/// The same for a connection.
const CONNECT: Duration = Duration::from_secs(5);
/// How much of an answer is read, so that its connection can be used again.
const READ_MAX: usize = 4 * 1024;
/// How long that may take.
const READING: Duration = Duration::from_secs(1);

/// Where webhooks go.
pub struct WebhookConfig {
    /// The receiver.
    pub url: Url,
    /// What signs, as `whsec_…`.
    pub secret: SecretString,
    /// Whether the receiver may have an address that is not of the public internet.
    pub allow_private: bool,
}

/// Why nothing could ever be sent.
#[derive(Debug, Error)]
pub enum SetupError {
    /// There is no HTTP client.
    #[error(transparent)]
    Client(#[from] BuildError),
    /// The secret cannot be used.
    #[error(
        "approvals.webhook_secret (AURA__APPROVALS__WEBHOOK_SECRET): must be whsec_ and base64"
    )]
    Secret,
}

/// Who sends webhooks.
struct Sender {
    http: reqwest::Client,
    url: Url,
    signer: Webhook,
    clock: Arc<dyn Clock>,
}

/// Tells this receiver.
///
/// # Errors
/// [`SetupError`]; nothing of it depends on the network.
pub fn announcer(
    config: WebhookConfig,
    clock: Arc<dyn Clock>,
) -> Result<Arc<dyn Announcer>, SetupError> {
    let patience = Patience { connect: CONNECT, read: WHOLE };
    let http = match config.allow_private {
        true => http_client::build(patience)?,
        false => http_client::build_resolving(patience, PublicOnly)?,
    };
    let signer = Webhook::new(config.secret.expose_secret()).map_err(|_| SetupError::Secret)?;
    Ok(Arc::new(Sender { http, url: config.url, signer, clock }))
}

#[async_trait]
impl Announcer for Sender {
    fn recipient(&self) -> Recipient {
        Recipient::Webhook
    }

    async fn tell(&self, announcement: &Announcement) -> Result<(), NotTold> {
        let response = self.post(announcement).await?;
        let (status, asked) = (response.status(), asked_for(&response, self.clock.now()));
        forget(response).await;
        match status {
            status if status.is_success() => Ok(()),
            StatusCode::GONE => Err(NotTold::Unwanted),
            status => Err(NotTold::Later { why: format!("it answers {status}"), after: asked }),
        }
    }
}

impl Sender {
    async fn post(&self, announcement: &Announcement) -> Result<Response, NotTold> {
        let (id, body) = (announcement.id.to_string(), announcement.body());
        // Receivers refuse what was signed long ago: each attempt has its own time.
        let at = self.clock.now().second().get();
        let signed = self.signer.sign(&id, i64::try_from(at).unwrap_or(i64::MAX), body.as_bytes());
        let signature =
            signed.map_err(|error| NotTold::Later { why: error.to_string(), after: None })?;
        let request = self
            .http
            .post(self.url.clone())
            .timeout(WHOLE)
            .header(CONTENT_TYPE, "application/json")
            .header(HEADER_WEBHOOK_ID, id)
            .header(HEADER_WEBHOOK_TIMESTAMP, at.to_string())
            .header(HEADER_WEBHOOK_SIGNATURE, signature)
            .body(body);
        request.send().await.map_err(|error| {
            let why = if error.is_timeout() {
                format!("it does not answer within {} s", WHOLE.as_secs())
            } else {
                // The URL may have a key in it, and is left out.
                root_cause(&error.without_url())
            };
            NotTold::Later { why, after: None }
        })
    }
}

/// Reads the beginning of an answer, which nobody wants to know.
async fn forget(mut response: Response) {
    let reading = async {
        let mut left = READ_MAX;
        while let Ok(Some(chunk)) = response.chunk().await {
            let Some(less) = left.checked_sub(chunk.len()) else { return };
            left = less;
        }
    };
    let _ = timeout(READING, reading).await;
}
