//! The directory of a server for development, and what is left of those whose process was killed.
//!
//! A process that ends removes its directory. One that is killed cannot, so the next one does it. Whether the
//! process of a directory lives is told by a lock in it: the kernel lets go of that whatever the process dies
//! of, and it says the same in containers that share a directory and know nothing of each other's processes.

use std::fs::{DirEntry, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::settings::Scratch;

/// How the names of these directories begin.
const PREFIX: &str = "aura-dev-";
/// The file in it that is locked.
const LOCK: &str = "lock";
/// What that is called before it is locked.
const UNLOCKED: &str = "lock.new";

/// A directory for this process below `parent`. What processes that are gone have left there is removed.
pub(super) fn create(parent: &Path) -> io::Result<Scratch> {
    clear(parent);
    let directory = tempfile::Builder::new().prefix(PREFIX).tempdir_in(parent)?;
    let unlocked = directory.path().join(UNLOCKED);
    let lock = File::create(&unlocked)?;
    lock.lock()?;
    // Nobody ever sees it unlocked while this process lives.
    std::fs::rename(unlocked, directory.path().join(LOCK))?;
    Ok(Scratch { directory, lock })
}

/// Removes the directories whose process is gone. That one stays does not stop a start.
fn clear(parent: &Path) {
    let entries = parent.read_dir().into_iter().flatten().flatten();
    for entry in entries.filter(is_own) {
        if let Err(error) = remove_abandoned(&entry.path()) {
            let left = entry.path();
            tracing::warn!(left = %left.display(), %error, "what a killed process has left cannot be removed");
        }
    }
}

/// Whether this is a directory of ours, and of this user: no link, nothing of somebody else.
fn is_own(entry: &DirEntry) -> bool {
    let user = rustix::process::geteuid().as_raw();
    let is_named = entry.file_name().to_string_lossy().starts_with(PREFIX);
    // Of the entry itself, not of what a link leads to.
    is_named && entry.metadata().is_ok_and(|it| it.is_dir() && it.uid() == user)
}

/// Removes a directory, unless its process lives, or has not got as far as its lock.
fn remove_abandoned(directory: &Path) -> io::Result<()> {
    let lock = match File::open(directory.join(LOCK)) {
        Ok(lock) => lock,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    match lock.try_lock() {
        Ok(()) => std::fs::remove_dir_all(directory),
        Err(std::fs::TryLockError::WouldBlock) => Ok(()),
        Err(std::fs::TryLockError::Error(error)) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    #[test]
    fn what_a_process_has_left_goes_and_what_another_may_use_stays() {
        let parent = TempDir::new().unwrap();
        let of = |name: &str| parent.path().join(name);
        let living = create(parent.path()).unwrap();
        // Its lock goes with its process, without the directory.
        let Scratch { directory, lock } = create(parent.path()).unwrap();
        let left = directory.keep();
        drop(lock);
        std::fs::create_dir(left.join("workspace")).unwrap();
        // Another has just begun; and these are none of ours.
        for other in ["aura-dev-new", "other"] {
            std::fs::create_dir(of(other)).unwrap();
        }
        std::fs::write(of("other").join(LOCK), "").unwrap();
        std::os::unix::fs::symlink(of("other"), of("aura-dev-link")).unwrap();

        let mine = create(parent.path()).unwrap();
        assert!(!left.exists());
        for stays in
            [living.directory.path(), mine.directory.path(), &of("aura-dev-new"), &of("other")]
        {
            assert!(stays.is_dir(), "{}", stays.display());
        }
    }
}
