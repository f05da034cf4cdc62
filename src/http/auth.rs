//! The guard of every closed route (contract, section 2). It reads headers only, and runs before
//! any body is read; what it checked arrives at the handler as a [`Caller`].

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{FromRequestParts, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::request::Parts;
use http::{HeaderMap, header};
use tokio::time::Instant;

use super::Shared;
use super::error::ApiError;
use super::expiry::end_stream_at;
use super::request_log::beginning;
use crate::domain::{Caller, RoleGrants, UnixMs};
use crate::token::{Claims, LiveKeys, TokenError};

/// How callers are checked.
#[derive(Clone, Debug)]
pub struct AuthConfig {
    /// Who signs their tokens.
    pub keys: LiveKeys,
    /// How far clocks may disagree.
    pub leeway: Duration,
    /// The roles that they have besides those of their tokens.
    pub roles: RoleGrants,
    /// Whether a stream is broken off when the token that opened it expires.
    pub close_streams_at_expiry: bool,
}

/// Lets a request through with its [`Caller`], or refuses it with the first check that fails.
pub async fn guard(State(http): State<Shared>, mut request: Request, next: Next) -> Response {
    match checked(&http, request.headers()) {
        Ok(claims) => {
            let end = http.config.auth.end_of_streams(&claims, http.clock.now());
            let caller = http.config.auth.caller(claims);
            request.extensions_mut().insert(Arc::new(caller));
            let response = next.run(request).await;
            match end {
                Some(end) => end_stream_at(end, response),
                None => response,
            }
        }
        Err(refusal) => {
            let error_code = refusal.code().code();
            let path = beginning(request.uri().path());
            tracing::info!(error_code, path = &*path, "request refused");
            refusal.into_response()
        }
    }
}

/// The headers that say who is asking; `None`: absent or blank.
struct Identity<'a> {
    authorization: Option<&'a str>,
    tenant: Option<&'a str>,
    user: Option<&'a str>,
}

impl<'a> Identity<'a> {
    /// A header that is there more than once, or that is not text, may mean one thing to whoever
    /// stands before this service and another thing here. So that comes before all other checks.
    fn of(headers: &'a HeaderMap) -> Result<Self, ApiError> {
        Ok(Self {
            authorization: only(headers, header::AUTHORIZATION.as_str())?,
            tenant: only(headers, "x-tenant-id")?,
            user: only(headers, "x-user-id")?,
        })
    }

    /// The token. A list of several, joined by a comma into one header, is no token.
    fn bearer(&self) -> Option<&'a str> {
        let value = self.authorization?;
        let (scheme, token) = value.split_once(' ').unwrap_or((value, ""));
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
    }
}

/// A header's one value; `None` if it is absent or blank.
fn only<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, ApiError> {
    let mut values = headers.get_all(name).iter();
    let (first, second) = (values.next(), values.next());
    if second.is_some() {
        return Err(ApiError::malformed(format!("the header {name} is there more than once")));
    }
    let Some(value) = first else { return Ok(None) };
    let text = std::str::from_utf8(value.as_bytes())
        .map_err(|_| ApiError::malformed(format!("the header {name} is not UTF-8")))?;
    Ok(Some(text.trim_ascii()).filter(|text| !text.is_empty()))
}

/// What the token says, if it is good and the other headers agree with it.
fn checked(http: &Shared, headers: &HeaderMap) -> Result<Claims, ApiError> {
    let identity = Identity::of(headers)?;
    let missing = || ApiError::unauthenticated("Authorization: Bearer <token> is missing");
    let claims = verified(http, identity.bearer().ok_or_else(missing)?)?;
    let tenant = identity.tenant.ok_or_else(ApiError::tenant_missing)?;
    if tenant != claims.tenant_id.as_str() {
        return Err(ApiError::tenant_mismatch());
    }
    if identity.user.is_some_and(|user| user != claims.sub.as_str()) {
        return Err(ApiError::forbidden("X-User-ID is not the token's sub"));
    }
    Ok(claims)
}

fn verified(http: &Shared, token: &str) -> Result<Claims, ApiError> {
    let config = &http.config.auth;
    config.keys.now().verify(token, config.leeway, http.clock.now().second()).map_err(|error| {
        match error {
            TokenError::Malformed(_) => ApiError::token_invalid(),
            TokenError::Expired => ApiError::token_expired(),
        }
    })
}

impl AuthConfig {
    fn caller(&self, claims: Claims) -> Caller {
        let Claims { sub: user, tenant_id: tenant, roles, .. } = claims;
        let roles = self.roles.complete(roles, &tenant, &user);
        Caller { tenant, user, roles }
    }

    /// When the streams of this token's holder are to be broken off: at its `exp`. A stream that
    /// is opened later, within the leeway, lasts until that is over and the token is refused.
    fn end_of_streams(&self, claims: &Claims, now: UnixMs) -> Option<Instant> {
        if !self.close_streams_at_expiry {
            return None;
        }
        let end = claims.exp.ms();
        let end = if now < end { end } else { end.after(self.leeway) };
        Some(Instant::now() + end.since(now))
    }
}

/// The checked caller, as a handler's argument. Only a guarded route has one.
#[derive(Clone, Debug)]
pub struct Authenticated(pub Arc<Caller>);

impl<S: Send + Sync> FromRequestParts<S> for Authenticated {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        // Missing only on a route that forgot its guard: closed, then.
        parts
            .extensions
            .get::<Arc<Caller>>()
            .map(|caller| Self(Arc::clone(caller)))
            .ok_or_else(|| ApiError::unauthenticated("nobody was authenticated"))
    }
}
