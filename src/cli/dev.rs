//! `serve --dev`: what it brings along, and what it tells the person who started it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use super::healthcheck::loopback_if_any;
use super::{CliError, print};
use crate::domain::{Clock, Roles, SystemClock, TenantId, UserId};
use crate::settings::{DevSetup, Listening, Settings};
use crate::token::{Claims, SigningFailed, TokenKey};

const TENANT: &str = "tenant1";
const USER: &str = "user123";
const TOKEN_SECONDS: u64 = 24 * 60 * 60;
/// Asks for an approval, and after it something has visibly happened in the workspace.
const PROMPT: &str =
    r#"{"prompt":"feature 브랜치를 main에 병합해주세요","context":{"activeApp":"git"}}"#;

/// What the banner is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
struct DevInfo {
    /// The address that was bound.
    address: SocketAddr,
    /// A token for [`USER`] of [`TENANT`].
    token: String,
    /// The repository that the git tools work on.
    workspace: PathBuf,
}

/// A directory for the sample workspace, unless there is a workspace, and the banner.
pub(super) fn set_up(settings: &Settings) -> Result<DevSetup, CliError> {
    let scratch = match settings.workspace_root {
        Some(_) => None,
        None => Some(tempfile::Builder::new().prefix("aura-dev-").tempdir()?),
    };
    let key = settings.auth.key.clone();
    Ok(DevSetup { scratch, announce: Box::new(move |listening| announce(&key, listening)) })
}

/// Prints the banner. That it cannot be printed does not stop a service that works.
fn announce(key: &TokenKey, listening: &Listening) {
    let info = token(key, SystemClock.now_secs()).map(|token| DevInfo {
        address: listening.address,
        token,
        workspace: listening.workspace.clone(),
    });
    let printed = info.map_err(CliError::failed).and_then(|info| print(&banner(&info)));
    if let Err(error) = printed {
        tracing::warn!(%error, "the development banner cannot be printed");
    }
}

fn token(key: &TokenKey, now: u64) -> Result<String, SigningFailed> {
    key.issue(&Claims {
        sub: UserId::new(USER),
        tenant_id: TenantId::new(TENANT),
        iat: Some(now),
        exp: now.saturating_add(TOKEN_SECONDS),
        email: None,
        roles: Roles::default(),
    })
}

/// How to try the service out, for people. Every command is one line that any POSIX shell, and
/// fish, takes as it stands; only the request's id has to be filled in.
fn banner(info: &DevInfo) -> String {
    let base = format!("http://{}", loopback_if_any(info.address));
    let who = format!(
        "-H {} -H {} -H {}",
        quoted(&format!("Authorization: Bearer {}", info.token)),
        quoted(&format!("X-Tenant-ID: {TENANT}")),
        quoted(&format!("X-User-ID: {USER}")),
    );
    let post = |path: &str, body: &str| {
        let url = quoted(&format!("{base}{path}"));
        let body = quoted(body);
        format!("curl {who} -H 'Content-Type: application/json' -d {body} {url}")
    };
    let stream = post("/aura/test/stream", PROMPT).replacen("curl", "curl -N", 1);
    let approve = post("/aura/hitl/approve/REQUEST_ID", "{}");
    let reject = post("/aura/hitl/reject/REQUEST_ID", r#"{"reason":"not now"}"#);
    let workspace = shown(&info.workspace);
    let log = format!("git -C {} log --oneline --graph --all", quoted(&workspace));
    let token = &info.token;
    format!(
        "
Aura-Platform is listening for development. Nothing here outlives the process.

  health     {base}/health
  workspace  {workspace}
  token      {token}
             (user {USER} of tenant {TENANT}, for 24 hours)

Ask for something that needs approval:

{stream}

The stream then waits at its `hitl` event. In another terminal, with that event's requestId in
place of REQUEST_ID, approve

{approve}

or reject:

{reject}

See what was done:

{log}
"
    )
}

/// A path as text. One that is not UTF-8 cannot be shown exactly; the tools use it as it is.
fn shown(path: &Path) -> String {
    path.display().to_string()
}

/// The text as one word of a shell, whatever is in it.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use std::process::Command;
    use std::time::Duration;

    use secrecy::SecretString;

    use super::*;

    fn info() -> DevInfo {
        DevInfo {
            address: "0.0.0.0:9000".parse().unwrap(),
            token: "aaa.bbb.ccc".to_owned(),
            workspace: PathBuf::from("/tmp/it's a $HOME"),
        }
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
                "X-Tenant-ID: tenant1",
                "-H",
                "X-User-ID: user123",
                "-H",
                "Content-Type: application/json",
                "-d",
                PROMPT,
                "http://127.0.0.1:9000/aura/test/stream",
            ]
        );
        assert!(serde_json::from_str::<serde_json::Value>(PROMPT).is_ok());
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
    fn a_path_is_one_word_whatever_is_in_it() {
        let words = words(&line("git -C", "log"));
        assert_eq!(words[2], "/tmp/it's a $HOME");
    }

    #[test]
    fn the_token_counts_for_a_day() {
        let key = TokenKey::new(&SecretString::from("k".repeat(32))).unwrap();
        let token = token(&key, 1_000).unwrap();
        assert!(key.verify(&token, Duration::ZERO, 1_000 + TOKEN_SECONDS - 1).is_ok());
        assert!(key.verify(&token, Duration::ZERO, 1_000 + TOKEN_SECONDS).is_err());
    }
}
