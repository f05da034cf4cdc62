//! Aura-Platform: the agent server of DWP.
//!
//! A person asks for something; a run thinks, plans and calls tools; every step reaches the client
//! as a typed Server-Sent Event; a dangerous tool waits for a person. Where to look:
//!
//! | for | module |
//! |---|---|
//! | a route, who may call it, an error's status | [`http`] |
//! | what a run does next, how it waits for a person | [`agent`] |
//! | the bytes of an event | [`domain::event`], [`sse`] |
//! | what outlives a process | [`store`] (port), [`store::memory`], [`store::redis`] |
//! | models and tools | [`llm`], [`tools`] |
//! | who outside is told | [`announce`] (port), [`announce::webhook`] |
//! | the forms of `REDIS_URL` | [`redis_url`] |
//! | whose web pages may call | [`origin`] |
//! | which addresses are public | [`public_address`] |
//! | how an outbound HTTP client is built | [`http_client`] |
//! | how it is all put together | [`app`] |
//!
//! Arrows point one way: `cli` → `app` → `http` → `agent` → the ports → `domain`. An adapter knows
//! its port and `domain` only. `tests/layers.rs` enforces it.
//!
//! What the outside sees is settled in `docs/CONTRACT.md`; comments cite it as "contract, section N".

#[cfg(all(any(test, fuzzing), not(all(feature = "github", feature = "mail", feature = "mcp"))))]
compile_error!("tests and fuzzing are for a build with all features");

pub mod agent;
pub mod announce;
pub mod app;
pub mod backoff;
pub mod cli;
pub mod domain;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
pub mod http;
pub mod http_client;
pub mod llm;
pub mod origin;
pub mod public_address;
pub mod redis_url;
pub mod settings;
pub mod shutdown;
pub mod sse;
pub mod store;
pub mod telemetry;
pub mod ticks;
pub mod token;
pub mod tools;
