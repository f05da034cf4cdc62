//! The GitHub tools, as the settings say.

use std::sync::Arc;

use crate::settings::Settings;
use crate::tools::github::{GitHubConfig, SetupError};
use crate::tools::{Tool, github};

pub(super) fn tools(settings: &Settings) -> Result<Vec<Arc<dyn Tool>>, SetupError> {
    let config = GitHubConfig {
        api: settings.github.api_url.clone(),
        token: settings.github.token.clone(),
        // Whoever names a server wants it to be asked.
        anonymous: settings.github.own_api_url,
        timeout: settings.tools.timeout,
        max_output_bytes: settings.tools.max_output_bytes,
    };
    github::tools(config, settings.tools.unconfigured)
}
