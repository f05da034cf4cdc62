//! What the tests share: real servers on free ports, and callers as types.

pub use aura_testing::{app, described, model, redis, stream};

pub mod call;
pub mod cutting;
pub mod git;
pub mod github;
pub mod keys;
pub mod main_service;
pub mod nginx;
pub mod pages;
pub mod raw;
pub mod receiver;
pub mod road;
pub mod smtp;
pub mod terminal;
pub mod world;
