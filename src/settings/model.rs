//! Section `model`: how the model is to answer, how patient to be with it, and who stands in for it.

use std::collections::BTreeMap;
use std::time::Duration;

use secrecy::SecretString;
use url::Url;

use super::check::Check;
use super::key::{Spelling, keys};
use super::kinds::{
    Flag, Fraction, HttpUrl, Limit, Parsed, Secret, Text, Time, Whole, fraction, limit, parsed,
    seconds, whole,
};
use super::network::NetworkSettings;
use super::tables::{Line, Table, headers, read_headers};

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

keys! { KEYS;
    TEMPERATURE: Fraction = "model.temperature", fraction(0.0..=2.0);
    MAX_OUTPUT_TOKENS: Limit = "model.max_output_tokens", limit(100_000_000);
    REASONING_EFFORT: Parsed<String> = "model.reasoning_effort", parsed(word);
    LOGPROBS: Flag = "model.logprobs", Flag;
    HEADERS: Table<Line> = "model.headers", headers(Spelling::Header);
    CONNECT_TIMEOUT: Time = "model.connect_timeout_seconds", seconds(1..=300);
    FIRST_TOKEN_TIMEOUT: Time = "model.first_token_timeout_seconds", seconds(1..=600);
    IDLE_TIMEOUT: Time = "model.idle_timeout_seconds", seconds(1..=600);
    TURN_TIMEOUT: Time = "model.turn_timeout_seconds", seconds(1..=3600);
    MAX_RETRIES: Whole<u32> = "model.max_retries", whole(0..=10);
    CONTEXT_TOKENS: Limit = "model.context_tokens", limit(100_000_000);
    FALLBACK: Text = "model.fallback", Text;
    FALLBACK_BASE_URL: HttpUrl = "model.fallback_base_url", HttpUrl;
    FALLBACK_API_KEY: Secret = "model.fallback_api_key", Secret;
    FALLBACK_REST: Time = "model.fallback_rest_seconds", seconds(1..=3600);
}

/// Section `model`.
#[derive(Clone, Debug)]
pub struct ModelSettings {
    /// How freely the model chooses its words; `None`: as it does by itself.
    pub temperature: Option<f64>,
    /// Most tokens of one turn; `None`: as many as it takes.
    pub max_output_tokens: Option<u64>,
    /// How long it is to think, in its provider's own words; `None`: as it does by itself.
    pub reasoning_effort: Option<String>,
    /// Whether it is asked how probable its words were.
    pub logprobs: bool,
    /// Headers of the requests to the first model's provider.
    pub headers: BTreeMap<String, SecretString>,
    /// To connect.
    pub connect_timeout: Duration,
    /// To the first piece of an answer.
    pub first_token_timeout: Duration,
    /// Between two pieces.
    pub idle_timeout: Duration,
    /// For a whole turn.
    pub turn_timeout: Duration,
    /// Times that a failed request is repeated.
    pub max_retries: u32,
    /// The estimated tokens of one request above which the conversation is trimmed; `None`: never.
    pub context_tokens: Option<u64>,
    /// The model to ask where the first one fails; `None`: none.
    pub fallback: Option<FallbackSettings>,
}

/// The `fallback` keys of section `model`.
#[derive(Clone, Debug)]
pub struct FallbackSettings {
    /// The model's name; of Azure OpenAI, the deployment's.
    pub model: String,
    /// Another provider's address; `None`: the first model's provider.
    pub base_url: Option<Url>,
    /// Its key. At the first model's provider, `None` means the first model's key; at another one,
    /// none.
    pub api_key: Option<SecretString>,
    /// How long a first model that has failed is left alone.
    pub rest: Duration,
}

impl ModelSettings {
    pub(super) fn read(check: &mut Check, network: &NetworkSettings) -> Self {
        Self {
            temperature: TEMPERATURE.read(check),
            max_output_tokens: MAX_OUTPUT_TOKENS.read(check),
            reasoning_effort: REASONING_EFFORT.read(check),
            logprobs: LOGPROBS.read(check),
            headers: read_headers(check, &HEADERS, &RESERVED),
            connect_timeout: CONNECT_TIMEOUT.read(check),
            first_token_timeout: FIRST_TOKEN_TIMEOUT.read(check),
            idle_timeout: IDLE_TIMEOUT.read(check),
            turn_timeout: TURN_TIMEOUT.read(check),
            max_retries: MAX_RETRIES.read(check),
            context_tokens: CONTEXT_TOKENS.read(check),
            fallback: FallbackSettings::read(check, network),
        }
    }

    /// Tells that a fallback has nothing to stand in for.
    pub(super) fn refuse_fallback_alone(&self, check: &mut Check) {
        if self.fallback.is_some() {
            FALLBACK.fault(
                check,
                "there is no model that it could stand in for: set OPENAI_API_KEY, OPENAI_BASE_URL \
                 or AZURE_OPENAI_*",
            );
        }
    }
}

impl FallbackSettings {
    fn read(check: &mut Check, network: &NetworkSettings) -> Option<Self> {
        let model = FALLBACK.read(check);
        let api_key = FALLBACK_API_KEY.read(check);
        let base_url = network.url_for_key(check, &FALLBACK_BASE_URL, api_key.is_some());
        let rest = FALLBACK_REST.read(check);
        if model.is_none() && (base_url.is_some() || api_key.is_some()) {
            FALLBACK.fault(check, "not set: name the model that is to be asked there");
        }
        Some(Self { model: model?, base_url, api_key, rest })
    }
}

/// One word, as providers have for degrees.
fn word(text: &str) -> Result<String, &'static str> {
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    let is_word = text.len() <= WORD_MAX && text.bytes().all(is_plain);
    is_word.then(|| text.to_owned()).ok_or("must be one word, such as \"low\" or \"high\"")
}
