//! One method of one route, as its handler's neighbour describes it.

use std::collections::BTreeMap;

use schemars::{Schema, json_schema};
use serde_json::Value;

use super::super::access::Access;
use super::super::error::ApiError;
use super::super::examples;
use super::super::listen::HEAD_MAX;
use super::super::schemas::Schemas;
use super::model::{
    MediaType, OperationObject, OrReference, Parameter, Place, RequestBody, Response,
};
use super::refusals::Refusals;
use super::{correlation, headers, security};
use crate::sse::frame::Form;

/// What an operation belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tag {
    Runs,
    Sessions,
    Approvals,
    Audit,
    Operators,
    Service,
}

impl Tag {
    pub(super) const ALL: [Self; 6] =
        [Self::Runs, Self::Sessions, Self::Approvals, Self::Audit, Self::Operators, Self::Service];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Runs => "runs",
            Self::Sessions => "sessions",
            Self::Approvals => "approvals",
            Self::Audit => "audit",
            Self::Operators => "operators",
            Self::Service => "service",
        }
    }

    pub(super) fn about(self) -> &'static str {
        match self {
            Self::Runs => "Starting runs, and reading their event streams.",
            Self::Sessions => "The caller's own runs. To everybody else they do not exist.",
            Self::Approvals => "What waits for a person of the caller's tenant.",
            Self::Audit => "What was asked, decided and carried out.",
            Self::Operators => "Runs of all tenants, and what is stopped.",
            Self::Service => "The service itself. These routes want no token.",
        }
    }
}

/// An operation. What belongs to every operation is added once it is known who may call it.
pub(in crate::http) struct Operation {
    id: &'static str,
    tag: Tag,
    summary: &'static str,
    description: &'static str,
    parameters: Vec<OrReference<Parameter>>,
    body: Option<RequestBody>,
    answers: Vec<(u16, Response)>,
    refusals: Vec<ApiError>,
}

impl Operation {
    /// `id` is what clients that are generated call it.
    pub(super) fn new(id: &'static str, tag: Tag, summary: &'static str) -> Self {
        Self {
            id,
            tag,
            summary,
            description: "",
            parameters: Vec::new(),
            body: None,
            answers: Vec::new(),
            refusals: Vec::new(),
        }
    }

    pub(super) fn about(self, description: &'static str) -> Self {
        Self { description, ..self }
    }

    pub(super) fn path(
        self,
        name: &'static str,
        description: &'static str,
        schema: Schema,
    ) -> Self {
        self.parameter(Parameter {
            name,
            place: Place::Path,
            required: true,
            description,
            schema,
            example: None,
        })
    }

    /// A parameter of the query. A blank one counts as absent ([`Params`](super::super::extract::Params)).
    pub(super) fn query(
        self,
        name: &'static str,
        description: &'static str,
        schema: Schema,
    ) -> Self {
        let (place, required) = (Place::Query, false);
        let blank = json_schema!({ "type": "string", "pattern": r"^\s*$", "description": "The same as none." });
        let either = [schema, blank];
        let schema = json_schema!({ "anyOf": either });
        self.parameter(Parameter { name, place, required, description, schema, example: None })
    }

    fn parameter(mut self, parameter: Parameter) -> Self {
        self.parameters.push(OrReference::Item(parameter));
        self
    }

    /// A header besides those that every request may have.
    pub(super) fn header(mut self, name: &'static str) -> Self {
        self.parameters.push(OrReference::to("parameters", name));
        self
    }

    pub(super) fn body(self, required: bool, description: &'static str, schema: Schema) -> Self {
        let json = MediaType::of(schema);
        let content = [("application/json", json)].into();
        Self { body: Some(RequestBody { required, description, content }), ..self }
    }

    /// An answer that has a JSON body.
    pub(super) fn answers(self, status: u16, description: &str, schema: Schema) -> Self {
        self.answers_with(status, description, "application/json", schema)
    }

    /// An answer that has a body.
    pub(super) fn answers_with(
        self,
        status: u16,
        description: &str,
        media: &'static str,
        schema: Schema,
    ) -> Self {
        let body = MediaType::of(schema);
        self.answer(status, description, [(media, body)].into())
    }

    /// The answer that was described last comes in this media type as well.
    pub(super) fn or_in(mut self, media: &'static str, schema: Schema) -> Self {
        if let Some((_, answer)) = self.answers.last_mut() {
            answer.content.insert(media, MediaType::of(schema));
        }
        self
    }

    /// An answer without a body.
    pub(super) fn answers_nothing(self, status: u16, description: &str) -> Self {
        self.answer(status, description, BTreeMap::new())
    }

    fn answer(
        mut self,
        status: u16,
        description: &str,
        content: BTreeMap<&'static str, MediaType>,
    ) -> Self {
        let description = description.to_owned();
        self.answers.push((status, Response { description, headers: correlation(), content }));
        self
    }

    /// The answer that was described last has this header.
    pub(super) fn with_header(mut self, name: &'static str) -> Self {
        if let Some((_, answer)) = self.answers.last_mut() {
            answer.headers.insert(name.to_owned(), OrReference::to("headers", name));
        }
        self
    }

    /// What it refuses, besides what every route of its kind does.
    pub(super) fn refuses(mut self, errors: impl IntoIterator<Item = ApiError>) -> Self {
        self.refusals.extend(errors);
        self
    }

    /// All of it; `form`: of the events that refusals are told as to those who read streams, if they are.
    pub(super) fn object(
        self,
        access: Access,
        form: Option<Form>,
        schemas: &mut Schemas,
    ) -> OperationObject {
        let mut refusals = match access {
            Access::Open => Refusals::of_any_route(),
            Access::Guarded => Refusals::of_guarded_route(),
        };
        refusals.add(self.refusals);
        let mut responses = refusals.responses(form, schemas);
        for (status, answer) in self.answers {
            let status = status.to_string();
            match responses.remove(&status) {
                Some(refusal) => drop(responses.insert(status, either(answer, refusal))),
                None => drop(responses.insert(status, answer)),
            }
        }
        responses.insert("431".to_owned(), head_too_large());
        for (status, response) in &mut responses {
            for (media, recorded) in examples::answers(self.id, status) {
                response.shows(media, recorded);
            }
        }
        let guarded: &[&str] = match access {
            Access::Open => &[],
            Access::Guarded => &headers::GUARDED,
        };
        let common = guarded.iter().chain(&headers::ALWAYS);
        let common = common.map(|name| OrReference::to("parameters", name));
        let parameters = self.parameters.into_iter().chain(common).collect();
        OperationObject {
            operation_id: self.id,
            tags: [self.tag.name()],
            summary: self.summary,
            description: self.description,
            security: security(access),
            parameters,
            request_body: self.body,
            responses,
        }
    }
}

impl Response {
    /// Has what was answered once as its example.
    fn shows(&mut self, media: &'static str, recorded: &'static Value) {
        if let Some(body) = self.content.get_mut(media) {
            body.example = Some(recorded);
        }
    }
}

/// What is answered before there is a request to route.
fn head_too_large() -> Response {
    Response {
        description: format!(
            "The request's head, its address included, has more than {HEAD_MAX} bytes."
        ),
        headers: BTreeMap::new(),
        content: BTreeMap::new(),
    }
}

/// A status that an answer and a refusal can have.
fn either(answer: Response, refusal: Response) -> Response {
    let mut content = refusal.content;
    for (media, mut body) in answer.content {
        if let Some(refused) = content.remove(media) {
            let schemas: Vec<Value> = vec![body.schema.into(), refused.schema.into()];
            let mut either = Schema::default();
            either.insert("anyOf".into(), schemas.into());
            body.schema = either;
        }
        content.insert(media, body);
    }
    let mut headers = refusal.headers;
    headers.extend(answer.headers);
    let description = format!("{}\n\n{}", answer.description, refusal.description);
    Response { description, headers, content }
}
