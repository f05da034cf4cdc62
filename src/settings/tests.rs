use std::io::Write;
use std::time::Duration;

use secrecy::ExposeSecret;

use super::*;
use crate::domain::{ApprovalRule, Role, RoleGrants, Roles, TenantId, Unconfigured, UserId};

mod answers;
mod approvals;
mod certificates;
mod documented;
mod mcp;
mod model;
mod people;
mod redis;

const SECRET: (&str, &str) = ("JWT_SECRET", "0123456789abcdef0123456789abcdef");

fn layers(variables: &[(&str, &str)]) -> Layers {
    let environment = Environment::of(variables.iter().copied().chain([SECRET]));
    Layers::read(&environment, Purpose::Production)
}

fn checked(variables: &[(&str, &str)]) -> Checked {
    layers(variables).check().unwrap()
}

fn settings(variables: &[(&str, &str)]) -> Settings {
    checked(variables).settings
}

/// The lines that a person gets to see.
fn faults(variables: &[(&str, &str)]) -> Vec<String> {
    layers(variables).check().unwrap_err().iter().map(ToString::to_string).collect()
}

fn with_file(text: &str, variables: &[(&str, &str)]) -> Layers {
    let mut file = tempfile::NamedTempFile::with_prefix("aura").unwrap();
    file.write_all(text.as_bytes()).unwrap();
    let path = file.path().to_str().unwrap();
    let variables = variables.iter().copied().chain([SECRET, ("AURA_CONFIG", path)]);
    Layers::read(&Environment::of(variables), Purpose::Production)
}

#[test]
fn the_defaults_are_the_documented_ones_and_every_one_of_them_is_read() {
    let settings = settings(&[]);
    assert_eq!((settings.api.host.as_str(), settings.api.port), ("0.0.0.0", 9000));
    assert_eq!(settings.api.drain_delay, Duration::from_secs(5));
    // Longer than the Gateway (30 s) and nginx (60 s) keep connections.
    assert_eq!(settings.api.idle_timeout, Duration::from_secs(75));
    assert_eq!(settings.tools.unconfigured, Unconfigured::Refuse);
    assert!(!settings.workspace.sample);
    assert_eq!(settings.auth.leeway, Duration::from_secs(30));
    assert!(!settings.auth.close_streams_at_expiry && settings.auth.roles == RoleGrants::default());
    assert!(settings.api.cors_origins.is_empty());
    assert!(settings.redis.server.is_none());
    assert_eq!(settings.hitl.timeout, Duration::from_secs(300));
    assert_eq!(settings.stream.keep_alive, Duration::from_secs(10));
    assert!(settings.stream.notices);
    assert_eq!(settings.journal.max_events, 100_000);
    assert_eq!(settings.audit.role, Role::named("auditor"));
    assert!(matches!(settings.provider, Provider::Builtin));
    assert_eq!(settings.github.api_url.as_str(), "https://api.github.com/");

    let mut check = Check::of(&layers(&[]).gathered);
    Settings::read(&mut check, Purpose::Production).unwrap();
    assert_eq!(check.left_over(), Vec::<&str>::new(), "in default.toml, but nobody reads it");
}

#[test]
fn the_environment_wins_over_the_file_and_the_file_over_the_defaults() {
    let file = "[api]\nport = 9100\nhost = \"127.0.0.1\"\n[tools]\ntimeout_seconds = 5\n";
    let settings = with_file(file, &[("API_PORT", "9200")]).check().unwrap().settings;
    assert_eq!((settings.api.host.as_str(), settings.api.port), ("127.0.0.1", 9200));
    assert_eq!(settings.tools.timeout, Duration::from_secs(5));
}

#[test]
fn the_command_line_wins_over_everything_and_is_named_where_it_is_wrong() {
    let environment = Environment::of([SECRET, ("API_PORT", "9200"), ("API_HOST", "0.0.0.0")])
        .with_option("--port", "api.port", "9300".into())
        .with_option("--host", "api.host", "::1".into());
    let layers = Layers::read(&environment, Purpose::Production);
    let settings = layers.check().unwrap().settings;
    assert_eq!((settings.api.host.as_str(), settings.api.port), ("::1", 9300));
    let environment = environment.with_option("--host", "api.host", "a b".into());
    let faults = Layers::read(&environment, Purpose::Production).check().unwrap_err().to_string();
    assert!(faults.starts_with("api.host (from --host): must be"), "{faults}");
}

#[test]
fn long_and_short_names_work_and_an_empty_variable_says_nothing() {
    let settings = settings(&[
        ("AURA__HITL__TIMEOUT_SECONDS", "5"),
        ("AURA__AGENT__MAX_RUNS", "7"),
        ("API_PORT", ""),
        ("REDIS_URL", "  "),
        ("AURA__OPENAI__API_KEY", ""),
    ]);
    assert_eq!(settings.hitl.timeout, Duration::from_secs(5));
    assert_eq!(settings.agent.max_runs, 7);
    assert_eq!(settings.api.port, 9000);
    assert!(settings.redis.server.is_none());
}

#[test]
fn every_fault_is_told_with_its_setting_and_its_origin() {
    let faults = faults(&[
        ("API_PORT", "90000"),
        ("HITL_TIMEOUT_SECONDS", "soon"),
        ("AURA__HITL__TIMEOUT", "5"),
        ("AURA__HTIL__TIMEOUT", "5"),
        ("LOG_LEVEL", "inof"),
        ("WORKSPACE_ROOT", "/does/not/exist"),
    ]);
    assert_eq!(
        faults,
        [
            "hitl.timeout (from AURA__HITL__TIMEOUT): no such setting; [hitl] has ask, on_reject, \
             timeout_seconds, timeouts, warning_seconds",
            "htil.timeout (from AURA__HTIL__TIMEOUT): no such setting; the sections are admin, agent, api, \
             approvals, audit, auth, azure_openai, console, embedded, github, hitl, journal, limits, log, mcp, model, network, openai, platform, redis, smtp, stream, \
             tools, workspace",
            "api.port (from API_PORT): must be 0 to 65535, is 90000",
            "hitl.timeout_seconds (from HITL_TIMEOUT_SECONDS): must be a whole number from 1 to \
             2592000, is \"soon\"",
            "workspace.root (from WORKSPACE_ROOT): must be a directory that can be read, is \
             \"/does/not/exist\"",
            "log.level (from LOG_LEVEL): must be a level (off, error, warn, info, debug, trace) or \
             directives such as info,aura_platform::store=debug, is \"inof\"",
        ]
    );
}

#[test]
fn a_fault_of_a_file_names_the_line() {
    let file = "[api]\nport = \"x\"\n\n[agent]\nmax_runs = 1.5\nmax_run = 3\n[nothing]\n[log]\n";
    let faults = with_file(file, &[]).check().unwrap_err().to_string();
    assert!(faults.contains(":2): must be a whole number from 0 to 65535, is \"x\""), "{faults}");
    assert!(
        faults.contains(":5): must be a whole number from 1 to 1000000, is a fraction"),
        "{faults}"
    );
    assert!(faults.contains("agent.max_run (from "), "{faults}");
    assert!(faults.contains("nothing (from "), "{faults}");
    assert_eq!(faults.lines().count(), 4, "an empty section that exists is none: {faults}");
}

#[test]
fn a_file_that_is_no_toml_is_told_without_its_text() {
    let faults = with_file("[auth]\njwt_secret = hunter2hunter2\n", &[]).check().unwrap_err();
    let faults = faults.to_string();
    assert!(faults.contains(":2): not TOML"), "{faults}");
    assert!(!faults.contains("hunter2"), "{faults}");
}

#[test]
fn a_secret_is_read_from_the_file_that_its_variable_names() {
    let file = |text: &str| {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        file
    };
    let (token, url) = (file("ghp_1\n"), file(""));
    let read = settings(&[
        ("GITHUB_TOKEN_FILE", token.path().to_str().unwrap()),
        ("REDIS_URL_FILE", url.path().to_str().unwrap()),
        ("SMTP_URL_FILE", ""),
    ]);
    assert_eq!(read.github.token.unwrap().expose_secret(), "ghp_1");
    assert!(read.redis.server.is_none(), "an empty file says nothing");
    assert_eq!(
        faults(&[
            ("GITHUB_TOKEN", "ghp_2"),
            ("GITHUB_TOKEN_FILE", token.path().to_str().unwrap()),
            ("OPENAI_API_KEY_FILE", "/does/not/exist"),
            ("AURA__API__PORT_FILE", "/etc/hostname"),
        ]),
        [
            "github.token (from GITHUB_TOKEN_FILE): differs from GITHUB_TOKEN, which is the same \
             setting: set one",
            "openai.api_key (from OPENAI_API_KEY_FILE): /does/not/exist cannot be read: No such \
             file or directory (os error 2)",
            "api.port_file (from AURA__API__PORT_FILE): no such setting; [api] has cors_origins, \
             drain_delay_seconds, header_timeout_seconds, host, idle_timeout_seconds, \
             max_connections, port, shutdown_grace_seconds",
        ]
    );
}

#[test]
fn a_tool_without_its_service_refuses_unless_it_is_told_otherwise() {
    let dry = settings(&[("AURA__TOOLS__UNCONFIGURED", "dry_run")]);
    assert_eq!(dry.tools.unconfigured, Unconfigured::DryRun);
    let dev = Layers::read(&Environment::of([]), Purpose::Dev).check().unwrap().settings;
    assert_eq!(dev.tools.unconfigured, Unconfigured::DryRun);
    assert_eq!(dev.api.drain_delay, Duration::ZERO);
    assert_eq!(
        faults(&[("AURA__TOOLS__UNCONFIGURED", "dry"), ("AURA__WORKSPACE__SAMPLE", "true")]),
        [
            "workspace.sample (from AURA__WORKSPACE__SAMPLE): there is no place for it: set \
             WORKSPACE_ROOT as well",
            "tools.unconfigured (from AURA__TOOLS__UNCONFIGURED): must be \"refuse\" or \"dry_run\", \
             is \"dry\"",
        ]
    );
}

#[test]
fn a_file_that_is_named_must_be_there() {
    let faults = faults(&[("AURA_CONFIG", "/does/not/exist.toml")]);
    assert_eq!(faults.len(), 1);
    assert!(
        faults[0].starts_with("settings file (from AURA_CONFIG): /does/not/exist.toml"),
        "{faults:?}"
    );
}

#[test]
fn two_names_of_one_setting_must_agree() {
    let other = ("SECRET_KEY", "another-secret-of-at-least-32-bytes");
    let fault = &faults(&[other])[0];
    let expected = "auth.jwt_secret (from SECRET_KEY): differs from JWT_SECRET, which is the same \
                    setting: set one";
    assert_eq!(fault, expected);
    assert!(layers(&[("SECRET_KEY", SECRET.1)]).check().is_ok());
    assert!(layers(&[("SECRET_KEY", "")]).check().is_ok());
}

#[test]
fn a_secret_that_is_missing_or_short_stops_production_only() {
    let check = |variables: &[(&str, &str)], purpose| {
        Layers::read(&Environment::of(variables.iter().copied()), purpose).check()
    };
    let missing = check(&[], Purpose::Production).unwrap_err().to_string();
    assert!(missing.starts_with("auth.jwt_secret: not set: set JWT_SECRET"), "{missing}");
    assert!(check(&[], Purpose::Dev).is_ok() && check(&[], Purpose::Inspection).is_ok());
    for purpose in [Purpose::Production, Purpose::Dev, Purpose::Inspection] {
        let short = check(&[("JWT_SECRET", "hunter2hunter2")], purpose).unwrap_err().to_string();
        assert_eq!(short, "auth.jwt_secret (from JWT_SECRET): must have at least 32 bytes, has 14");
    }
}

#[test]
fn dev_changes_defaults_and_nothing_that_a_person_has_set() {
    let dev = |variables: &[(&str, &str)]| {
        let environment = Environment::of(variables.iter().copied());
        Layers::read(&environment, Purpose::Dev).check().unwrap().settings
    };
    let settings = dev(&[]);
    assert_eq!(settings.api.host, "127.0.0.1");
    assert_eq!(settings.log.format, crate::telemetry::log::LogFormat::Text);
    let origins = &settings.api.cors_origins;
    assert!(origins.iter().any(|origin| origin.covers("http://localhost:4200")));
    assert_eq!(origins.len(), 2);
    let portal = dev(&[("AURA__API__CORS_ORIGINS", "https://portal.example")]);
    assert_eq!(portal.api.cors_origins.len(), 1);
    let settings = dev(&[("API_HOST", "0.0.0.0"), ("LOG_FORMAT", "json")]);
    assert_eq!(settings.api.host, "0.0.0.0");
    assert_eq!(settings.log.format, crate::telemetry::log::LogFormat::Json);
}

#[test]
fn mail_is_confined_to_domains_and_github_knows_whose_address_it_has() {
    let set = [("AURA__SMTP__ALLOWED_DOMAINS", "dwp.com, a.example"), ("SMTP_URL", "smtp://mail")];
    let smtp = settings(&set).smtp;
    assert_eq!(smtp.allowed_domains, ["dwp.com", "a.example"]);
    assert_eq!(smtp.timeout.as_secs(), 60);
    assert!(settings(&[]).smtp.allowed_domains.is_empty());
    for wrong in ["dwp.com,", "@dwp.com", "10.0.0.1", "a b"] {
        let faults = faults(&[("AURA__SMTP__ALLOWED_DOMAINS", wrong)]);
        assert!(faults[0].starts_with("smtp.allowed_domains"), "{faults:?}");
    }
    assert!(!settings(&[]).github.own_api_url);
    assert!(settings(&[("GITHUB_API_URL", "https://git.example/api/v3")]).github.own_api_url);
}

#[test]
fn a_table_that_is_given_a_value_is_told_and_shows_nothing() {
    for (variable, expected) in [
        (
            "AURA__TOOLS__APPROVAL",
            "tools.approval (from AURA__TOOLS__APPROVAL): must be a table of texts",
        ),
        (
            "AURA__HITL__TIMEOUTS",
            "hitl.timeouts (from AURA__HITL__TIMEOUTS): must be a table of seconds",
        ),
        (
            "AURA__AUTH__ROLES",
            "auth.roles (from AURA__AUTH__ROLES): must be a table of lists of users",
        ),
        (
            "AURA__MODEL__HEADERS",
            "model.headers (from AURA__MODEL__HEADERS): must be a table of texts",
        ),
    ] {
        assert_eq!(faults(&[(variable, "hunter2")]), [expected]);
    }
    assert!(!layers(&[("AURA__MODEL__HEADERS", "hunter2")]).to_toml().contains("hunter2"));
}

#[test]
fn no_fault_repeats_what_may_be_secret() {
    let text = faults(&[
        ("REDIS_URL", "redis//:hunter2@cache"),
        ("SMTP_URL", "hunter2@mail"),
        ("OPENAI_BASE_URL", "https://me:hunter2@h/v1"),
        ("AURA__AUTH__JWT_SECRETS", "hunter2"),
        ("SECRET_KEY", "hunter2"),
    ])
    .join("\n");
    assert_eq!(text.lines().count(), 5, "{text}");
    assert!(!text.contains("hunter2"), "{text}");
}

#[test]
fn what_is_in_force_is_toml_with_origins_and_without_secrets() {
    let variables =
        [("REDIS_URL", "redis://:hunter2@cache:6379"), ("AURA__LOG__LEVEL", "info,a=\"b\"")];
    let text = layers(&variables).to_toml();
    assert!(!text.contains("hunter2") && !text.contains(SECRET.1), "{text}");
    let line = |setting: &str| {
        let line = text.lines().find(|line| line.starts_with(setting)).unwrap();
        line.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(line("jwt_secret"), "jwt_secret = \"***\" # JWT_SECRET");
    assert_eq!(line("url"), "url = \"redis://***@cache:6379\" # REDIS_URL");
    assert_eq!(line("max_runs"), "max_runs = 20000 # default");
    assert_eq!(line("level"), r#"level = "info,a=\"b\"" # AURA__LOG__LEVEL"#);
    let (_, errors) = toml::de::DeTable::parse_recoverable(&text);
    assert!(errors.is_empty(), "{errors:?}\n{text}");
}

#[test]
fn the_origins_of_pages_are_a_list_and_every_wrong_one_is_told() {
    let file = "[api]\ncors_origins = [\"https://portal.example\", \"http://localhost:*\"]\n";
    let origins = with_file(file, &[]).check().unwrap().settings.api.cors_origins;
    assert!(origins[0].covers("https://portal.example") && origins[1].covers("http://localhost:1"));
    let wrong = faults(&[("AURA__API__CORS_ORIGINS", "https://a.example * http://b/")]);
    let [everybody, form] = &wrong[..] else { panic!("{wrong:?}") };
    let start = "api.cors_origins (from AURA__API__CORS_ORIGINS): must ";
    assert!(everybody.starts_with(&format!("{start}name each origin")), "{everybody}");
    assert!(form.starts_with(start) && form.ends_with(", is \"http://b/\""), "{form}");
}
