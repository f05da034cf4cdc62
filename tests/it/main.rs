//! The service as its neighbours meet it; one binary, a module for each part of the contract.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]
#![allow(clippy::disallowed_methods, reason = "a test's tasks end with its runtime")]
#![allow(clippy::print_stderr, reason = "the test runner shows it where a test fails")]
#![allow(clippy::needless_pass_by_value, reason = "calls read better without borrows")]
#![allow(unreachable_pub, reason = "support code is written like a library's")]

mod support;

mod ag_ui;
mod announcing;
mod approvals;
mod ask;
mod audit;
mod auth;
mod bodies;
mod budgets;
mod busy;
mod cancelling;
mod checkpoints;
mod cli;
mod compose;
mod connections;
mod console;
mod cors;
mod described;
mod dev;
mod edits;
mod excess;
mod expiry;
mod foreign_json;
mod forged;
mod framing;
mod gateway;
mod git_tools;
mod github;
mod gone;
mod guardian;
mod idempotency;
mod identity;
mod inbox;
mod inbox_forged;
mod inbox_shared;
mod inbox_stream;
mod init;
mod injection;
mod languages;
mod limits;
mod logging;
mod mail;
mod main_service;
mod mcp;
mod memory;
mod metrics;
mod models;
mod notices;
mod operators;
mod operators_forged;
mod outages;
mod page;
mod pages;
mod panics;
mod pins;
mod platform_audit;
mod polls;
mod refusals;
mod replicas;
mod rereading;
mod resume;
mod rolling_restart;
mod room;
mod runs;
mod security;
mod sessions;
mod several_approvals;
mod take_over;
mod tampering;
mod tools_command;
mod webhook;
mod webhook_forged;
mod webhook_replicas;
mod writes;
