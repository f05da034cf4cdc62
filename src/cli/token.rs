//! `token`: a signed token for a person or a script.

use std::time::Duration;

use clap::Args;
use clap::builder::NonEmptyStringValueParser;

use super::{CliError, not_blank, print, settings};
use crate::domain::{Clock, Role, SystemClock, TenantId, UserId};
use crate::settings::Purpose;
use crate::token::Claims;

#[derive(Debug, Args)]
#[command(after_help = "The key is JWT_SECRET, or whatever else sets auth.jwt_secret.")]
pub(super) struct Arguments {
    /// The user: claim sub, header X-User-ID
    #[arg(long, value_name = "USER", value_parser = not_blank)]
    sub: String,
    /// The tenant: claim tenant_id, header X-Tenant-ID
    #[arg(long, value_name = "TENANT", value_parser = not_blank)]
    tenant: String,
    /// How long it counts: a number and s, m, h or d
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = time_to_live)]
    ttl: Duration,
    /// The user's address
    #[arg(long, value_parser = NonEmptyStringValueParser::new())]
    email: Option<String>,
    /// A role of the user; may be given several times
    #[arg(long = "role", value_name = "ROLE", value_parser = role)]
    roles: Vec<Role>,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), CliError> {
    let key = settings(Purpose::Production)?.settings.auth.key;
    let now = SystemClock.now().second();
    let token = key.issue(&Claims {
        sub: UserId::new(&arguments.sub),
        tenant_id: TenantId::new(&arguments.tenant),
        iat: Some(now),
        exp: now.after(arguments.ttl),
        email: arguments.email.clone(),
        roles: arguments.roles.iter().cloned().collect(),
    });
    print(&token.map_err(CliError::failed)?)
}

fn role(name: &str) -> Result<Role, &'static str> {
    Role::named(name).ok_or("must not be blank")
}

/// `90s`, `15m`, `1h`, `7d`: more than nothing, and at most ten years.
fn time_to_live(text: &str) -> Result<Duration, &'static str> {
    const DAY: u64 = 24 * 60 * 60;
    const EXPECTED: &str = "must be a number and s, m, h or d, for instance 90s, 15m, 1h or 7d";
    let unit = text.chars().last().ok_or(EXPECTED)?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 60 * 60,
        'd' => DAY,
        _ => return Err(EXPECTED),
    };
    let digits = &text[..text.len() - unit.len_utf8()];
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(EXPECTED);
    }
    let whole = digits.parse::<u64>().ok().and_then(|number| number.checked_mul(seconds));
    match whole {
        Some(whole) if (1..=3650 * DAY).contains(&whole) => Ok(Duration::from_secs(whole)),
        _ => Err("must be more than nothing and at most 3650d"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_to_live_is_a_number_with_a_unit() {
        let good = [("90s", 90), ("15m", 900), ("1h", 3600), ("7d", 604_800)];
        for (text, seconds) in good {
            assert_eq!(time_to_live(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for bad in [
            "",
            "h",
            "1",
            "1w",
            "-1h",
            "+1h",
            "1.5h",
            "0s",
            "1시",
            "4000d",
            "99999999999999999999h",
        ] {
            assert!(time_to_live(bad).is_err(), "{bad}");
        }
    }
}
