//! The tokens of DWP: HS256 and nothing else (contract, section 2).
//!
//! Time is handed in: nothing here looks at a clock.

use std::collections::HashSet;
use std::fmt;
use std::time::Duration;

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use serde_json::{Map, Value};
use thiserror::Error;

mod keys;

pub use keys::{LiveKeys, TokenKeys};

use crate::domain::{Role, Roles, TenantId, UnixSeconds, UserId};

/// The end of the year 2200, in Unix seconds. What expires later was counted in milliseconds.
const LAST_EXP: f64 = 7_289_654_400.0;

/// The least bytes of a key: as many as its HMAC-SHA256 has.
const MIN_KEY_BYTES: usize = 32;

/// What a token says. Times are whole Unix seconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Claims {
    /// Who it was given to; not blank.
    pub sub: UserId,
    /// Whose they are; not blank.
    pub tenant_id: TenantId,
    /// When it was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iat: Option<UnixSeconds>,
    /// From when on it counts no more; a fraction has been cut off.
    pub exp: UnixSeconds,
    /// Their address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// What they are; on the wire a text or a list.
    #[serde(rename = "role", skip_serializing_if = "Roles::is_empty")]
    pub roles: Roles,
}

/// What manuals and pages about tokens have in the place of a key, as they begin: in lower case, and
/// without what stands between the words.
const PLACEHOLDERS: [&str; 8] = [
    "256bitsecret",
    "astringsecretatleast256bitslong",
    "changeme",
    "changethis",
    "replaceme",
    "replacethis",
    "replacewith",
    "your",
];
/// Different characters that a secret has at least.
const DIFFERENT_MIN: usize = 5;
/// Longest text that is not to be repeated, in bytes.
const REPEATED_MAX: usize = 4;

/// A key that anybody could guess.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum WeakSecret {
    /// It is too short to be one.
    #[error("must have at least 32 bytes, has {bytes}")]
    TooShort {
        /// How many it has.
        bytes: usize,
    },
    /// It is a short text over and over, or has hardly any different characters.
    #[error("must not be a few characters over and over (to make one: `openssl rand -hex 32`)")]
    Repeated,
    /// It is, or has in it, what manuals give as an example.
    #[error("must not be a well-known example (to make one: `openssl rand -hex 32`)")]
    WellKnown,
}

/// Why a token is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum TokenError {
    /// It is not one of ours, does not say what it must, or is not valid yet (E2003). The reason
    /// is for the log.
    #[error("the token is not valid: {0}")]
    Malformed(&'static str),
    /// It was good, and its time is over (E2002).
    #[error("the token has expired")]
    Expired,
}

/// A token could not be signed.
#[derive(Debug, Error)]
#[error("the token cannot be signed: {0}")]
pub struct SigningFailed(#[from] jsonwebtoken::errors::Error);

/// The key that signs and checks tokens. It cannot be printed.
#[derive(Clone)]
pub struct TokenKey {
    signing: EncodingKey,
    checking: DecodingKey,
    rules: Validation,
}

fn check_strength(secret: &str) -> Result<(), WeakSecret> {
    let words: String = secret.to_lowercase().chars().filter(|c| c.is_alphanumeric()).collect();
    match secret.len() {
        bytes if bytes < MIN_KEY_BYTES => Err(WeakSecret::TooShort { bytes }),
        _ if is_repetitive(secret) => Err(WeakSecret::Repeated),
        _ if PLACEHOLDERS.iter().any(|example| words.starts_with(example)) => {
            Err(WeakSecret::WellKnown)
        }
        _ => Ok(()),
    }
}

fn is_repetitive(secret: &str) -> bool {
    let bytes = secret.as_bytes();
    let is_repeated = |period: usize| bytes.iter().zip(&bytes[period..]).all(|(a, b)| a == b);
    let different: HashSet<char> = secret.chars().collect();
    different.len() < DIFFERENT_MIN || (1..=REPEATED_MAX.min(bytes.len())).any(is_repeated)
}

impl fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenKey([REDACTED])")
    }
}

impl TokenKey {
    /// The key whose bytes are the secret's UTF-8 bytes; at least 32 of them, and none that anybody
    /// would try.
    pub fn new(secret: &SecretString) -> Result<Self, WeakSecret> {
        check_strength(secret.expose_secret())?;
        let bytes = secret.expose_secret().as_bytes();
        Ok(Self {
            signing: EncodingKey::from_secret(bytes),
            checking: DecodingKey::from_secret(bytes),
            rules: signature_only(),
        })
    }

    /// A token that says this.
    pub fn issue(&self, claims: &Claims) -> Result<String, SigningFailed> {
        Ok(jsonwebtoken::encode(&Header::new(Algorithm::HS256), claims, &self.signing)?)
    }

    /// What a token says, if this key signed it and it is valid at `now`, give or
    /// take `leeway`.
    ///
    /// [`TokenError::Expired`] only if nothing else is wrong with it. An `aud` is not looked at:
    /// tokens of DWP are for every service of it.
    pub fn verify(
        &self,
        token: &str,
        leeway: Duration,
        now: UnixSeconds,
    ) -> Result<Claims, TokenError> {
        let decoded =
            jsonwebtoken::decode::<Map<String, Value>>(token, &self.checking, &self.rules)
                .map_err(|error| TokenError::Malformed(reason(error.kind())))?;
        if decoded.header.crit.is_some() {
            return Err(TokenError::Malformed("it demands extensions that nobody here knows"));
        }
        let given = GivenClaims(&decoded.claims);
        let claims = Claims {
            sub: UserId::new(given.id("sub").ok_or(TokenError::Malformed("no sub"))?),
            tenant_id: TenantId::new(
                given.id("tenant_id").ok_or(TokenError::Malformed("no tenant_id"))?,
            ),
            iat: given.time("iat")?.map(whole_seconds),
            exp: whole_seconds(given.end()?),
            email: given.text("email").map(str::to_owned),
            roles: given.roles(),
        };
        given.check_times(leeway, now)?;
        Ok(claims)
    }
}

/// The tenant that a token names, for whoever sends it and cannot check it: nothing is believed of it.
/// `None` if this is no token, or one without a tenant.
pub fn unverified_tenant(token: &str) -> Option<TenantId> {
    let claims: Map<String, Value> = jsonwebtoken::dangerous::insecure_decode_claims(token).ok()?;
    GivenClaims(&claims).id("tenant_id").map(TenantId::new)
}

/// The library checks the signature and the algorithm. The claims are checked here, because it
/// would look at the machine's clock, take an `exp` of the wrong type for none, and report an
/// expired token as such although more is wrong with it.
fn signature_only() -> Validation {
    let mut rules = Validation::new(Algorithm::HS256);
    rules.required_spec_claims.clear();
    rules.validate_exp = false;
    rules.validate_nbf = false;
    rules.validate_aud = false;
    rules
}

/// What is wrong, without anything of the token in it.
fn reason(kind: &jsonwebtoken::errors::ErrorKind) -> &'static str {
    use jsonwebtoken::errors::ErrorKind;
    match kind {
        ErrorKind::InvalidSignature => "its signature is wrong",
        ErrorKind::InvalidAlgorithm | ErrorKind::InvalidAlgorithmName => "its alg is not HS256",
        // The library may add kinds at any time; all others mean that the text is no token.
        _ => "it is no JWT",
    }
}

/// The claims as they came.
struct GivenClaims<'a>(&'a Map<String, Value>);

impl<'a> GivenClaims<'a> {
    /// A text that is not blank.
    fn text(&self, claim: &str) -> Option<&'a str> {
        self.0.get(claim).and_then(Value::as_str).filter(|text| !text.trim().is_empty())
    }

    /// A text that is not blank, or the decimal text of an integer. A number with a fraction or an
    /// exponent is no id, also where its value is whole: it has no one decimal text.
    fn id(&self, claim: &str) -> Option<String> {
        match self.0.get(claim)? {
            Value::Number(number) if number.is_f64() => None,
            Value::Number(integer) => Some(integer.to_string()),
            Value::String(text) => Some(text.clone()).filter(|text| !text.trim().is_empty()),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
        }
    }

    /// The roles in a text or a list; what is no text names none.
    fn roles(&self) -> Roles {
        let named = match self.0.get("role") {
            Some(Value::Array(names)) => names.as_slice(),
            Some(name) => std::slice::from_ref(name),
            None => &[],
        };
        named.iter().filter_map(Value::as_str).filter_map(Role::named).collect()
    }

    /// `exp`, which has to be there and to be seconds.
    fn end(&self) -> Result<f64, TokenError> {
        let end = self.time("exp")?.ok_or(TokenError::Malformed("no exp"))?;
        if end >= LAST_EXP {
            return Err(TokenError::Malformed("its exp counts milliseconds, not seconds"));
        }
        Ok(end)
    }

    /// A point in time, possibly with a fraction. There or not (`null` is not); but no other type.
    fn time(&self, claim: &'static str) -> Result<Option<f64>, TokenError> {
        match self.0.get(claim) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => match value.as_f64() {
                Some(seconds) => Ok(Some(seconds)),
                None => Err(TokenError::Malformed("exp, nbf and iat have to be numbers")),
            },
        }
    }

    /// Whether now lies between `nbf` (and `iat`) and `exp`.
    fn check_times(&self, leeway: Duration, now: UnixSeconds) -> Result<(), TokenError> {
        let leeway = leeway.as_secs_f64();
        let now = as_seconds(now);
        let starts = [self.time("nbf")?, self.time("iat")?];
        if starts.iter().flatten().any(|start| *start > now + leeway) {
            return Err(TokenError::Malformed("it comes from the future"));
        }
        if now < self.end()? + leeway { Ok(()) } else { Err(TokenError::Expired) }
    }
}

/// Exact for every point in time of the next hundred million years.
#[expect(clippy::cast_precision_loss, reason = "see above")]
fn as_seconds(whole: UnixSeconds) -> f64 {
    whole.get() as f64
}

/// Without the fraction; what lies before 1970 counts as 1970.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cast saturates")]
fn whole_seconds(seconds: f64) -> UnixSeconds {
    UnixSeconds::new(seconds as u64)
}

#[cfg(test)]
mod tests;
