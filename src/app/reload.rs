//! What SIGHUP reads again: keys, holds and the log level (contract, section 9). All else stays as it was at the start.

use std::sync::Arc;

use crate::agent::{AgentService, Seals};
use crate::settings::{AuthSettings, Faults, KeyOrigin, Settings};
use crate::telemetry::log::{LogControl, LogFilter};
use crate::token::{LiveKeys, TokenKeys};

/// What the process was started with, to be read once more.
pub struct Rereading {
    /// Reads all settings, from where they were read at the start.
    pub read: Box<dyn Fn() -> Result<Settings, Faults> + Send + Sync>,
    /// Changes which lines are logged.
    pub log: LogControl,
}

/// What is replaced.
pub(super) struct Reload {
    pub(super) rereading: Rereading,
    pub(super) keys: LiveKeys,
    pub(super) seals: Arc<Seals>,
    pub(super) service: Arc<AgentService>,
}

impl Reload {
    /// Reads it again. Settings with a fault change nothing; one line tells all that is wrong.
    pub(super) async fn again(&self) {
        match (self.rereading.read)() {
            Ok(settings) => self.take(settings),
            Err(faults) => {
                let faults = faults.to_string().replace('\n', "; ");
                tracing::error!(
                    faults,
                    "SIGHUP: settings not read again, those before stay in force"
                );
            }
        }
        if let Err(error) = self.service.holds().await {
            tracing::warn!(%error, "SIGHUP: holds not read again");
        }
    }

    fn take(&self, settings: Settings) {
        let Settings { auth, log, .. } = settings;
        let keys = self.take_keys(auth);
        match self.take_filter(&log.filter) {
            Ok(()) => {
                tracing::info!(keys, log_level = log.filter.as_str(), "SIGHUP: settings read again")
            }
            Err(error) => tracing::error!(error, "SIGHUP: the log level stays as it was"),
        }
    }

    /// Whether there were keys to take: one that was made up for this process is not made up anew.
    fn take_keys(&self, auth: AuthSettings) -> bool {
        let is_set = auth.key_origin == KeyOrigin::Settings;
        if is_set {
            self.keys.replace(TokenKeys { present: auth.key, previous: auth.previous });
            self.seals.replace(auth.seal);
        }
        is_set
    }

    fn take_filter(&self, filter: &LogFilter) -> Result<(), String> {
        self.rereading.log.set(filter).map_err(|error| error.to_string())
    }
}
