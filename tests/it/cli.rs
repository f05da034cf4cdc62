//! The command line, as the people and containers that start the binary meet it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use aura_platform::domain::{Clock, Role, SystemClock};
use aura_platform::token::{TokenError, TokenKey};
use secrecy::SecretString;
use socket2::{Domain, Socket, Type};
use tempfile::TempDir;

const SECRET: &str = "0123456789abcdef0123456789abcdef";
const WITH_SECRET: [(&str, &str); 1] = [("JWT_SECRET", SECRET)];

/// How a process ended.
struct Ended {
    code: i32,
    stdout: String,
    stderr: String,
}

/// Runs the binary in an empty directory, with these variables and no others.
fn aura(arguments: &[&str], variables: &[(&str, &str)]) -> Ended {
    let directory = TempDir::new().unwrap();
    run(command(arguments, variables).current_dir(directory.path()), "")
}

fn command(arguments: &[&str], variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_aura-platform"));
    command.args(arguments).env_clear().envs(variables.iter().copied());
    command
}

fn run(command: &mut Command, stdin: &str) -> Ended {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // A command that does not read its stdin may have closed it; that is not what is tested.
    let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
    let stdout = read_aside(child.stdout.take().unwrap());
    let stderr = read_aside(child.stderr.take().unwrap());
    let code = exit_code(&mut child);
    Ended { code, stdout: stdout.join().unwrap(), stderr: stderr.join().unwrap() }
}

fn read_aside(mut pipe: impl Read + Send + 'static) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut text = String::new();
        pipe.read_to_string(&mut text).unwrap();
        text
    })
}

/// Waits for the end, and brings it about where it does not come by itself.
fn exit_code(child: &mut Child) -> i32 {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status.code().unwrap();
        }
        if Instant::now() > deadline {
            child.kill().unwrap();
            panic!("the command does not come to an end");
        }
        thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn an_unknown_setting_stops_the_start_with_one_clear_line() {
    let variables = [WITH_SECRET[0], ("AURA__HITL__TIMEOUT", "5")];
    let ended = aura(&["serve"], &variables);
    assert_eq!(ended.code, 2);
    assert_eq!(
        ended.stderr,
        "error: hitl.timeout (from AURA__HITL__TIMEOUT): no such setting; [hitl] has \
         ask, on_reject, timeout_seconds, timeouts, warning_seconds\n"
    );
    assert_eq!(ended.stdout, "");
}

#[test]
fn every_fault_is_told_at_once_and_dev_forgives_none() {
    let variables =
        [("API_PORT", "x"), ("HITL_TIMEOUT_SECONDS", "2592001"), ("JWT_SECRET", "short")];
    for arguments in [&["serve"][..], &["serve", "--dev"]] {
        let ended = aura(arguments, &variables);
        assert_eq!(ended.code, 2, "{arguments:?}");
        assert_eq!(
            ended.stderr,
            "error: api.port (from API_PORT): must be a whole number from 0 to 65535, is \"x\"\n\
             error: auth.jwt_secret (from JWT_SECRET): must have at least 32 bytes, has 5\n\
             error: hitl.timeout_seconds (from HITL_TIMEOUT_SECONDS): must be 1 to 2592000, is 2592001\n"
        );
    }
}

#[test]
fn a_server_without_a_secret_refuses_to_start_and_tells_how_to_give_it_one() {
    let ended = aura(&["serve"], &[]);
    assert_eq!(ended.code, 2);
    assert!(ended.stderr.starts_with("error: auth.jwt_secret: not set: set JWT_SECRET"));
    assert_eq!(ended.stderr.lines().count(), 1);
}

#[test]
fn a_settings_file_is_read_from_the_usual_place_or_the_named_one() {
    let directory = TempDir::new().unwrap();
    let write = |name: &str, text: &str| std::fs::write(directory.path().join(name), text).unwrap();
    std::fs::create_dir(directory.path().join("config")).unwrap();
    write("config/aura.toml", "[api]\nport = 9100\n");
    write("other.toml", "[api]\nprot = 9200\n");

    let ended = run(command(&["config"], &[]).current_dir(&directory), "");
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_eq!(words_of(&ended.stdout, "port"), "port = 9100 # config/aura.toml:2");

    let named = [("AURA_CONFIG", "other.toml")];
    let ended = run(command(&["config"], &named).current_dir(&directory), "");
    assert_eq!(ended.code, 2);
    assert!(ended.stderr.starts_with("error: api.prot (from other.toml:2): no such setting; "));
    assert_eq!(words_of(&ended.stdout, "port"), "port = 9000 # default", "shown all the same");
}

/// The first line that starts so, with single spaces.
fn words_of(text: &str, start: &str) -> String {
    let line = text.lines().find(|line| line.starts_with(start)).unwrap();
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn config_shows_what_is_in_force_and_no_secret() {
    let secrets = [
        ("JWT_SECRET", "hunter2-hunter3-hunter4-hunter5-"),
        ("REDIS_URL", "redis://me:hunter2@cache:6379"),
        ("REDIS_PASSWORD", "hunter2"),
        ("OPENAI_API_KEY", "sk-hunter2"),
        ("GITHUB_TOKEN", "ghp_hunter2"),
        ("SMTP_URL", "smtps://me:hunter2@mail"),
        ("LOG_LEVEL", "debug"),
    ];
    let ended = aura(&["config"], &secrets);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(!ended.stdout.contains("hunter2"), "{}", ended.stdout);
    assert_eq!(words_of(&ended.stdout, "jwt_secret"), "jwt_secret = \"***\" # JWT_SECRET");
    assert_eq!(words_of(&ended.stdout, "level"), "level = \"debug\" # LOG_LEVEL");
    assert!(ended.stdout.contains("redis.password (from REDIS_PASSWORD) has no effect"));
}

#[test]
fn config_needs_nothing() {
    let ended = aura(&["config"], &[]);
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
    assert_eq!(words_of(&ended.stdout, "host"), "host = \"0.0.0.0\" # default");
}

#[test]
fn token_prints_a_token_and_only_that() {
    let arguments = ["token", "--sub", "user123", "--tenant", "tenant1", "--ttl", "2h"];
    let more = ["--email", "kim@example.com", "--role", "ADMIN", "--role", "auditor"];
    let before = SystemClock.now().second();
    let ended = aura(&[&arguments[..], &more].concat(), &WITH_SECRET);
    let after = SystemClock.now().second();
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
    let token = ended.stdout.strip_suffix('\n').unwrap();

    let key = TokenKey::new(&SecretString::from(SECRET)).unwrap();
    let claims = key.verify(token, Duration::ZERO, after).unwrap();
    assert_eq!((claims.sub.as_str(), claims.tenant_id.as_str()), ("user123", "tenant1"));
    assert_eq!(claims.email.as_deref(), Some("kim@example.com"));
    assert_eq!(
        claims.roles,
        ["ADMIN", "auditor"].iter().filter_map(|name| Role::named(name)).collect()
    );
    let issued = claims.iat.unwrap();
    assert!((before..=after).contains(&issued));
    assert_eq!(claims.exp, issued.after(Duration::from_secs(2 * 60 * 60)));
    assert_eq!(key.verify(token, Duration::ZERO, claims.exp), Err(TokenError::Expired));
}

#[test]
fn token_needs_a_secret_and_sensible_arguments() {
    let token = |more: &[&str], variables: &[(&str, &str)]| {
        aura(&[&["token", "--tenant", "tenant1"], more].concat(), variables)
    };
    let ended = token(&["--sub", "u"], &[]);
    assert_eq!((ended.code, ended.stdout.as_str()), (2, ""));
    assert!(ended.stderr.contains("set JWT_SECRET"), "{}", ended.stderr);
    for more in [&["--sub", "u", "--ttl", "1w"][..], &["--sub", " "], &[]] {
        let ended = token(more, &WITH_SECRET);
        assert_eq!((ended.code, ended.stdout.as_str()), (2, ""), "{more:?}");
        assert!(ended.stderr.starts_with("error: "), "{}", ended.stderr);
    }
}

#[test]
fn prompt_reads_a_context_from_stdin_or_a_file() {
    let context = r#"{"activeApp":"mail"}"#;
    let line = "현재 사용자가 보고 있는 화면: mail";
    let ended = run(&mut command(&["prompt", "--context", "-"], &[]), context);
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
    assert!(ended.stdout.lines().any(|found| found == line), "{}", ended.stdout);

    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), context).unwrap();
    let from_file = aura(&["prompt", "--context", file.path().to_str().unwrap()], &[]);
    assert_eq!(from_file.stdout, ended.stdout);
}

/// The frontend keeps what is selected in a state of its own.
#[test]
fn prompt_shows_the_selected_items_and_the_folder_of_the_frontends_state() {
    let context = r#"{"activeApp":"mail","path":"/mail","itemId":"msg-123","remoteState":
        {"selectedItems":[{"id":"msg-123","title":"분기 보고"},"msg-124"],
         "context":{"folder":"inbox"},"viewState":{"sort":"date"}}}"#;
    let ended = run(&mut command(&["prompt", "--context", "-"], &[]), context);
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
    for line in
        ["선택된 항목 ID: msg-123 (분기 보고), msg-124", "추가 정보: folder: inbox, sort: date"]
    {
        assert!(ended.stdout.lines().any(|found| found == line), "{}", ended.stdout);
    }
}

#[test]
fn prompt_begins_with_the_operators_instructions() {
    let variables = [("AURA__AGENT__INSTRUCTIONS", "You work for 재무팀.")];
    let ended = run(&mut command(&["prompt", "--context", "-"], &variables), "{}");
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
    let without = run(&mut command(&["prompt", "--context", "-"], &[]), "{}");
    assert_eq!(ended.stdout, format!("You work for 재무팀.\n\n{}", without.stdout));
}

/// Nobody writes to the pipe: whoever opens it to read waits for ever.
#[test]
fn a_named_pipe_in_the_place_of_a_file_is_refused_and_not_waited_for() {
    let directory = TempDir::new().unwrap();
    let pipe = directory.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let pipe = pipe.to_str().unwrap();
    for name in ["AURA__AGENT__INSTRUCTIONS_FILE", "OPENAI_API_KEY_FILE", "AURA_CONFIG"] {
        let refused = aura(&["serve"], &[WITH_SECRET[0], (name, pipe)]);
        assert_ne!(refused.code, 0, "{name}");
        let told = refused.stderr.matches("cannot be read: it is not a regular file").count();
        assert_eq!(told, 1, "{name}: {}", refused.stderr);
    }
}

#[test]
fn an_endpoint_of_ones_own_needs_the_name_of_its_model() {
    let variables = [WITH_SECRET[0], ("OPENAI_BASE_URL", "http://localhost:8000/v1")];
    let ended = aura(&["serve"], &variables);
    let expected = "error: openai.model: not set: set OPENAI_MODEL to the name of the model that \
                    OPENAI_BASE_URL is to be asked for\n";
    assert_eq!((ended.code, ended.stderr.as_str()), (2, expected));
}

#[test]
fn prompt_says_what_is_wrong_with_a_context() {
    for (context, problem) in [("{", "not JSON"), ("[1]", "")] {
        let ended = run(&mut command(&["prompt", "--context", "-"], &[]), context);
        assert_eq!((ended.code, ended.stdout.as_str()), (2, ""), "{context}");
        assert!(ended.stderr.starts_with(&format!("error: -: {problem}")), "{}", ended.stderr);
    }
    let ended = aura(&["prompt", "--context", "/does/not/exist"], &[]);
    assert_eq!(ended.code, 2);
    assert!(ended.stderr.starts_with("error: /does/not/exist: "), "{}", ended.stderr);
}

#[test]
fn prompt_says_that_a_context_is_too_large_instead_of_cutting_it() {
    let context = format!(r#"{{"title":"{}"}}"#, "x".repeat(1024 * 1024));
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), context).unwrap();
    let ended = aura(&["prompt", "--context", file.path().to_str().unwrap()], &[]);
    assert_eq!((ended.code, ended.stdout.as_str()), (2, ""));
    assert!(ended.stderr.contains("too large"), "{}", ended.stderr);
}

#[test]
fn help_names_every_command_the_exit_codes_and_examples() {
    let ended = aura(&["--help"], &[]);
    assert_eq!(ended.code, 0);
    for word in
        ["serve", "token", "prompt", "config", "audit", "healthcheck", "Exit codes:", "Examples:"]
    {
        assert!(ended.stdout.contains(word), "{word}: {}", ended.stdout);
    }
    let serve = aura(&["serve", "--help"], &[]).stdout;
    assert!(serve.contains("--dev") && serve.contains("127.0.0.1"), "{serve}");
    assert_eq!(aura(&["sevre"], &[]).code, 2);
    assert_eq!(aura(&[], &[]).code, 2);
}

/// Answers one request with this, on a port of its own, and returns the port.
fn answering(response: &'static str) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            head.extend(byte);
        }
        assert!(head.starts_with(b"GET /health HTTP/1.1\r\n"));
        stream.write_all(response.as_bytes()).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
    });
    port
}

#[test]
fn healthcheck_says_whether_a_service_is_up() {
    let port = answering("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}").to_string();
    let ended = aura(&["healthcheck"], &[("API_HOST", "0.0.0.0"), ("API_PORT", &port)]);
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
    assert_eq!(ended.stdout, format!("UP: http://127.0.0.1:{port}/health answered 200 OK\n"));
}

#[test]
fn healthcheck_fails_on_any_other_answer_and_on_none() {
    let port = answering("HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n");
    let url = format!("http://127.0.0.1:{port}/health");
    let ended = aura(&["healthcheck", "--url", &url], &[]);
    assert_eq!(ended.code, 1);
    assert_eq!(ended.stderr, format!("error: DOWN: {url}: answered 503 Service Unavailable\n"));

    // Bound, so that nobody else gets the port, but not listening.
    let closed = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    closed.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    let port = closed.local_addr().unwrap().as_socket().unwrap().port();
    let url = format!("http://127.0.0.1:{port}/health");
    let ended = aura(&["healthcheck", "--url", &url], &[]);
    assert_eq!((ended.code, ended.stderr.lines().count()), (1, 1), "{}", ended.stderr);

    let ended = aura(&["healthcheck"], &[("API_PORT", "x")]);
    assert_eq!(ended.code, 1, "a container's check knows 0 and 1 only");
}

#[test]
fn mail_without_a_sender_stops_the_start_with_one_line() {
    let settings = [
        ("JWT_SECRET", "0123456789abcdef0123456789abcdef"),
        ("API_PORT", "0"),
        ("LOG_LEVEL", "off"),
        ("SMTP_URL", "smtps://mail.example"),
    ];
    let ended = aura(&["serve"], &settings);
    assert_eq!(ended.code, 2);
    let expected = "error: smtp.from (AURA__SMTP__FROM): not set: set it to the address that mails \
                    come from\n";
    assert_eq!(ended.stderr, expected);
}

#[test]
fn a_setting_that_only_the_tools_can_judge_is_a_wrong_setting_all_the_same() {
    for (variable, value) in [
        ("AURA__TOOLS__APPROVAL__GIT_MERGE", "none"),
        ("AURA__TOOLS__APPROVAL__NO_SUCH", "required"),
        ("AURA__HITL__TIMEOUTS__NO_SUCH", "5"),
    ] {
        let settings = [
            ("JWT_SECRET", "0123456789abcdef0123456789abcdef"),
            ("API_PORT", "0"),
            ("LOG_LEVEL", "off"),
            (variable, value),
        ];
        let ended = aura(&["serve"], &settings);
        assert_eq!(
            (ended.code, ended.stderr.lines().count()),
            (2, 1),
            "{variable}: {}",
            ended.stderr
        );
    }
}
