//! The load test: the real binary as a process, real Redis, real sockets on the loopback interface.
//!
//! `cargo bench --bench load` runs every section, `cargo bench --bench load -- memory resume` only
//! those. Each section prints its lines as it goes, with the budget where there is one. Whatever is
//! a ratio has both of its sides measured in the same run, taking turns, so that a busy machine
//! slows both. `AURA_BIN` names another binary than the one that cargo has just built.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a measurement that fails is over")]
#![allow(clippy::print_stdout, reason = "the report is what this program is for")]
#![allow(unreachable_pub, reason = "modules are written like a library's")]

use std::time::Instant;

mod baseline;
mod client;
mod latency;
mod memory;
mod report;
mod resp;
mod resume;
mod server;
mod startup;
mod throughput;

/// A section's name, and what it does.
const SECTIONS: [(&str, fn()); 5] = [
    ("startup", startup::run),
    ("throughput", throughput::run),
    ("resume", resume::run),
    ("latency", latency::run),
    ("memory", memory::run),
];

fn main() {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Some((first, rest)) = arguments.split_first()
        && first == baseline::ARGUMENT
    {
        return baseline::serve(rest);
    }
    // Cargo says `--bench` to every benchmark.
    arguments.retain(|argument| !argument.starts_with('-'));
    let known = |name: &String| SECTIONS.iter().any(|(section, _)| section == name);
    if let Some(unknown) = arguments.iter().find(|name| !known(name)) {
        println!("no such section: {unknown}; there are {:?}", SECTIONS.map(|(name, _)| name));
        std::process::exit(2);
    }
    server::raise_descriptor_limit();
    let started = Instant::now();
    for (name, section) in SECTIONS {
        if arguments.is_empty() || arguments.iter().any(|wanted| wanted == name) {
            report::title(name);
            section();
        }
    }
    println!("\n{} s in all", started.elapsed().as_secs());
}
