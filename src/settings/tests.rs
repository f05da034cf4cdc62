use std::io::Write;
use std::time::Duration;

use secrecy::ExposeSecret;

use super::*;
use crate::domain::{ApprovalRule, Role, RoleGrants, Roles, TenantId, Unconfigured, UserId};

mod answers;
mod certificates;
mod documented;
mod mcp;
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
            "htil.timeout (from AURA__HTIL__TIMEOUT): no such setting; the sections are agent, api, \
             audit, auth, azure_openai, embedded, github, hitl, journal, limits, log, mcp, model, network, openai, redis, smtp, stream, \
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
fn azure_needs_all_four_and_wins_over_open_ai() {
    let mut variables = vec![
        ("AZURE_OPENAI_ENDPOINT", "https://contoso.openai.azure.com"),
        ("AZURE_OPENAI_DEPLOYMENT", "chat"),
        ("OPENAI_API_KEY", "sk-hunter2"),
    ];
    let expected =
        "azure_openai: incomplete, set also AZURE_OPENAI_API_KEY, AZURE_OPENAI_API_VERSION";
    assert_eq!(faults(&variables), [expected]);
    variables.push(("AZURE_OPENAI_API_KEY", "hunter2"));
    variables.push(("AZURE_OPENAI_API_VERSION", "2024-10-21"));
    let checked = checked(&variables);
    assert!(matches!(checked.settings.provider, Provider::AzureOpenAi(_)));
    assert_eq!(checked.notes, ["[openai] has no effect: [azure_openai] wins"]);
}

#[test]
fn a_key_or_an_endpoint_of_ones_own_makes_it_open_ai() {
    let Provider::OpenAi(with_key) = settings(&[("OPENAI_API_KEY", "sk-1")]).provider else {
        panic!("a key was set");
    };
    assert_eq!(with_key.base_url.as_str(), "https://api.openai.com/v1");
    assert_eq!(with_key.model, "gpt-4o");
    let url = ("OPENAI_BASE_URL", "http://localhost:8000/v1");
    let own = [url, ("OPENAI_MODEL", "qwen")];
    let Provider::OpenAi(without) = settings(&own).provider else {
        panic!("an endpoint was set");
    };
    assert!(without.api_key.is_none());
    assert_eq!(without.model, "qwen");
    let expected = "openai.model: not set: set OPENAI_MODEL to the name of the model that \
                    OPENAI_BASE_URL is to be asked for";
    assert_eq!(faults(&[url]), [expected]);
    assert_eq!(faults(&[url, ("OPENAI_API_KEY", "k"), ("OPENAI_MODEL", " ")]), [expected]);
    assert!(matches!(settings(&[("OPENAI_MODEL", "qwen")]).provider, Provider::Builtin));
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
fn approvals_are_set_by_the_name_of_the_tool() {
    let file = "[tools.approval]\ngit_merge = \"none\"\n\"Mail.Send\" = \"required\"\n";
    let layers = with_file(file, &[("AURA__TOOLS__APPROVAL__GIT_STATUS", "required")]);
    let rules = layers.check().unwrap().settings.tools.approval;
    assert_eq!(rules["git_merge"], ApprovalRule::None);
    assert_eq!(rules["Mail.Send"], ApprovalRule::Required);
    assert_eq!(rules["git_status"], ApprovalRule::Required);
    let faults = faults(&[("AURA__TOOLS__APPROVAL__GIT_MERGE", "never")]);
    let expected = "tools.approval.git_merge (from AURA__TOOLS__APPROVAL__GIT_MERGE): must be \
                    \"required\" or \"none\", is \"never\"";
    assert_eq!(faults, [expected]);
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
fn a_rule_that_was_left_empty_is_a_fault_and_not_the_loosest_rule() {
    let file = "[tools.approvers]\ngit_merge = \"\"\n[tools.approval]\ngit_status = \" \"\n";
    let faults = with_file(file, &[]).check().unwrap_err();
    let faults: Vec<_> = faults.iter().map(ToString::to_string).collect();
    let [approval, approvers] = &faults[..] else { panic!("{faults:?}") };
    assert!(approval.ends_with("must be \"required\" or \"none\", is \" \""), "{approval}");
    assert!(approvers.starts_with("tools.approvers.git_merge (from "), "{approvers}");
}

#[test]
fn a_fault_of_the_hosts_of_plain_http_is_told_once_however_many_ask_for_them() {
    let file = "[network]\nplain_http_hosts = 5\n[github]\ntoken = \"k\"\n";
    let faults = with_file(file, &[("OPENAI_API_KEY", "k")]).check().unwrap_err().to_string();
    assert_eq!(faults.lines().count(), 1, "{faults}");
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
fn an_audit_key_has_at_least_as_many_bytes_as_what_it_makes() {
    let short = faults(&[("AURA__AUDIT__KEY", "short")]);
    assert_eq!(short, ["audit.key (from AURA__AUDIT__KEY): must have at least 32 bytes, has 5"]);
    assert!(settings(&[("AURA__AUDIT__KEY", &"k".repeat(32))]).audit.key.is_some());
    assert!(settings(&[]).audit.key.is_none());
}

#[test]
fn the_role_of_auditors_can_be_named_and_taken_away() {
    let role = |value| {
        let role = settings(&[("AURA__AUDIT__ROLE", value)]).audit.role;
        role.map(|role| role.to_string())
    };
    assert_eq!(role(" revision ").as_deref(), Some("revision"));
    assert_eq!(role("").as_deref(), Some("auditor"), "an empty variable says nothing");
    assert_eq!(role("none"), None);
}

#[test]
fn roles_are_given_to_users_in_a_file_and_in_the_environment() {
    let file = "[auth.roles]\nmaintainer = [\"1/7\", \"1/8\"]\n\"Site Lead\" = [\"2/a/b\"]\n";
    let variables =
        [("AURA__AUTH__ROLES__AUDITOR", "1/7, 2/7"), ("AURA__AUTH__ROLES__OPERATOR", "")];
    let grants = with_file(file, &variables).check().unwrap().settings.auth.roles;
    let roles = |tenant: &str, user: &str| {
        grants.complete(Roles::default(), &TenantId::new(tenant), &UserId::new(user))
    };
    let named = |names: &[&str]| names.iter().filter_map(|name| Role::named(name)).collect();
    assert_eq!(roles("1", "7"), named(&["auditor", "maintainer"]));
    assert_eq!(roles("1", "8"), named(&["maintainer"]));
    assert_eq!(roles("2", "7"), named(&["auditor"]));
    assert_eq!(roles("2", "a/b"), named(&["Site Lead"]));
    assert_eq!(roles("1", "1"), Roles::default());
    assert!(with_file("[auth.roles]\n", &[]).check().is_ok());
}

#[test]
fn a_tool_can_have_a_time_of_its_own_up_to_thirty_days() {
    let file = "[hitl.timeouts]\ngithub_merge_pr = 2592000\n\"wiki.edit\" = 1\n";
    let variables = [("AURA__HITL__TIMEOUTS__GIT_MERGE", "60")];
    let timeouts = with_file(file, &variables).check().unwrap().settings.hitl.timeouts;
    let seconds: Vec<(&str, u64)> =
        timeouts.iter().map(|(tool, time)| (tool.as_str(), time.as_secs())).collect();
    assert_eq!(seconds, [("git_merge", 60), ("github_merge_pr", 2_592_000), ("wiki.edit", 1)]);
    for (value, problem) in [
        ("0", "must be 1 to 2592000, is 0"),
        ("2592001", "must be 1 to 2592000, is 2592001"),
        ("soon", "must be a whole number from 1 to 2592000, is \"soon\""),
    ] {
        let name = "AURA__HITL__TIMEOUTS__GIT_MERGE";
        let expected = format!("hitl.timeouts.git_merge (from {name}): {problem}");
        assert_eq!(faults(&[(name, value)]), [expected]);
    }
}

#[test]
fn what_is_wrong_with_a_role_is_told_precisely() {
    let form = "every entry must be <tenant>/<user>, for instance 1/7, is";
    for (value, problem) in [
        ("7", format!("{form} \"7\"")),
        ("1/7 8", format!("{form} \"8\"")),
        ("/7", format!("{form} \"/7\"")),
        ("1/", format!("{form} \"1/\"")),
        ("1/*", "every entry must name one user, there is no \"*\", is \"1/*\"".to_owned()),
    ] {
        let expected = format!("auth.roles.admin (from AURA__AUTH__ROLES__ADMIN): {problem}");
        assert_eq!(faults(&[("AURA__AUTH__ROLES__ADMIN", value)]), [expected]);
    }
    let faults =
        with_file("[auth.roles]\nadmin = 7\n\" \" = [\"1/7\"]\n", &[]).check().unwrap_err();
    let faults: Vec<_> = faults.iter().map(|fault| fault.problem.as_str()).collect();
    assert_eq!(faults, ["a role's name must not be blank", "must be a list of texts"]);
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

#[test]
fn a_fallback_needs_a_name_and_a_model_to_stand_in_for() {
    let first = ("OPENAI_API_KEY", "k");
    let named = ("AURA__MODEL__FALLBACK", "gpt-4o-mini");
    let fallback = settings(&[first, named]).model.fallback.unwrap();
    assert_eq!((fallback.model.as_str(), fallback.rest), ("gpt-4o-mini", Duration::from_secs(30)));
    assert!(fallback.base_url.is_none() && fallback.api_key.is_none());
    assert!(settings(&[first]).model.fallback.is_none());

    let nameless = &faults(&[first, ("AURA__MODEL__FALLBACK_API_KEY", "hunter2hunter2")])[0];
    assert!(nameless.starts_with("model.fallback: not set"), "{nameless}");
    let alone = &faults(&[named])[0];
    assert!(
        alone.starts_with("model.fallback (from AURA__MODEL__FALLBACK): there is no"),
        "{alone}"
    );
    let shown = layers(&[first, named, ("AURA__MODEL__FALLBACK_API_KEY", "hunter2hunter2")]);
    assert!(!shown.to_toml().contains("hunter2"));
}

#[test]
fn a_budget_of_zero_is_none() {
    let settings = settings(&[("AURA__AGENT__MAX_TOKENS_PER_DAY", "7")]);
    assert_eq!(settings.agent.max_tokens_per_day, Some(7));
    assert_eq!(settings.agent.max_tokens_per_run, None);
    assert_eq!(settings.model.context_tokens, Some(100_000));
}

#[test]
fn a_key_goes_over_plain_http_only_where_that_is_said() {
    let faults = |variables: &[(&str, &str)]| {
        let all: Vec<_> =
            [SECRET, ("OPENAI_MODEL", "m")].iter().chain(variables).copied().collect();
        layers(&all).check().err().map(|faults| faults.to_string())
    };
    let there = ("OPENAI_BASE_URL", "http://llm.internal:8080/v1");
    let key = ("OPENAI_API_KEY", "k");
    let fault = faults(&[there, key]).unwrap();
    assert!(fault.contains("OPENAI_BASE_URL") && fault.contains("llm.internal"), "{fault}");
    assert!(fault.contains("AURA__NETWORK__PLAIN_HTTP_HOSTS"), "{fault}");
    let named = ("AURA__NETWORK__PLAIN_HTTP_HOSTS", "llm.internal other");
    assert_eq!(faults(&[there, key, named]), None);
    assert_eq!(faults(&[there]), None, "no key, nothing to read on the way");
    for here in ["http://127.0.0.1:8080", "http://localhost/v1", "http://[::1]:1/", "https://h/"] {
        assert_eq!(faults(&[("OPENAI_BASE_URL", here), key]), None, "{here}");
    }
    let github = [("GITHUB_API_URL", "http://ghe.internal"), ("GITHUB_TOKEN", "k")];
    assert!(faults(&github).unwrap().contains("GITHUB_API_URL"));
    let header = ("AURA__MODEL__HEADERS__X_API_KEY", "k");
    assert!(faults(&[there, header]).unwrap().contains("OPENAI_BASE_URL"), "a header is a key");
    for (with_key, url) in [
        (true, "http://h/mcp?api_key=k"),
        (true, "http://h/mcp?x=ghp_k"),
        (true, "http://h/s/A1b2C3d4E5f6G7h8J9k0/mcp"),
        (false, "http://h/mcp?lang=ko"),
    ] {
        let fault = faults(&[("AURA__MCP__SERVERS__WIKI__URL", url)]);
        assert_eq!(fault.is_some(), with_key, "{url}: {fault:?}");
    }
}
