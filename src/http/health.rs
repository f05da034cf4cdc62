//! Whether the process lives, and whether it can work.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;

use super::{Shared, envelope};

/// That the process answers.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Liveness {
    status: Up,
    /// The name of the service.
    service: &'static str,
    /// Its version.
    version: &'static str,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
enum Up {
    #[serde(rename = "UP")]
    Up,
}

/// Whether runs can be taken.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Readiness {
    /// `UP` if every component is.
    status: UpOrDown,
    /// What it needs.
    components: Components,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
#[schemars(inline)]
enum UpOrDown {
    Up,
    Down,
}

impl UpOrDown {
    fn of(is_up: bool) -> Self {
        if is_up { Self::Up } else { Self::Down }
    }
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
struct Components {
    /// The store of runs and approvals.
    store: StoreHealth,
    /// This process: down once it was told to stop.
    server: ServerHealth,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
struct StoreHealth {
    status: UpOrDown,
    /// Which store it is.
    kind: &'static str,
    /// Why it is down; only there if it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
struct ServerHealth {
    status: UpOrDown,
}

/// `GET /health`: the process answers.
pub async fn live() -> Response {
    let version = env!("CARGO_PKG_VERSION");
    envelope::json(&Liveness { status: Up::Up, service: "aura-platform", version })
}

/// `GET /health/ready`: 200 if runs can be taken, otherwise 503 with what is down, and why.
pub async fn ready(State(http): State<Shared>) -> Response {
    let store = http.store.ready().await;
    let leaving = http.leaving.is_cancelled();
    let ready = store.is_ok() && !leaving;
    let body = Readiness {
        status: UpOrDown::of(ready),
        components: Components {
            store: StoreHealth {
                status: UpOrDown::of(store.is_ok()),
                kind: http.store.kind(),
                reason: store.err().map(|reason| reason.to_string()),
            },
            server: ServerHealth { status: UpOrDown::of(!leaving) },
        },
    };
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, envelope::json(&body)).into_response()
}
