//! Whether the process lives, whether it can work, and what it counts.

use schemars::json_schema;

use super::super::health::{Liveness, Readiness};
use super::super::schemas::Schemas;
use super::operation::{Operation, Tag};
use crate::telemetry::metrics::TextFormat;

pub(in crate::http) fn live(schemas: &mut Schemas) -> Operation {
    alive("getHealth", schemas)
}

pub(in crate::http) fn live_behind_gateway(schemas: &mut Schemas) -> Operation {
    alive("getHealthBehindGateway", schemas)
}

fn alive(id: &'static str, schemas: &mut Schemas) -> Operation {
    Operation::new(id, Tag::Service, "Whether the process answers").answers(
        200,
        "It does.",
        schemas.of::<Liveness>(),
    )
}

pub(in crate::http) fn ready(schemas: &mut Schemas) -> Operation {
    Operation::new("getReadiness", Tag::Service, "Whether runs can be taken")
        .answers(200, "They can.", schemas.of::<Readiness>())
        .answers(503, "They cannot: what is down, and why.", schemas.of::<Readiness>())
}

pub(in crate::http) fn metrics(_: &mut Schemas) -> Operation {
    let text = || json_schema!({"type": "string"});
    Operation::new("getMetrics", Tag::Service, "What Prometheus scrapes")
        .about(
            "Not below `/aura`, so the Gateway never forwards it. In Prometheus' text format 0.0.4, or in \
             OpenMetrics 1.0.0 if `Accept` asks for it.",
        )
        .answers_with(
            200,
            "Every number of the process.",
            TextFormat::Prometheus.media_type(),
            text(),
        )
        .or_in(TextFormat::OpenMetrics.media_type(), text())
}
