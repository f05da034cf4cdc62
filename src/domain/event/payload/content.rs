//! The answer, piece by piece, and the sentence that says that there is none.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::super::shown::Shares;
use super::super::{NoticeMark, Piece};
use super::Fields;
use crate::domain::artifact::Artifact;

/// A piece of the answer. The pieces, one behind the other, are the whole answer; a notice is no part of it.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Content<'a> {
    /// The text.
    content: Cow<'a, str>,
    /// Whether this is one of several pieces (`true`), or all there is.
    chunk: bool,
    /// What belongs to the answer besides its words. With `notice`, the text is no part of an answer.
    metadata: Metadata<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Metadata<'a> {
    Notice(NoticeMark),
    Answer(Cow<'a, Value>),
}

/// What belongs to an answer besides its words; other keys may come.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "describes what is kept as a value of any keys")]
struct ContentMetadata {
    /// Whether the text is no part of an answer: the run ends without one, and this sentence says so.
    #[schemars(skip_serializing_if = "Option::is_none")]
    notice: Option<bool>,
    /// What a tool gave people to look at. Text, the beginning of its JSON, in the rare case that it does not
    /// fit.
    #[schemars(skip_serializing_if = "Option::is_none")]
    result: Option<ArtifactOrText>,
}

#[derive(JsonSchema)]
#[serde(untagged)]
#[schemars(inline)]
#[expect(dead_code, reason = "describes what is kept as a value of any keys")]
enum ArtifactOrText {
    Artifact(Artifact),
    Text(String),
}

impl JsonSchema for Metadata<'_> {
    fn schema_name() -> Cow<'static, str> {
        ContentMetadata::schema_name()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        ContentMetadata::json_schema(generator)
    }
}

impl Fields for Content<'_> {
    const KIND: &'static str = "content";
}

impl<'a> Content<'a> {
    pub(super) fn shown(
        content: &'a Piece,
        chunk: bool,
        metadata: &'a Value,
        shares: Shares,
    ) -> Self {
        let metadata = Metadata::Answer(shares.metadata(metadata));
        Self { content: content.as_str().into(), chunk, metadata }
    }

    pub(super) fn notice(content: &'a Piece, shares: Shares) -> Self {
        let metadata = Metadata::Notice(NoticeMark { notice: true });
        Self { content: shares.text(content.as_str()), chunk: false, metadata }
    }
}
