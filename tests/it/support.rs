//! What the tests share: real servers on free ports, and callers as types.
#![allow(dead_code, reason = "each test binary uses its own part of the support code")]

pub mod app;
pub mod call;
pub mod git;
pub mod github;
pub mod keys;
pub mod main_service;
pub mod metrics;
pub mod model;
pub mod nginx;
pub mod pages;
pub mod raw;
pub mod redis;
pub mod road;
pub mod smtp;
pub mod stream;
pub mod world;
