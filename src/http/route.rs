//! One line of the route table: a path, who may call it, and for each method its handler and what describes
//! it.

use axum::handler::Handler;
use axum::routing::{MethodRouter, delete, get, post, put};
use http::Method;

use super::Shared;
use super::access::Access;
use super::error::ApiError;
use super::openapi::Operation;
use super::refusal_body::RefusalBody;
use super::schemas::Schemas;

/// Describes what a method of a route takes and answers.
pub(super) type Describe = fn(&mut Schemas) -> Operation;

/// One line of the route table. There is no method of it that is not described.
pub struct Route {
    /// The path as axum writes it.
    pub path: &'static str,
    /// Who may call it.
    pub access: Access,
    pub(super) operations: Vec<(Method, Describe)>,
    pub(super) refusal_body: RefusalBody,
    pub(super) handler: MethodRouter<Shared>,
}

/// A path that has no method yet.
pub(super) struct Path {
    path: &'static str,
    access: Access,
    refusal_body: RefusalBody,
}

/// A path that wants a valid token.
pub(super) fn guarded(path: &'static str) -> Path {
    Path { path, access: Access::Guarded, refusal_body: RefusalBody::Envelope }
}

/// A path for anybody.
pub(super) fn open(path: &'static str) -> Path {
    Path { path, access: Access::Open, refusal_body: RefusalBody::Envelope }
}

impl Path {
    /// The same path, whose refusals are told so.
    pub(super) fn refusing_as(self, refusal_body: RefusalBody) -> Self {
        Self { refusal_body, ..self }
    }

    pub(super) fn get<T: 'static>(self, handler: impl Handler<T, Shared>, it: Describe) -> Route {
        self.route(Method::GET, get(handler), it)
    }

    pub(super) fn post<T: 'static>(self, handler: impl Handler<T, Shared>, it: Describe) -> Route {
        self.route(Method::POST, post(handler), it)
    }

    fn route(self, method: Method, handler: MethodRouter<Shared>, it: Describe) -> Route {
        let Self { path, access, refusal_body } = self;
        Route { path, access, operations: vec![(method, it)], refusal_body, handler }
    }
}

impl Route {
    /// The methods that it takes.
    pub fn methods(&self) -> impl Iterator<Item = &str> {
        self.operations.iter().map(|(method, _)| method.as_str())
    }

    /// The same path with GET as well.
    pub(super) fn get<T: 'static>(self, handler: impl Handler<T, Shared>, it: Describe) -> Self {
        self.and(Method::GET, get(handler), it)
    }

    /// The same path with PUT as well.
    pub(super) fn put<T: 'static>(self, handler: impl Handler<T, Shared>, it: Describe) -> Self {
        self.and(Method::PUT, put(handler), it)
    }

    /// The same path with DELETE as well.
    pub(super) fn delete<T: 'static>(self, handler: impl Handler<T, Shared>, it: Describe) -> Self {
        self.and(Method::DELETE, delete(handler), it)
    }

    /// The same path, which does not take HEAD as axum would: `allowed` are the methods that it takes.
    pub(super) fn without_head(self, allowed: &'static str) -> Self {
        let refused = move || async move { ApiError::head_not_allowed(allowed) };
        Self { handler: self.handler.fallback(refused), ..self }
    }

    fn and(mut self, method: Method, handler: MethodRouter<Shared>, it: Describe) -> Self {
        self.operations.push((method, it));
        Self { handler: self.handler.merge(handler), ..self }
    }
}
