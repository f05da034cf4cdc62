//! What a webhook gets (contract, section 5.6): the other way round, this service calls.

use schemars::{Schema, json_schema};
use serde_json::{Map, Value, json};

use super::super::schemas::Schemas;
use super::operation::Tag;
use crate::domain::inbox::ShownApproval;
use crate::domain::{AnnouncementKind, RunEnded};

/// One kind of announcement.
struct Described {
    kind: AnnouncementKind,
    id: &'static str,
    definition: &'static str,
    about: &'static str,
    tag: Tag,
}

const ALL: [Described; 3] = [
    Described {
        kind: AnnouncementKind::Asked,
        id: "announceAsked",
        definition: "ApprovalAskedAnnouncement",
        about: "A person is asked.",
        tag: Tag::Approvals,
    },
    Described {
        kind: AnnouncementKind::Decided,
        id: "announceDecided",
        definition: "ApprovalDecidedAnnouncement",
        about: "A request was decided, by whomever, or by its deadline.",
        tag: Tag::Approvals,
    },
    Described {
        kind: AnnouncementKind::Ended,
        id: "announceEnded",
        definition: "RunEndedAnnouncement",
        about: "A run is over.",
        tag: Tag::Runs,
    },
];

/// Every announcement, by its type.
pub(super) fn all(schemas: &mut Schemas) -> Map<String, Value> {
    let described =
        ALL.map(|it| (it.kind.word().to_owned(), json!({ "post": it.operation(schemas) })));
    described.into_iter().collect()
}

impl Described {
    fn operation(&self, schemas: &mut Schemas) -> Value {
        let body = self.body(schemas);
        json!({
            "operationId": self.id,
            "tags": [self.tag.name()],
            "summary": self.about,
            "description": "Sent to `approvals.webhook_url`, signed as Standard Webhooks says; at least once, and in \
                order of each session.",
            "security": [],
            "parameters": [
                header("webhook-id", "The same however often this is sent.", &json_schema!({
                    "type": "string", "pattern": "^msg_[0-9a-f]{32}$"
                })),
                header("webhook-timestamp", "When this attempt was made, in Unix seconds.", &json_schema!({
                    "type": "string", "pattern": "^[0-9]+$"
                })),
                header("webhook-signature", "`v1,` and the base64 of the HMAC-SHA256 of id, timestamp and body, \
                    joined by dots.", &json_schema!({ "type": "string" })),
            ],
            "requestBody": {
                "required": true,
                "content": { "application/json": { "schema": body } },
            },
            "responses": {
                "2XX": { "description": "It was taken." },
                "410": { "description": "Nothing more is wanted: nothing is sent until the process starts anew." },
                "default": { "description": "It was not taken, and is sent again; not before `Retry-After`, of a 429 \
                    or 503." },
            },
        })
    }

    fn body(&self, schemas: &mut Schemas) -> Schema {
        let data = match self.kind {
            AnnouncementKind::Asked | AnnouncementKind::Decided => schemas.of::<ShownApproval>(),
            AnnouncementKind::Ended => schemas.of::<RunEnded>(),
        };
        let definition = json_schema!({
            "description": self.about,
            "type": "object",
            "properties": {
                "type": { "description": "What has happened.", "type": "string", "const": self.kind.word() },
                "timestamp": { "description": "When.", "type": "string", "format": "date-time" },
                "data": data,
            },
            "required": ["type", "timestamp", "data"],
        });
        schemas.define(self.definition, definition)
    }
}

fn header(name: &str, description: &str, schema: &Schema) -> Value {
    json!({ "name": name, "in": "header", "required": true, "description": description, "schema": schema })
}
