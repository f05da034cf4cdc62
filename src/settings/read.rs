//! How each section is read: the bounds of its values, and what goes together.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::ops::RangeInclusive;
use std::path::PathBuf;

use secrecy::{ExposeSecret, SecretString};
use url::{Host, Url};

use super::check::Check;
use super::sections::{
    AgentSettings, ApiSettings, Approval, Ask, AuthSettings, GitHubSettings, HitlSettings,
    LimitSettings, ModelSettings, Provider, RedisSettings, Rejection, Settings, SmtpSettings,
    StreamSettings, ToolSettings, Unconfigured,
};
use super::{Purpose, names, source};
use crate::domain::{AtMost, AuditKey, Deadline, Quota, Rate, Role};
use crate::redis_url::{RedisUrl, RedisUrlError};
use crate::telemetry::log::{LogFilter, LogFormat, LogSettings};

mod agent;
mod auth;
mod mcp;
mod model;

/// The least bytes of an audit key: as many as its HMAC-SHA256 has.
const AUDIT_KEY_MIN: usize = 32;
/// What the embedded store may be told to keep, in bytes: from 1 MiB to 1 PiB.
const EMBEDDED_BYTES: RangeInclusive<u64> = 1024 * 1024..=1 << 50;
/// Most tokens that a budget can be set to; more is no budget.
const TOKENS_MAX: u64 = 1_000_000_000_000;

impl Settings {
    /// Reads every section. `None` only together with a fault.
    pub(super) fn read(check: &mut Check, purpose: Purpose) -> Option<Self> {
        let api = ApiSettings::read(check);
        let auth = AuthSettings::read(check, purpose);
        let redis = RedisSettings::read(check);
        let hitl = HitlSettings::read(check);
        let stream = StreamSettings::read(check);
        let limits = LimitSettings::read(check);
        let journal_max_events = check.count("journal.max_events", 100..=10_000_000);
        let embedded_max_bytes = check.whole("embedded.max_bytes", EMBEDDED_BYTES);
        let (audit_role, audit_key) = (audit_role(check), audit_key(check));
        let agent = AgentSettings::read(check);
        let model = ModelSettings::read(check);
        let provider = Provider::read(check);
        let github = GitHubSettings::read(check);
        let smtp = SmtpSettings::read(check);
        let workspace_root = check.parsed("workspace.root", directory);
        let workspace_sample = workspace_sample(check);
        let tools = ToolSettings::read(check);
        let mcp_servers = mcp::read(check);
        let log = read_log(check);
        if model.fallback.is_some() && matches!(provider, Some(Provider::Builtin)) {
            check.fault(
                "model.fallback",
                "there is no model that it could stand in for: set OPENAI_API_KEY, OPENAI_BASE_URL \
                 or AZURE_OPENAI_*",
            );
        }
        Some(Self {
            api: api?,
            auth: auth?,
            redis: redis?,
            hitl: hitl?,
            stream,
            limits,
            journal_max_events,
            embedded_max_bytes: usize::try_from(embedded_max_bytes).unwrap_or(usize::MAX),
            audit_role,
            audit_key,
            agent,
            model,
            provider: provider?,
            github: github?,
            smtp,
            workspace_root,
            workspace_sample,
            tools,
            mcp_servers,
            log: log?,
        })
    }
}

impl ApiSettings {
    fn read(check: &mut Check) -> Option<Self> {
        let host = check.parsed("api.host", host);
        let port = check.whole("api.port", 0..=u64::from(u16::MAX));
        let drain_delay = check.seconds("api.drain_delay_seconds", 0..=600);
        let shutdown_grace = check.seconds("api.shutdown_grace_seconds", 0..=3600);
        let max_connections = check.count("api.max_connections", 1..=1_000_000);
        let header_timeout = check.seconds("api.header_timeout_seconds", 1..=60);
        let idle_timeout = check.seconds("api.idle_timeout_seconds", 1..=3600);
        let cors_origins = check.each("api.cors_origins");
        Some(Self {
            host: host?,
            port: u16::try_from(port).ok()?,
            drain_delay,
            shutdown_grace,
            max_connections,
            header_timeout,
            idle_timeout,
            cors_origins,
        })
    }
}

impl StreamSettings {
    fn read(check: &mut Check) -> Self {
        let keep_alive = check.seconds("stream.keep_alive_seconds", 1..=15);
        let notices = check.flag("stream.notices").unwrap_or(true);
        Self { keep_alive, notices }
    }
}

impl LimitSettings {
    fn read(check: &mut Check) -> Self {
        // A body of 256 KiB holds no more.
        let prompt_bytes = check.count("limits.prompt_bytes", 1..=262_144);
        let mut most = |name| {
            let most = check.whole(name, 0..=1_000_000);
            u32::try_from(most).ok().and_then(NonZeroU32::new)
        };
        let runs =
            AtMost { user: most("limits.runs_per_user"), tenant: most("limits.runs_per_tenant") };
        let waiting = AtMost {
            user: most("limits.waiting_per_user"),
            tenant: most("limits.waiting_per_tenant"),
        };
        let streams = most("limits.streams_per_user");
        let starts = most("limits.starts_per_minute_per_user").map(Rate::per_minute);
        Self { prompt_bytes, quota: Quota { runs, waiting, streams, starts } }
    }
}

impl RedisSettings {
    /// `Some(None)`: no Redis is set.
    fn read(check: &mut Check) -> Option<Option<Self>> {
        const PARTS: [&str; 3] = ["redis.host", "redis.port", "redis.password"];
        let command_timeout = check.milliseconds("redis.command_timeout_ms", 100..=60_000);
        let patience = check.seconds("redis.patience_seconds", 1..=600);
        let ca = check.parsed("redis.ca_file", certificates);
        let whole = check.explicit_layer("redis.url");
        let parts = PARTS.map(|part| check.explicit_layer(part));
        let highest_part = parts.iter().copied().flatten().max();
        let url = match (whole, highest_part) {
            (None, None) => return Some(None),
            (whole, part) if whole >= part => {
                let unused = PARTS.iter().zip(parts).filter(|(_, layer)| layer.is_some());
                for (part, _) in unused {
                    note_unused(check, part, "redis.url");
                }
                check.parsed("redis.url", checked_redis_url)?
            }
            (whole, _) => {
                if whole.is_some() {
                    note_unused(check, "redis.url", "redis.host, redis.port and redis.password");
                }
                url_of_parts(check)?.into()
            }
        };
        let url = SecretString::from(url);
        Some(Some(Self { url, ca, command_timeout, patience }))
    }
}

/// The text of a URL that can be used.
fn checked_redis_url(text: &str) -> Result<String, RedisUrlError> {
    RedisUrl::parse(text).map(|_| text.to_owned())
}

/// The content of a file that holds certificates.
fn certificates(text: &str) -> Result<Vec<u8>, String> {
    let found = source::content_of(&PathBuf::from(text)).map_err(|why| why.to_string())?;
    let is_pem = found.windows(CERTIFICATE.len()).any(|part| part == CERTIFICATE);
    is_pem.then_some(found).ok_or_else(|| "must be a file with certificates in PEM".to_owned())
}

/// What each certificate in a PEM file begins with.
const CERTIFICATE: &[u8] = b"-----BEGIN CERTIFICATE-----";

/// Tells that a setting has no effect, because another one wins.
fn note_unused(check: &mut Check, unused: &str, winner: &str) {
    let origin = check.origin(unused).map(|origin| format!(" (from {origin})")).unwrap_or_default();
    check.note(format!("{unused}{origin} has no effect: {winner} wins"));
}

fn url_of_parts(check: &mut Check) -> Option<Url> {
    let host_name = check.parsed("redis.host", host);
    let port = check.whole("redis.port", 1..=u64::from(u16::MAX));
    // The URL type encodes what would end the password, but takes a percent sign as it is.
    let password = check.text("redis.password").map(|password| password.replace('%', "%25"));
    let host_name = match host_name {
        Some(name) if name.contains(':') => format!("[{name}]"),
        Some(name) => name,
        None => "localhost".to_owned(),
    };
    let mut url = Url::parse(&format!("redis://{host_name}:{port}")).ok()?;
    url.set_password(password.as_deref()).ok()?;
    Some(url)
}

impl HitlSettings {
    fn read(check: &mut Check) -> Option<Self> {
        let longest = Deadline::LONGEST_WAIT.as_secs();
        let ask = check.parsed("hitl.ask", |text| match text {
            "one_by_one" => Ok(Ask::OneByOne),
            "together" => Ok(Ask::Together),
            _ => Err("must be \"one_by_one\" or \"together\""),
        });
        let on_reject = check.parsed("hitl.on_reject", |text| match text {
            "stop" => Ok(Rejection::Stop),
            "continue" => Ok(Rejection::Continue),
            _ => Err("must be \"stop\" or \"continue\""),
        });
        Some(Self {
            timeout: check.seconds("hitl.timeout_seconds", 1..=longest),
            timeouts: check.seconds_by_tool(names::TIMEOUTS, &(1..=longest)),
            warning: check.seconds("hitl.warning_seconds", 0..=longest),
            ask: ask?,
            on_reject: on_reject?,
        })
    }
}

impl GitHubSettings {
    fn read(check: &mut Check) -> Option<Self> {
        let own_api_url = check.explicit_layer("github.api_url").is_some();
        let token = check.secret("github.token");
        let api_url = check.http_url_for_key("github.api_url", token.is_some())?;
        Some(Self { token, api_url, own_api_url })
    }
}

impl SmtpSettings {
    fn read(check: &mut Check) -> Self {
        let url = check.url("smtp.url", &["smtp", "smtps"]);
        Self {
            url: url.map(|url| SecretString::from(url.to_string())),
            from: check.text("smtp.from"),
            allowed_domains: check.parsed("smtp.allowed_domains", domains).unwrap_or_default(),
            ca: check.parsed("smtp.ca_file", certificates),
            timeout: check.seconds("smtp.timeout_seconds", 1..=600),
        }
    }
}

impl ToolSettings {
    fn read(check: &mut Check) -> Self {
        let unconfigured = check.parsed("tools.unconfigured", |text| match text {
            "refuse" => Ok(Unconfigured::Refuse),
            "dry_run" => Ok(Unconfigured::DryRun),
            _ => Err("must be \"refuse\" or \"dry_run\""),
        });
        Self {
            // After a fault the settings are thrown away.
            unconfigured: unconfigured.unwrap_or(Unconfigured::Refuse),
            timeout: check.seconds("tools.timeout_seconds", 1..=3600),
            max_output_bytes: check.count("tools.max_output_bytes", 1024..=16_777_216),
            git_path: check.text("tools.git_path"),
            git_max_memory_bytes: check
                .whole("tools.git_max_memory_bytes", 67_108_864..=1_099_511_627_776),
            approval: check.by_tool(names::APPROVAL, |text| match text {
                "required" => Ok(Approval::Required),
                "none" => Ok(Approval::None),
                _ => Err("must be \"required\" or \"none\""),
            }),
            approvers: check.by_tool(names::APPROVERS, str::parse),
        }
    }
}

/// A sample without a place for it is a mistake.
fn workspace_sample(check: &mut Check) -> bool {
    let sample = check.flag("workspace.sample").unwrap_or_default();
    if sample && check.text("workspace.root").is_none() {
        check.fault("workspace.sample", "there is no place for it: set WORKSPACE_ROOT as well");
    }
    sample
}

/// The key that seals audit entries, where there is one.
fn audit_key(check: &mut Check) -> Option<AuditKey> {
    let key = check.secret("audit.key")?;
    let bytes = key.expose_secret().as_bytes();
    if bytes.len() < AUDIT_KEY_MIN {
        let has = bytes.len();
        check.fault("audit.key", format!("must have at least {AUDIT_KEY_MIN} bytes, has {has}"));
    }
    Some(AuditKey::new(bytes))
}

/// An empty text would be no setting at all, so nobody is said in a word.
fn audit_role(check: &mut Check) -> Option<Role> {
    let role = check.text("audit.role")?;
    Role::named(&role).filter(|role| role.as_str() != "none")
}

fn read_log(check: &mut Check) -> Option<LogSettings> {
    let filter = check.parsed("log.level", LogFilter::parse);
    let format = check.parsed("log.format", |text| match text {
        "json" => Ok(LogFormat::Json),
        "text" => Ok(LogFormat::Text),
        _ => Err("must be \"json\" or \"text\""),
    });
    Some(LogSettings { filter: filter?, format: format? })
}

/// An IP address or a host name.
fn host(text: &str) -> Result<String, &'static str> {
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    let is_host = bare.parse::<IpAddr>().is_ok() || Host::parse(bare).is_ok();
    is_host.then(|| bare.to_owned()).ok_or("must be an IP address or a host name")
}

/// Host names, separated by commas.
fn domains(text: &str) -> Result<Vec<String>, &'static str> {
    let domain = |name: &str| {
        let name = name.trim();
        matches!(Host::parse(name), Ok(Host::Domain(_))).then(|| name.to_owned())
    };
    let domains: Option<Vec<String>> = text.split(',').map(domain).collect();
    domains.ok_or("must be domains such as \"example.com\", separated by commas")
}

fn directory(text: &str) -> Result<PathBuf, &'static str> {
    let path = PathBuf::from(text);
    source::is_directory(&path).then_some(path).ok_or("must be a directory that can be read")
}
