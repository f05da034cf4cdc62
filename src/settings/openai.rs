//! Section `openai`: OpenAI, or whatever speaks its protocol.

use secrecy::SecretString;
use url::Url;

use super::check::Check;
use super::key::keys;
use super::kinds::{HttpUrl, Secret, Text};
use super::network::NetworkSettings;

keys! { KEYS;
    API_KEY: Secret = "openai.api_key", Secret, env: ["OPENAI_API_KEY"];
    BASE_URL: HttpUrl = "openai.base_url", HttpUrl, env: ["OPENAI_BASE_URL"];
    MODEL: Text = "openai.model", Text, env: ["OPENAI_MODEL"];
}

/// Section `openai`.
#[derive(Clone, Debug)]
pub struct OpenAiSettings {
    /// `None`: the endpoint needs none.
    pub api_key: Option<SecretString>,
    /// Up to and with the version, for instance `https://api.openai.com/v1`.
    pub base_url: Url,
    /// The model's name.
    pub model: String,
}

impl OpenAiSettings {
    /// `Some(None)`: neither a key nor an endpoint of one's own is set. Headers that are sent along count
    /// as a key.
    pub(super) fn read(
        check: &mut Check,
        network: &NetworkSettings,
        has_headers: bool,
    ) -> Option<Option<Self>> {
        let own_endpoint = BASE_URL.is_explicit(check);
        let api_key = API_KEY.read(check);
        let base_url = network.url_for_key(check, &BASE_URL, api_key.is_some() || has_headers);
        let model = MODEL.read(check);
        if api_key.is_none() && !own_endpoint {
            return Some(None);
        }
        Some(Some(Self { api_key, base_url: base_url?, model: model? }))
    }
}

/// OpenAI's own usual model is nothing that another endpoint has.
pub(super) fn refuse_to_guess_the_model(check: &mut Check) {
    if BASE_URL.is_explicit(check) && !MODEL.is_explicit(check) {
        let (model, base_url) = (MODEL.variable(), BASE_URL.variable());
        let problem = format!(
            "not set: set {model} to the name of the model that {base_url} is to be asked for"
        );
        MODEL.fault(check, problem);
    }
}
