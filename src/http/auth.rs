//! The guard of every closed route (contract, section 2). It reads headers only, and runs before
//! any body is read; what it checked arrives at the handler as a [`Caller`].

use std::borrow::Cow;
use std::sync::Arc;

use axum::extract::{FromRequestParts, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::request::Parts;
use http::{HeaderMap, header};

use super::Shared;
use super::error::ApiError;
use crate::domain::Caller;
use crate::token::{Claims, TokenError};

/// Lets a request through with its [`Caller`], or refuses it with the first check that fails.
pub async fn guard(State(http): State<Shared>, mut request: Request, next: Next) -> Response {
    match caller(&http, request.headers()) {
        Ok(caller) => {
            request.extensions_mut().insert(Arc::new(caller));
            next.run(request).await
        }
        Err(refusal) => {
            let error_code = refusal.code().code();
            tracing::info!(error_code, path = request.uri().path(), "request refused");
            refusal.into_response()
        }
    }
}

fn caller(http: &Shared, headers: &HeaderMap) -> Result<Caller, ApiError> {
    let token = bearer(headers)?;
    let claims = verified(http, token)?;
    let tenant = text(headers, "x-tenant-id").ok_or_else(ApiError::tenant_missing)?;
    if tenant != claims.tenant_id.as_str() {
        return Err(ApiError::tenant_mismatch());
    }
    let user = text(headers, "x-user-id");
    if user.as_ref().is_some_and(|user| user != claims.sub.as_str()) {
        return Err(ApiError::forbidden("X-User-ID is not the token's sub"));
    }
    Ok(Caller {
        tenant: claims.tenant_id,
        user: claims.sub,
        role: claims.role,
        named_itself: user.is_some(),
    })
}

fn bearer(headers: &HeaderMap) -> Result<&str, ApiError> {
    let missing = || ApiError::unauthenticated("Authorization: Bearer <token> is missing");
    let value = headers.get(header::AUTHORIZATION).ok_or_else(missing)?;
    let value = value.to_str().map_err(|_| ApiError::token_invalid())?;
    let (scheme, token) = value.trim().split_once(' ').unwrap_or((value, ""));
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(missing());
    }
    Ok(token.trim())
}

fn verified(http: &Shared, token: &str) -> Result<Claims, ApiError> {
    let config = &http.config;
    config.key.verify(token, config.leeway, http.clock.now_secs()).map_err(|error| match error {
        TokenError::Malformed(_) => ApiError::token_invalid(),
        TokenError::Expired => ApiError::token_expired(),
    })
}

/// A header's value; `None` if it is absent or blank. What is not UTF-8 is not absent, and equal to
/// nothing that a token can say.
fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<Cow<'a, str>> {
    let value = headers.get(name)?.as_bytes().trim_ascii();
    (!value.is_empty()).then(|| String::from_utf8_lossy(value))
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

/// A caller who named itself: deciding an approval demands `X-User-ID` (check 7).
#[derive(Clone, Debug)]
pub struct Decider(pub Arc<Caller>);

impl<S: Send + Sync> FromRequestParts<S> for Decider {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let Authenticated(caller) = Authenticated::from_request_parts(parts, state).await?;
        if caller.named_itself {
            Ok(Self(caller))
        } else {
            Err(ApiError::unauthenticated("X-User-ID is missing"))
        }
    }
}
