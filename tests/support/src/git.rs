//! Real repositories, made with git itself.

use std::path::Path;
use std::process::Command;

/// Runs git as a person with ordinary settings would, and returns its output.
pub fn git(directory: &Path, args: &[&str]) -> String {
    let output = Command::new("git")
        .args(["-c", "user.name=Person", "-c", "user.email=person@dwp.example"])
        .args(["-c", "protocol.file.allow=always", "-c", "init.defaultBranch=main"])
        .args(args)
        .current_dir(directory)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "git {args:?}: {stderr}");
    String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
}

/// Writes a file, and commits it.
pub fn commit(repository: &Path, path: &str, content: impl AsRef<[u8]>) {
    write(repository, path, content);
    git(repository, &["add", "--force", "--", path]);
    git(repository, &["commit", "--quiet", "-m", &format!("Change {path}")]);
}

/// Writes a file, and does not commit it.
pub fn write(repository: &Path, path: &str, content: impl AsRef<[u8]>) {
    let path = repository.join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, content).unwrap();
}
