//! Section `azure_openai`: a deployment of Azure OpenAI.

use secrecy::SecretString;
use url::Url;

use super::check::Check;
use super::key::keys;
use super::kinds::{HttpUrl, Secret, Text};
use super::network::NetworkSettings;

keys! { KEYS;
    ENDPOINT: HttpUrl = "azure_openai.endpoint", HttpUrl, env: ["AZURE_OPENAI_ENDPOINT"];
    API_KEY: Secret = "azure_openai.api_key", Secret, env: ["AZURE_OPENAI_API_KEY"];
    DEPLOYMENT: Text = "azure_openai.deployment", Text, env: ["AZURE_OPENAI_DEPLOYMENT"];
    API_VERSION: Text = "azure_openai.api_version", Text, env: ["AZURE_OPENAI_API_VERSION"];
}

/// Section `azure_openai`.
#[derive(Clone, Debug)]
pub struct AzureOpenAiSettings {
    /// The resource's URL.
    pub endpoint: Url,
    /// The key.
    pub api_key: SecretString,
    /// The name that the model was deployed under.
    pub deployment: String,
    /// The `api-version` to ask for.
    pub api_version: String,
}

impl AzureOpenAiSettings {
    /// `Some(None)`: nothing of it is set.
    pub(super) fn read(check: &mut Check, network: &NetworkSettings) -> Option<Option<Self>> {
        let all = [
            (ENDPOINT.is_explicit(check), ENDPOINT.variable()),
            (API_KEY.is_explicit(check), API_KEY.variable()),
            (DEPLOYMENT.is_explicit(check), DEPLOYMENT.variable()),
            (API_VERSION.is_explicit(check), API_VERSION.variable()),
        ];
        let (set, missing): (Vec<_>, Vec<_>) = all.into_iter().partition(|(is_set, _)| *is_set);
        if set.is_empty() {
            return Some(None);
        }
        if !missing.is_empty() {
            let missing: Vec<_> = missing.into_iter().map(|(_, variable)| variable).collect();
            check.fault("azure_openai", format!("incomplete, set also {}", missing.join(", ")));
        }
        let api_key = API_KEY.read(check);
        let endpoint = network.url_for_key(check, &ENDPOINT, api_key.is_some());
        let deployment = DEPLOYMENT.read(check);
        let api_version = API_VERSION.read(check);
        Some(Some(Self {
            endpoint: endpoint?,
            api_key: api_key?,
            deployment: deployment?,
            api_version: api_version?,
        }))
    }
}
