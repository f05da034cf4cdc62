//! A service that is told by webhook, and answers as it is told to.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Router, http};
use http::{HeaderMap, StatusCode};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::app::{Options, eventually_some};
use super::model::Gate;
use super::redis::free_port;

/// What signs in these tests.
pub const SIGNING: &str = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";

/// One delivery that came.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// Its headers.
    pub headers: HeaderMap,
    /// Its bytes.
    pub body: Bytes,
}

impl Delivery {
    /// Its `webhook-id`.
    pub fn id(&self) -> &str {
        self.headers["webhook-id"].to_str().unwrap()
    }

    /// What it says.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// Its type.
    pub fn kind(&self) -> String {
        self.json()["type"].as_str().unwrap().to_owned()
    }
}

/// How one delivery is answered.
#[derive(Clone)]
pub enum Answering {
    /// With this status and these headers.
    With(StatusCode, Vec<(&'static str, String)>),
    /// With 200, once the gate is open.
    Once(Gate),
}

#[derive(Default)]
struct Told {
    deliveries: Vec<Delivery>,
    next: VecDeque<Answering>,
}

/// A receiver on a port of its own. While it is away nobody listens there.
pub struct Receiver {
    port: u16,
    told: Arc<Mutex<Told>>,
    serving: Option<JoinHandle<()>>,
}

impl Receiver {
    /// One that is away.
    pub fn absent() -> Self {
        Self { port: free_port(), told: Arc::default(), serving: None }
    }

    /// One that answers every delivery with 200.
    pub async fn start() -> Self {
        let mut receiver = Self::absent();
        receiver.come().await;
        receiver
    }

    /// Is there from now on.
    pub async fn come(&mut self) {
        let address = SocketAddr::from(([127, 0, 0, 1], self.port));
        let listener = TcpListener::bind(address).await.unwrap();
        let app = Router::new().fallback(post(receive)).with_state(Arc::clone(&self.told));
        let serve = async move { axum::serve(listener, app).await.unwrap() };
        self.serving = Some(tokio::spawn(serve));
    }

    /// Answers the next deliveries so, one after the other, and all others with 200.
    pub fn answers(&self, next: impl IntoIterator<Item = Answering>) {
        self.told.lock().unwrap().next.extend(next);
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/hook", self.port)
    }

    /// Settings of a server that tells it.
    pub fn told_by(&self, options: Options) -> Options {
        options
            .set("AURA__APPROVALS__WEBHOOK_URL", self.url())
            .set("AURA__APPROVALS__WEBHOOK_SECRET", SIGNING)
            .set("AURA__APPROVALS__WEBHOOK_ALLOW_PRIVATE", true)
    }

    /// What came until now.
    pub fn deliveries(&self) -> Vec<Delivery> {
        self.told.lock().unwrap().deliveries.clone()
    }

    /// Waits until so many have come, and returns all that have.
    pub async fn received(&self, count: usize) -> Vec<Delivery> {
        eventually_some(&format!("{count} deliveries"), || async {
            Some(self.deliveries()).filter(|all| all.len() >= count)
        })
        .await
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        if let Some(serving) = &self.serving {
            serving.abort();
        }
    }
}

async fn receive(
    State(told): State<Arc<Mutex<Told>>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let answering = {
        let mut told = told.lock().unwrap();
        told.deliveries.push(Delivery { headers, body });
        told.next.pop_front()
    };
    match answering {
        None => StatusCode::NO_CONTENT.into_response(),
        Some(Answering::With(status, headers)) => {
            let mut response = status.into_response();
            for (name, value) in headers {
                response.headers_mut().insert(name, value.parse().unwrap());
            }
            response
        }
        Some(Answering::Once(gate)) => {
            gate.pass().await;
            StatusCode::NO_CONTENT.into_response()
        }
    }
}
