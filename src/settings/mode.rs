//! How the process was asked to serve.

use std::fmt;
use std::fs::File;
use std::net::SocketAddr;
use std::path::PathBuf;

use tempfile::TempDir;

/// How the process was asked to serve.
#[derive(Debug)]
pub enum Mode {
    /// `serve`: with the deployment's settings and services.
    Production,
    /// `serve --dev`: with nothing installed.
    Dev(DevSetup),
}

/// What `serve --dev` brings along.
pub struct DevSetup {
    /// Where the sample git workspace goes; removed when this is dropped. `None` if
    /// `workspace.root` is set: that is the workspace then, and nothing is put into it.
    pub scratch: Option<Scratch>,
    /// To be called once, as soon as the service listens: tells the person how to try it.
    pub announce: Box<dyn FnOnce(&Listening) + Send>,
}

/// A directory that goes with its process.
#[derive(Debug)]
pub struct Scratch {
    /// The directory, removed when this is dropped.
    pub directory: TempDir,
    /// A file in it that is locked as long as the process lives, so that others can tell whether it does.
    pub lock: File,
}

impl Scratch {
    /// Where the sample git workspace goes.
    pub fn workspace(&self) -> PathBuf {
        self.directory.path().join("sample")
    }
}

/// A service that has begun to listen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listening {
    /// The address that was bound; the port is the real one where 0 was asked for.
    pub address: SocketAddr,
    /// Where runs are kept.
    pub store: StoreInUse,
    /// The model that is asked.
    pub model: String,
    /// The repository that the git tools work on.
    pub workspace: PathBuf,
}

/// Where runs, approvals and the audit stream are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreInUse {
    /// In the process, and no longer than that lives.
    Memory,
    /// In Redis; its address, without a password.
    Redis(String),
}

impl fmt::Debug for DevSetup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DevSetup").field("scratch", &self.scratch).finish_non_exhaustive()
    }
}
