//! Parts of a request, with faults that look like every other fault.

use std::collections::HashMap;

use axum::extract::{FromRequestParts, Path, Query};
use http::request::Parts;
use serde_json::Value;

use super::error::ApiError;

/// The id in a path. What is not even text is nobody's id.
#[derive(Clone, Debug)]
pub struct PathId(pub String);

impl<S: Send + Sync> FromRequestParts<S> for PathId {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        match Path::<String>::from_request_parts(parts, state).await {
            Ok(Path(id)) => Ok(Self(id)),
            Err(_) => Err(ApiError::not_found("id")),
        }
    }
}

/// The query, name by name; blank values count as absent.
#[derive(Clone, Debug)]
pub struct Params(HashMap<String, String>);

impl Params {
    /// The first of several names under which a value is known.
    pub fn first_of(&self, names: &[&str]) -> Option<&str> {
        let values = names.iter().filter_map(|name| self.0.get(*name));
        values.map(String::as_str).find(|value| !value.trim().is_empty())
    }

    /// All names and values, as one JSON object.
    pub fn to_value(&self) -> Value {
        self.0.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str()))).collect()
    }

    /// How many lines of a list are wanted: `limit`, from 1 to `most`.
    pub fn limit(&self, unless_said: usize, most: usize) -> Result<usize, ApiError> {
        let Some(text) = self.first_of(&["limit"]) else { return Ok(unless_said) };
        match text.parse::<usize>() {
            Ok(limit) if (1..=most).contains(&limit) => Ok(limit),
            Ok(_) | Err(_) => {
                Err(ApiError::invalid("limit", &format!("must be a number from 1 to {most}")))
            }
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Params {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        match Query::<Vec<(String, String)>>::from_request_parts(parts, state).await {
            Ok(Query(pairs)) => Ok(Self(pairs.into_iter().collect())),
            Err(error) => Err(ApiError::malformed(format!("the query cannot be read: {error}"))),
        }
    }
}
