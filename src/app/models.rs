//! Which model is asked, and which one where that fails.

use std::collections::BTreeMap;
use std::sync::Arc;

use secrecy::SecretString;

use crate::llm::ChatModel;
use crate::llm::fallback::Fallback;
use crate::llm::openai::{self, ConfigError, Endpoint, OpenAi, OpenAiConfig, Parameters};
use crate::llm::planner::Planner;
use crate::settings::{FallbackSettings, ModelSettings, Provider, Settings};
use crate::telemetry::metrics::Metrics;

/// Where a model is, and all that is secret between us and its provider.
#[derive(Clone)]
struct Access {
    endpoint: Endpoint,
    headers: BTreeMap<String, SecretString>,
}

/// The model that the settings name, with its fallback if they name one.
pub(super) fn model(
    settings: &Settings,
    metrics: &Metrics,
) -> Result<Arc<dyn ChatModel>, ConfigError> {
    let Some((endpoint, name)) = first(&settings.provider) else {
        return Ok(Arc::new(Planner::new()));
    };
    let first = Access { endpoint, headers: settings.model.headers.clone() };
    let second = settings.model.fallback.as_ref().map(|second| (second, standby(&first, second)));
    let first = Arc::new(OpenAi::new(config(first, &name, &settings.model))?);
    let Some((fallback, access)) = second else { return Ok(first) };
    let second = Arc::new(OpenAi::new(config(access, &fallback.model, &settings.model))?);
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

/// Where the fallback is. Another provider never gets the first one's key and headers.
fn standby(first: &Access, fallback: &FallbackSettings) -> Access {
    if let Some(base_url) = &fallback.base_url {
        let api_key = fallback.api_key.clone();
        let endpoint = Endpoint::OpenAi { base_url: base_url.to_string(), api_key };
        return Access { endpoint, headers: BTreeMap::new() };
    }
    let own_key = fallback.api_key.clone();
    let endpoint = match first.endpoint.clone() {
        Endpoint::OpenAi { base_url, api_key } => {
            Endpoint::OpenAi { base_url, api_key: own_key.or(api_key) }
        }
        Endpoint::Azure { endpoint, deployment: _, api_version, api_key } => Endpoint::Azure {
            endpoint,
            deployment: fallback.model.clone(),
            api_version,
            api_key: own_key.unwrap_or(api_key),
        },
    };
    Access { endpoint, headers: first.headers.clone() }
}

fn config(access: Access, model: &str, settings: &ModelSettings) -> openai::OpenAiConfig {
    OpenAiConfig {
        endpoint: access.endpoint,
        model: model.to_owned(),
        parameters: Parameters {
            temperature: settings.temperature,
            max_output_tokens: settings.max_output_tokens,
            reasoning_effort: settings.reasoning_effort.clone(),
            logprobs: settings.logprobs,
        },
        headers: access.headers,
        connect_timeout: settings.connect_timeout,
        first_token_timeout: settings.first_token_timeout,
        idle_timeout: settings.idle_timeout,
        turn_timeout: settings.turn_timeout,
        max_retries: settings.max_retries,
        backoff: openai::BACKOFF,
        max_retry_after: openai::MAX_RETRY_AFTER,
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

    /// The address, the key, and how many headers go there.
    fn place(access: Access) -> (String, Option<String>, usize) {
        let headers = access.headers.len();
        match access.endpoint {
            Endpoint::OpenAi { base_url, api_key } => {
                (base_url, api_key.map(|key| key.expose_secret().to_owned()), headers)
            }
            Endpoint::Azure { deployment, api_key, .. } => {
                (deployment, Some(api_key.expose_secret().to_owned()), headers)
            }
        }
    }

    fn with_a_header(endpoint: Endpoint) -> Access {
        Access { endpoint, headers: BTreeMap::from([("x-team".to_owned(), "hunter2".into())]) }
    }

    #[test]
    fn a_fallback_elsewhere_never_gets_the_first_providers_key_and_headers() {
        let first = with_a_header(Endpoint::OpenAi {
            base_url: "https://a/v1".into(),
            api_key: Some("first".into()),
        });
        let at = |url, key| place(standby(&first, &fallback(url, key)));
        assert_eq!(at(None, None), ("https://a/v1".into(), Some("first".into()), 1));
        assert_eq!(at(None, Some("own")), ("https://a/v1".into(), Some("own".into()), 1));
        assert_eq!(at(Some("https://b/v1"), None), ("https://b/v1".into(), None, 0));
        let azure = with_a_header(Endpoint::Azure {
            endpoint: "https://z".into(),
            deployment: "large".into(),
            api_version: "v".into(),
            api_key: "first".into(),
        });
        let deployed = place(standby(&azure, &fallback(None, None)));
        assert_eq!(deployed, ("small".into(), Some("first".into()), 1));
        let elsewhere = place(standby(&azure, &fallback(Some("https://b/v1"), None)));
        assert_eq!(elsewhere, ("https://b/v1".into(), None, 0));
    }
}
