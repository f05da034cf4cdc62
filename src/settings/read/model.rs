//! Section `model`, and the providers: `openai` and `azure_openai`.

use super::super::check::Check;
use super::super::sections::{
    AzureOpenAiSettings, FallbackSettings, ModelSettings, OpenAiSettings, Provider,
};
use super::super::{headers, names};

/// Headers that a request has anyway, or that are about the connection.
const RESERVED: [&str; 15] = [
    "accept",
    "accept-encoding",
    "api-key",
    "authorization",
    "connection",
    "content-length",
    "content-type",
    "expect",
    "host",
    "keep-alive",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];
/// Longest word that a provider has for a degree, in bytes.
const WORD_MAX: usize = 32;

impl ModelSettings {
    pub(super) fn read(check: &mut Check) -> Self {
        Self {
            temperature: check.fraction("model.temperature", 0.0..=2.0),
            max_output_tokens: check.limit("model.max_output_tokens", 100_000_000),
            reasoning_effort: check.parsed("model.reasoning_effort", word),
            logprobs: check.flag("model.logprobs").unwrap_or(false),
            headers: headers::read(check, names::HEADERS, &RESERVED),
            connect_timeout: check.seconds("model.connect_timeout_seconds", 1..=300),
            first_token_timeout: check.seconds("model.first_token_timeout_seconds", 1..=600),
            idle_timeout: check.seconds("model.idle_timeout_seconds", 1..=600),
            turn_timeout: check.seconds("model.turn_timeout_seconds", 1..=3600),
            max_retries: check.count("model.max_retries", 0..=10),
            context_tokens: check.limit("model.context_tokens", 100_000_000),
            fallback: FallbackSettings::read(check),
        }
    }
}

impl FallbackSettings {
    fn read(check: &mut Check) -> Option<Self> {
        let model = check.text("model.fallback");
        let api_key = check.secret("model.fallback_api_key");
        let base_url = check.http_url_for_key("model.fallback_base_url", api_key.is_some());
        let rest = check.seconds("model.fallback_rest_seconds", 1..=3600);
        if model.is_none() && (base_url.is_some() || api_key.is_some()) {
            check.fault("model.fallback", "not set: name the model that is to be asked there");
        }
        Some(Self { model: model?, base_url, api_key, rest })
    }
}

impl Provider {
    pub(super) fn read(check: &mut Check) -> Option<Self> {
        let open_ai = OpenAiSettings::read(check);
        let azure = AzureOpenAiSettings::read(check)?;
        Some(match (azure, open_ai?) {
            (Some(azure), open_ai) => {
                if open_ai.is_some() {
                    check.note("[openai] has no effect: [azure_openai] wins".to_owned());
                }
                Self::AzureOpenAi(azure)
            }
            (None, Some(open_ai)) => {
                refuse_to_guess_the_model(check);
                Self::OpenAi(open_ai)
            }
            (None, None) => Self::Builtin,
        })
    }
}

/// OpenAI's own usual model is nothing that another endpoint has.
fn refuse_to_guess_the_model(check: &mut Check) {
    if check.explicit_layer("openai.base_url").is_some()
        && check.explicit_layer("openai.model").is_none()
    {
        check.fault(
            "openai.model",
            "not set: set OPENAI_MODEL to the name of the model that OPENAI_BASE_URL is to be asked for",
        );
    }
}

/// One word, as providers have for degrees.
fn word(text: &str) -> Result<String, &'static str> {
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    let is_word = text.len() <= WORD_MAX && text.bytes().all(is_plain);
    is_word.then(|| text.to_owned()).ok_or("must be one word, such as \"low\" or \"high\"")
}

impl OpenAiSettings {
    /// `Some(None)`: neither a key nor an endpoint of one's own is set.
    fn read(check: &mut Check) -> Option<Option<Self>> {
        let own_endpoint = check.explicit_layer("openai.base_url").is_some();
        let api_key = check.secret("openai.api_key");
        let has_key = api_key.is_some() || !check.below(names::HEADERS).is_empty();
        let base_url = check.http_url_for_key("openai.base_url", has_key);
        let model = check.text("openai.model");
        if api_key.is_none() && !own_endpoint {
            return Some(None);
        }
        Some(Some(Self { api_key, base_url: base_url?, model: model? }))
    }
}

impl AzureOpenAiSettings {
    /// `Some(None)`: nothing of it is set.
    fn read(check: &mut Check) -> Option<Option<Self>> {
        const ALL: [&str; 4] = [
            "azure_openai.endpoint",
            "azure_openai.api_key",
            "azure_openai.deployment",
            "azure_openai.api_version",
        ];
        let (set, missing): (Vec<_>, Vec<_>) =
            ALL.into_iter().partition(|key| check.explicit_layer(key).is_some());
        if set.is_empty() {
            return Some(None);
        }
        if !missing.is_empty() {
            let missing: Vec<_> = missing.into_iter().map(names::variable_of).collect();
            check.fault("azure_openai", format!("incomplete, set also {}", missing.join(", ")));
        }
        let api_key = check.secret("azure_openai.api_key");
        let endpoint = check.http_url_for_key("azure_openai.endpoint", api_key.is_some());
        let deployment = check.text("azure_openai.deployment");
        let api_version = check.text("azure_openai.api_version");
        Some(Some(Self {
            endpoint: endpoint?,
            api_key: api_key?,
            deployment: deployment?,
            api_version: api_version?,
        }))
    }
}
