//! Whether the process lives, and whether it can work.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde_json::json;

use super::{Shared, envelope};

/// `GET /health`: the process answers.
pub async fn live() -> Response {
    let version = env!("CARGO_PKG_VERSION");
    envelope::json(&json!({ "status": "UP", "service": "aura-platform", "version": version }))
}

/// `GET /health/ready`: 200 if runs can be taken, otherwise 503 with what is down, and why.
pub async fn ready(State(http): State<Shared>) -> Response {
    let store = http.store.ready().await;
    let leaving = http.leaving.is_cancelled();
    let up = |up| if up { "UP" } else { "DOWN" };
    let ready = store.is_ok() && !leaving;
    let mut body = json!({
        "status": up(ready),
        "components": {
            "store": { "status": up(store.is_ok()), "kind": http.store.kind() },
            "server": { "status": up(!leaving) },
        },
    });
    if let Err(reason) = &store {
        body["components"]["store"]["reason"] = reason.to_string().into();
    }
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, envelope::json(&body)).into_response()
}
