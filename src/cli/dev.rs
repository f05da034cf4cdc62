//! `serve --dev`: what it brings along, and what it tells the person who started it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::healthcheck::loopback_if_any;
use super::{CliError, print, quoted};
use crate::domain::{Clock, Roles, SystemClock, TenantId, UnixSeconds, UserId};
use crate::settings::{ConsoleSettings, DevSetup, KeyOrigin, Listening, Settings, StoreInUse};
use crate::token::{Claims, SigningFailed, TokenKey};

mod scratch;

/// The platform's own first tenant and user.
const TENANT: &str = "1";
const USER: &str = "1";
const TOKEN_LIFE: Duration = Duration::from_secs(24 * 60 * 60);
/// Asks for an approval, and after it something has visibly happened in the workspace.
const PROMPT: &str = "feature 브랜치를 main에 병합해주세요";
/// The same over HTTP.
const BODY: &str =
    r#"{"prompt":"feature 브랜치를 main에 병합해주세요","context":{"activeApp":"git"}}"#;

/// What the banner is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
struct DevInfo {
    /// What serves, and where.
    listening: Listening,
    /// A token for [`USER`] of [`TENANT`].
    token: String,
    /// Where the key of that token came from.
    key_origin: KeyOrigin,
    /// Whether the workspace is the sample, which goes with the process.
    is_sample: bool,
    /// What was started, and can be started beside it.
    program: PathBuf,
    /// How people get into the console.
    console: Console,
}

/// How people get into the console.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Console {
    /// Its address has the token.
    Open,
    /// They paste the token.
    Paste,
    /// There is none.
    Off,
}

/// A directory for the sample workspace, unless there is a workspace, and the banner.
pub(super) fn set_up(settings: &Settings, program: &Path) -> Result<DevSetup, CliError> {
    let scratch = match settings.workspace.root {
        Some(_) => None,
        None => Some(scratch::create(&tempfile::env::temp_dir())?),
    };
    let (key, key_origin) = (settings.auth.key.clone(), settings.auth.key_origin);
    // Whoever tries it out sees all of it.
    let roles: Roles = settings.audit.role.iter().chain(&settings.admin.role).cloned().collect();
    let (is_sample, program) = (scratch.is_some(), program.to_owned());
    let console = Console::of(&settings.console);
    let announce = move |listening: &Listening| {
        let info = token(&key, roles.clone(), SystemClock.now().second()).map(|token| {
            let listening = listening.clone();
            DevInfo { listening, token, key_origin, is_sample, program, console }
        });
        announce(info);
    };
    Ok(DevSetup { scratch, announce: Box::new(announce) })
}

/// Prints the banner. That it cannot be printed does not stop a service that works.
fn announce(info: Result<DevInfo, SigningFailed>) {
    let printed = info.map_err(CliError::failed).and_then(|info| print(&banner(&info)));
    if let Err(error) = printed {
        tracing::warn!(%error, "the development banner cannot be printed");
    }
}

fn token(key: &TokenKey, roles: Roles, now: UnixSeconds) -> Result<String, SigningFailed> {
    key.issue(&Claims {
        sub: UserId::new(USER),
        tenant_id: TenantId::new(TENANT),
        iat: Some(now),
        exp: now.after(TOKEN_LIFE),
        email: None,
        roles,
    })
}

impl Console {
    fn of(settings: &ConsoleSettings) -> Self {
        match (settings.enabled, settings.token_in_fragment) {
            (false, _) => Self::Off,
            (true, true) => Self::Open,
            (true, false) => Self::Paste,
        }
    }
}

impl DevInfo {
    fn base(&self) -> String {
        format!("http://{}", loopback_if_any(self.listening.address))
    }

    /// What is in use, one line each.
    fn facts(&self) -> String {
        let Listening { store, model, .. } = &self.listening;
        let store = match store {
            StoreInUse::Memory => "in memory: what is kept there ends with this process".to_owned(),
            StoreInUse::Redis(url) => {
                format!("Redis, {url}: what is kept there outlives this process")
            }
        };
        let workspace = shown(&self.listening.workspace);
        let of_workspace = if self.is_sample { " (a sample, removed at the end)" } else { "" };
        let of_key = match self.key_origin {
            KeyOrigin::Settings => "",
            KeyOrigin::ThrowAway => " and as long as this process lives",
        };
        let (base, Self { token, .. }) = (self.base(), self);
        format!(
            "  health     {base}/health
  interface  {base}/aura/docs
  store      {store}
  model      {model}
  workspace  {workspace}{of_workspace}
  token      {token}
             (user {USER} of tenant {TENANT}, for 24 hours{of_key})"
        )
    }

    /// What is said of the console. What stands behind the `#` of an address goes to no server and into no log.
    fn console(&self) -> String {
        let (base, token) = (self.base(), &self.token);
        match self.console {
            Console::Open => format!(
                "Open the console in a browser:\n\n{base}/#token={token}&tenant={TENANT}\n\n"
            ),
            Console::Paste => {
                format!("Open the console in a browser, and paste the token there:\n\n{base}/\n\n")
            }
            Console::Off => String::new(),
        }
    }

    /// The `ask` line, with all that it needs.
    fn ask(&self) -> String {
        let [token, program] = [&self.token, &shown(&self.program)].map(|text| quoted(text));
        let [url, prompt] = [&self.base(), PROMPT].map(quoted);
        format!("AURA_TOKEN={token} {program} ask --url {url} {prompt}")
    }

    /// The start of a `curl` line, with all headers.
    fn curl(&self, options: &str) -> String {
        format!(
            "curl {options}-H {} -H {} -H {} -H 'Content-Type: application/json'",
            quoted(&format!("Authorization: Bearer {}", self.token)),
            quoted(&format!("X-Tenant-ID: {TENANT}")),
            quoted(&format!("X-User-ID: {USER}")),
        )
    }

    fn post(&self, options: &str, path: &str, body: &str) -> String {
        let url = quoted(&format!("{}{path}", self.base()));
        format!("{} -d {} {url}", self.curl(options), quoted(body))
    }
}

/// What is in use and how to try it out, for people. Every command is one line that any POSIX shell,
/// and fish, takes as it stands; only the request's id has to be filled in.
fn banner(info: &DevInfo) -> String {
    let (facts, console) = (info.facts(), info.console());
    let ask = info.ask();
    let stream = info.post("-N ", "/aura/test/stream", BODY);
    let approve = info.post("", "/aura/hitl/approve/REQUEST_ID", "{}");
    let reject = info.post("", "/aura/hitl/reject/REQUEST_ID", r#"{"reason":"not now"}"#);
    let workspace = quoted(&shown(&info.listening.workspace));
    format!(
        "
Aura-Platform is listening for development.

{facts}

{console}Ask, in another terminal, for something that needs approval, and answer with y, n or e (try n or e
first: after one y the same line has nothing to merge any more):

{ask}

Or see the stream itself:

{stream}

It waits at its `hitl` event. In another terminal, with that event's requestId in place of
REQUEST_ID, approve

{approve}

or reject:

{reject}

See what was done:

git -C {workspace} log --oneline --graph --all
"
    )
}

/// A path as text. One that is not UTF-8 cannot be shown exactly; the tools use it as it is.
fn shown(path: &Path) -> String {
    path.display().to_string()
}

#[cfg(test)]
mod tests {
    use secrecy::SecretString;
    use std::process::Command;

    use super::*;

    fn info() -> DevInfo {
        let listening = Listening {
            address: "0.0.0.0:9000".parse().unwrap(),
            store: StoreInUse::Memory,
            model: "builtin-planner".to_owned(),
            workspace: PathBuf::from("/tmp/it's a $HOME"),
        };
        let token = "aaa.bbb.ccc".to_owned();
        let program = PathBuf::from("/opt/aura platform/aura-platform");
        let (key_origin, console) = (KeyOrigin::ThrowAway, Console::Open);
        DevInfo { listening, token, key_origin, is_sample: true, program, console }
    }

    /// What a shell makes of a line: its words.
    fn words(line: &str) -> Vec<String> {
        let script = format!("printf '%s\\n' {line}");
        let output = Command::new("sh").args(["-c", &script]).output().unwrap();
        String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
    }

    fn line(start: &str, part: &str) -> String {
        let banner = banner(&info());
        let mut lines =
            banner.lines().filter(|line| line.starts_with(start) && line.contains(part));
        lines.next().unwrap().to_owned()
    }

    #[test]
    fn the_stream_line_can_be_pasted_as_it_stands() {
        let words = words(&line("curl -N", "/aura/test/stream"));
        assert_eq!(
            words,
            [
                "curl",
                "-N",
                "-H",
                "Authorization: Bearer aaa.bbb.ccc",
                "-H",
                "X-Tenant-ID: 1",
                "-H",
                "X-User-ID: 1",
                "-H",
                "Content-Type: application/json",
                "-d",
                BODY,
                "http://127.0.0.1:9000/aura/test/stream",
            ]
        );
        assert!(serde_json::from_str::<serde_json::Value>(BODY).is_ok());
    }

    #[test]
    fn the_ask_line_can_be_pasted_as_it_stands() {
        let line = line("AURA_TOKEN=", " ask ");
        assert!(BODY.contains(PROMPT));
        let (token, command) = line.split_once(' ').unwrap();
        assert_eq!(token, "AURA_TOKEN='aaa.bbb.ccc'");
        let url = "http://127.0.0.1:9000";
        assert_eq!(
            words(command),
            ["/opt/aura platform/aura-platform", "ask", "--url", url, PROMPT]
        );
    }

    #[test]
    fn the_banner_tells_how_to_approve_and_how_to_reject() {
        let approve = words(&line("curl -H", "/approve/"));
        assert_eq!(approve.last().unwrap(), "http://127.0.0.1:9000/aura/hitl/approve/REQUEST_ID");
        let reject = words(&line("curl -H", "/reject/"));
        assert_eq!(reject.last().unwrap(), "http://127.0.0.1:9000/aura/hitl/reject/REQUEST_ID");
        assert!(reject.contains(&r#"{"reason":"not now"}"#.to_owned()), "{reject:?}");
    }

    #[test]
    fn the_banner_tells_of_the_console_as_it_is() {
        let address = "http://127.0.0.1:9000/#token=aaa.bbb.ccc&tenant=1";
        assert_eq!(line("http://127", "/#"), address);
        let paste = banner(&DevInfo { console: Console::Paste, ..info() });
        assert!(paste.contains("paste the token there:\n\nhttp://127.0.0.1:9000/\n"), "{paste}");
        let off = banner(&DevInfo { console: Console::Off, ..info() });
        assert!(!off.contains("console") && !off.contains("/#"), "{off}");
    }

    #[test]
    fn a_path_is_one_word_whatever_is_in_it() {
        let words = words(&line("git -C", "log"));
        assert_eq!(words[2], "/tmp/it's a $HOME");
    }

    #[test]
    fn the_banner_says_what_is_in_use() {
        let words = |info: &DevInfo| info.facts().split_whitespace().collect::<Vec<_>>().join(" ");
        let all_made_up = words(&info());
        for fact in [
            "health http://127.0.0.1:9000/health interface http://127.0.0.1:9000/aura/docs store in memory: what is kept there ends with",
            "model builtin-planner workspace /tmp/it's a $HOME (a sample, removed at the end) token",
            "aaa.bbb.ccc (user 1 of tenant 1, for 24 hours and as long as this process lives)",
        ] {
            assert!(all_made_up.contains(fact), "no {fact:?} in {all_made_up}");
        }
        let mut given = info();
        (given.key_origin, given.is_sample) = (KeyOrigin::Settings, false);
        given.listening.store = StoreInUse::Redis("redis://***@cache:6379".to_owned());
        given.listening.model = "gpt-4o".to_owned();
        let given = words(&given);
        for fact in [
            "store Redis, redis://***@cache:6379: what is kept there outlives this process model",
            "model gpt-4o workspace /tmp/it's a $HOME token aaa.bbb.ccc",
            "(user 1 of tenant 1, for 24 hours)",
        ] {
            assert!(given.contains(fact), "no {fact:?} in {given}");
        }
    }

    #[test]
    fn the_token_counts_for_a_day() {
        let key = TokenKey::new(&SecretString::from("kx0123456789abcd".repeat(2))).unwrap();
        let token = token(&key, Roles::default(), UnixSeconds::new(1_000)).unwrap();
        assert!(
            key.verify(&token, Duration::ZERO, UnixSeconds::new(1_000 + 24 * 60 * 60 - 1)).is_ok()
        );
        assert!(
            key.verify(&token, Duration::ZERO, UnixSeconds::new(1_000 + 24 * 60 * 60)).is_err()
        );
    }
}
