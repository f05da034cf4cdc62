//! The parts of an AsyncAPI 3.0 document that this one has.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::http::bearer::SecurityScheme;

/// A whole document.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::http) struct AsyncApi {
    pub(super) asyncapi: &'static str,
    pub(super) info: Info,
    pub(super) default_content_type: &'static str,
    pub(super) servers: BTreeMap<&'static str, Server>,
    pub(super) channels: BTreeMap<&'static str, Channel>,
    pub(super) operations: BTreeMap<&'static str, Operation>,
    pub(super) components: Components,
}

#[derive(Debug, Serialize)]
pub(super) struct Info {
    pub(super) title: &'static str,
    pub(super) version: &'static str,
    pub(super) description: &'static str,
    pub(super) license: License,
}

#[derive(Debug, Serialize)]
pub(super) struct License {
    pub(super) name: &'static str,
    pub(super) url: &'static str,
}

#[derive(Debug, Serialize)]
pub(super) struct Server {
    pub(super) host: &'static str,
    pub(super) protocol: &'static str,
    pub(super) description: &'static str,
    pub(super) variables: BTreeMap<&'static str, Variable>,
}

/// A part of a server's address that differs from place to place.
#[derive(Debug, Serialize)]
pub(super) struct Variable {
    pub(super) default: &'static str,
    pub(super) description: &'static str,
}

#[derive(Debug, Serialize)]
pub(super) struct Channel {
    pub(super) address: &'static str,
    pub(super) description: &'static str,
    /// In the order in which they come.
    pub(super) messages: Map<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) parameters: Option<Value>,
}

#[derive(Debug, Serialize)]
pub(super) struct Operation {
    pub(super) action: &'static str,
    pub(super) channel: Reference,
    pub(super) summary: &'static str,
    pub(super) description: &'static str,
    pub(super) security: [Reference; 1],
    pub(super) bindings: Bindings,
}

#[derive(Debug, Serialize)]
pub(super) struct Bindings {
    pub(super) http: HttpBinding,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct HttpBinding {
    pub(super) method: &'static str,
    pub(super) binding_version: &'static str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Components {
    pub(super) messages: BTreeMap<String, Message>,
    pub(super) schemas: Map<String, Value>,
    pub(super) security_schemes: BTreeMap<&'static str, SecurityScheme>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Message {
    pub(super) name: String,
    pub(super) title: String,
    pub(super) summary: String,
    pub(super) content_type: &'static str,
    pub(super) headers: Value,
    pub(super) payload: Value,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) examples: Vec<Example>,
}

/// An event that a server has sent.
#[derive(Debug, Serialize)]
pub(super) struct Example {
    pub(super) payload: Value,
}

#[derive(Debug, Serialize)]
pub(super) struct Reference {
    #[serde(rename = "$ref")]
    target: String,
}

impl Reference {
    pub(super) fn to(kind: &str, name: &str) -> Self {
        Self::at(format!("#/components/{kind}/{name}"))
    }

    pub(super) fn at(target: String) -> Self {
        Self { target }
    }
}
