//! Which model is asked, and which one where that fails.

use std::sync::Arc;

use crate::llm::ChatModel;
use crate::llm::fallback::Fallback;
use crate::llm::openai::{self, Config, ConfigError, Endpoint, OpenAi};
use crate::llm::planner::Planner;
use crate::settings::{FallbackSettings, ModelSettings, Provider, Settings};
use crate::telemetry::metrics::Metrics;

/// The model that the settings name, with its fallback if they name one.
pub(super) fn model(
    settings: &Settings,
    metrics: &Metrics,
) -> Result<Arc<dyn ChatModel>, ConfigError> {
    let Some((endpoint, name)) = first(&settings.provider) else {
        return Ok(Arc::new(Planner::new()));
    };
    let Some(fallback) = &settings.model.fallback else {
        return Ok(Arc::new(OpenAi::new(config(endpoint, &name, &settings.model))?));
    };
    let standby = config(standby(&endpoint, fallback), &fallback.model, &settings.model);
    let second = Arc::new(OpenAi::new(standby)?);
    let first = Arc::new(OpenAi::new(config(endpoint, &name, &settings.model))?);
    Ok(Arc::new(Fallback::new(first, second, fallback.rest, metrics.clone())))
}

/// The first model's place and name; `None`: the built-in planner.
fn first(provider: &Provider) -> Option<(Endpoint, String)> {
    match provider {
        Provider::Builtin => None,
        Provider::OpenAi(provider) => {
            let endpoint = Endpoint::OpenAi {
                base_url: provider.base_url.to_string(),
                api_key: provider.api_key.clone(),
            };
            Some((endpoint, provider.model.clone()))
        }
        Provider::AzureOpenAi(provider) => {
            let endpoint = Endpoint::Azure {
                endpoint: provider.endpoint.to_string(),
                deployment: provider.deployment.clone(),
                api_version: provider.api_version.clone(),
                api_key: provider.api_key.clone(),
            };
            Some((endpoint, provider.deployment.clone()))
        }
    }
}

/// Where the fallback is. Another provider never gets the first one's key.
fn standby(first: &Endpoint, fallback: &FallbackSettings) -> Endpoint {
    if let Some(base_url) = &fallback.base_url {
        let api_key = fallback.api_key.clone();
        return Endpoint::OpenAi { base_url: base_url.to_string(), api_key };
    }
    let own_key = fallback.api_key.clone();
    match first.clone() {
        Endpoint::OpenAi { base_url, api_key } => {
            Endpoint::OpenAi { base_url, api_key: own_key.or(api_key) }
        }
        Endpoint::Azure { endpoint, deployment: _, api_version, api_key } => Endpoint::Azure {
            endpoint,
            deployment: fallback.model.clone(),
            api_version,
            api_key: own_key.unwrap_or(api_key),
        },
    }
}

fn config(endpoint: Endpoint, model: &str, patience: &ModelSettings) -> openai::Config {
    Config {
        connect_timeout: patience.connect_timeout,
        first_token_timeout: patience.first_token_timeout,
        idle_timeout: patience.idle_timeout,
        turn_timeout: patience.turn_timeout,
        max_retries: u32::try_from(patience.max_retries).unwrap_or(u32::MAX),
        ..Config::new(endpoint, model)
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    fn fallback(base_url: Option<&str>, key: Option<&str>) -> FallbackSettings {
        FallbackSettings {
            model: "small".into(),
            base_url: base_url.map(|url| url.parse().unwrap()),
            api_key: key.map(Into::into),
            rest: std::time::Duration::from_secs(1),
        }
    }

    fn place(endpoint: Endpoint) -> (String, Option<String>) {
        match endpoint {
            Endpoint::OpenAi { base_url, api_key } => {
                (base_url, api_key.map(|key| key.expose_secret().to_owned()))
            }
            Endpoint::Azure { deployment, api_key, .. } => {
                (deployment, Some(api_key.expose_secret().to_owned()))
            }
        }
    }

    #[test]
    fn a_fallback_elsewhere_never_gets_the_first_providers_key() {
        let first =
            Endpoint::OpenAi { base_url: "https://a/v1".into(), api_key: Some("first".into()) };
        let at = |url, key| place(standby(&first, &fallback(url, key)));
        assert_eq!(at(None, None), ("https://a/v1".into(), Some("first".into())));
        assert_eq!(at(None, Some("own")), ("https://a/v1".into(), Some("own".into())));
        assert_eq!(at(Some("https://b/v1"), None), ("https://b/v1".into(), None));
        let azure = Endpoint::Azure {
            endpoint: "https://z".into(),
            deployment: "large".into(),
            api_version: "v".into(),
            api_key: "first".into(),
        };
        let deployed = place(standby(&azure, &fallback(None, None)));
        assert_eq!(deployed, ("small".into(), Some("first".into())));
        let elsewhere = place(standby(&azure, &fallback(Some("https://b/v1"), None)));
        assert_eq!(elsewhere, ("https://b/v1".into(), None));
    }
}
