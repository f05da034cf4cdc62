//! PORT: who outside of the service is told of what happens in it.

use std::time::Duration;

use async_trait::async_trait;
use thiserror::Error;

use crate::domain::{Announcement, Recipient};

pub mod webhook;

/// Tells one recipient.
#[async_trait]
pub trait Announcer: Send + Sync {
    /// Whom it tells.
    fn recipient(&self) -> Recipient;

    /// Tells it, once. `Ok`: whoever is told has taken it. After an error it may or may not have arrived. Takes a
    /// bounded time.
    async fn tell(&self, announcement: &Announcement) -> Result<(), NotTold>;
}

/// Why somebody was not told.
#[derive(Debug, Error)]
pub enum NotTold {
    /// It did not work; it may later.
    #[error("{why}")]
    Later {
        /// What happened.
        why: String,
        /// How long whoever is told wants to be left alone, if it says so.
        after: Option<Duration>,
    },
    /// Whoever is told wants to be told nothing any more.
    #[error("it answers 410 Gone: nothing is sent there any more until this process starts anew")]
    Unwanted,
}
