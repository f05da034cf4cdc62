//! The service as its neighbours meet it; one binary, a module for each part of the contract.

mod support;

mod cli;
mod git_tools;
mod models;
