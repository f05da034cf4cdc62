//! The `aura-platform` binary; everything is in the library.

fn main() {}
