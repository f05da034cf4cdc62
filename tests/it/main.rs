//! The service as its neighbours meet it; one binary, a module for each part of the contract.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod support;

mod approvals;
mod cli;
mod gateway;
mod git_tools;
mod models;
mod runs;
