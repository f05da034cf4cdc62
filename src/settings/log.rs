//! Section `log`: what is logged, and how.

use super::check::Check;
use super::key::keys;
use super::kinds::{Choice, Parsed, one_of, parsed};
use crate::telemetry::log::{BadFilter, LogFilter, LogFormat, LogSettings};

keys! { KEYS;
    LEVEL: Parsed<LogFilter, BadFilter> = "log.level", parsed(LogFilter::parse), env: ["LOG_LEVEL"];
    FORMAT: Choice<LogFormat> = "log.format",
        one_of(("json", LogFormat::Json), &[("text", LogFormat::Text)]),
        env: ["LOG_FORMAT"], dev: "text";
}

/// `None` only together with a fault.
pub(super) fn read(check: &mut Check) -> Option<LogSettings> {
    let filter = LEVEL.read(check);
    Some(LogSettings { format: FORMAT.read(check), filter: filter? })
}
