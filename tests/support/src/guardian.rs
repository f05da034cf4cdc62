//! Ends what a test process has started once that process has ended, however that came about.
//!
//! Destructors do it where a test passes or panics. Nobody runs them in a process that is killed, that
//! times out, or that Ctrl-C ends, nor for what a whole test binary shares: then the guardian does it, a
//! shell that reads from a pipe which nobody but the test process holds open.

use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{LazyLock, Mutex, PoisonError};

/// It is told `+ <entry>` of each process that was started, and `- <entry>` of each that was ended. An
/// entry is a process id, a colon, and the directory that goes with the process.
const SCRIPT: &str = r#"
trap '' INT TERM HUP
watched=' '
while read -r change entry; do
    case $change in
        +) watched="$watched$entry " ;;
        -) watched="${watched%% "$entry" *} ${watched#* "$entry" }" ;;
    esac
done
for entry in $watched; do kill -9 "${entry%%:*}"; done
for entry in $watched; do rm -rf "${entry#*:}"; done
"#;

/// The guardian of this process, from the first [`Watched`] on.
static GUARDIAN: LazyLock<Mutex<Child>> = LazyLock::new(|| {
    let mut shell = Command::new("sh");
    shell.args(["-c", SCRIPT, "guardian of the tests"]);
    shell.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    Mutex::new(shell.spawn().expect("a shell"))
});

/// A process that does not outlive this one. To be dropped once it has been ended or waited for: from
/// then on its id may be somebody else's.
#[derive(Debug)]
pub struct Watched {
    entry: String,
}

impl Watched {
    /// Watches over the process of this id, which this process has started.
    pub fn process(pid: u32) -> Self {
        Self::new(format!("{pid}:"))
    }

    /// The same, and over its directory, which is removed after it. A name with blanks is left alone.
    pub fn with_directory(pid: u32, directory: &Path) -> Self {
        let directory = directory.to_str().filter(|name| !name.contains(char::is_whitespace));
        Self::new(format!("{pid}:{}", directory.unwrap_or_default()))
    }

    fn new(entry: String) -> Self {
        tell('+', &entry).expect("the guardian listens");
        Self { entry }
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        // A guardian that somebody has killed watches over nothing.
        let _ = tell('-', &self.entry);
    }
}

fn tell(change: char, entry: &str) -> std::io::Result<()> {
    let mut guardian = GUARDIAN.lock().unwrap_or_else(PoisonError::into_inner);
    let pipe = guardian.stdin.as_mut().expect("it was piped");
    // In one piece: a pipe takes so little whole.
    pipe.write_all(format!("{change} {entry}\n").as_bytes())
}
