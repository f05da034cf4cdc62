//! What an error of the server or of the connection means.

use redis::{ErrorKind, RedisError};

use crate::store::StoreError;

/// What went wrong, in the port's terms.
///
/// An answer of the wrong kind, and a refusal that is about what is stored, mean that something unreadable
/// is stored. A value that is too long is rejected. Neither passes by itself. Everything else, known or
/// unknown, is a server that cannot serve now: it loads its data (`LOADING`), has no memory (`OOM`) or
/// disk (`MISCONF`) left, is busy with somebody's script (`BUSY`), is a replica (`READONLY`, `MASTERDOWN`)
/// or lacks its own (`NOREPLICAS`), moves slots (`TRYAGAIN`), belongs to a cluster that is down
/// (`CLUSTERDOWN`), or did not answer in time.
pub(super) fn store_error(error: &RedisError) -> StoreError {
    if is_about(error, &TOO_LONG) {
        StoreError::Rejected(error.to_string())
    } else if is_unreadable(error) {
        StoreError::Corrupt(error.to_string())
    } else {
        StoreError::Unavailable(error.to_string())
    }
}

/// Whether the server answered, but with something else than what this service writes.
fn is_unreadable(error: &RedisError) -> bool {
    matches!(error.kind(), ErrorKind::UnexpectedReturnType | ErrorKind::Parse)
        || says(error, "WRONGTYPE")
        || is_about(error, &NO_NUMBER)
}

/// What the server says of a stored value that is not the number it has to be.
const NO_NUMBER: [&str; 4] = [
    "is not an integer or out of range",
    "is not a valid float",
    "would overflow",
    "hash value is not an integer",
];
/// What it says of a value that is longer than it stores.
const TOO_LONG: [&str; 1] = ["exceeds maximum allowed size"];

/// Whether the server refuses a value with one of these sentences: it has no codes for that.
fn is_about(error: &RedisError, sentences: &[&str]) -> bool {
    let answers = error.clone().into_server_errors().unwrap_or_default();
    answers.iter().any(|(_, answer)| {
        let details = answer.details().unwrap_or_default();
        sentences.iter().any(|words| details.contains(words))
    })
}

/// Whether the error says that this server is not the primary, or not any more: there may be
/// another one.
pub(super) fn casts_doubt(error: &RedisError) -> bool {
    says(error, "READONLY") || says(error, "MASTERDOWN")
}

/// Whether an answer has this code: as its own, as that of a command in a pipeline, or wrapped by
/// the script that ran into it.
fn says(error: &RedisError, code: &str) -> bool {
    let Some(answers) = error.clone().into_server_errors() else {
        return false;
    };
    answers.iter().any(|(_, answer)| {
        let wrapped = (answer.code() == "ERR").then(|| answer.details()).flatten();
        let mut words = wrapped.unwrap_or_default().split(|c: char| !c.is_ascii_alphabetic());
        answer.code() == code || words.any(|word| word == code)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The error that this answer of a server becomes.
    fn answer(line: &str) -> RedisError {
        let value = redis::parse_redis_value(format!("-{line}\r\n").as_bytes()).unwrap();
        value.extract_error().unwrap_err()
    }

    #[test]
    fn a_server_that_cannot_serve_now_is_unavailable() {
        for line in [
            "LOADING Redis is loading the dataset in memory",
            "READONLY You can't write against a read only replica.",
            "OOM command not allowed when used memory > 'maxmemory'.",
            "OOM command not allowed when used memory > 'maxmemory'. script: 5f2, on @user_script:26.",
            "MISCONF Redis is configured to save RDB snapshots, but cannot persist on disk.",
            "MISCONF Errors writing to the AOF file: No space left on device",
            "BUSY Redis is busy running a script. You can only call SCRIPT KILL.",
            "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
            "TRYAGAIN Multiple keys request during rehashing of slot",
            "CLUSTERDOWN The cluster is down",
            "CLUSTERDOWN Hash slot not served",
            "NOREPLICAS Not enough good replicas to write.",
            "MOVED 3999 127.0.0.1:6381",
            "NOAUTH Authentication required.",
            "NOPERM this user has no permissions to run the 'xadd' command",
            "ERR max number of clients reached",
            "ERR Error running script (call to f_5f2): @user_script:26: -OOM command not allowed",
            "SOMETHINGNEW that nobody has heard of",
        ] {
            let error = store_error(&answer(line));
            assert!(matches!(error, StoreError::Unavailable(_)), "{line}: {error}");
        }
        let silent = RedisError::from(std::io::Error::from(std::io::ErrorKind::TimedOut));
        assert!(matches!(store_error(&silent), StoreError::Unavailable(_)));
    }

    #[test]
    fn a_key_of_another_type_is_corrupt_also_where_a_script_ran_into_it() {
        let said = "WRONGTYPE Operation against a key holding the wrong kind of value";
        let wrapped = format!("ERR Error running script (call to f_5f2): @user_script:12: {said}");
        let in_script = format!("{said} script: 5f2, on @user_script:12.");
        let refused = [
            "ERR value is not an integer or out of range",
            "ERR increment or decrement would overflow",
            "ERR value is not an integer or out of range script: 5f2, on @user_script:8.",
        ];
        for line in [said, &wrapped, &in_script].into_iter().chain(refused) {
            let error = store_error(&answer(line));
            assert!(matches!(error, StoreError::Corrupt(_)), "{line}: {error}");
        }
    }

    #[test]
    fn a_value_that_is_too_long_is_rejected() {
        for line in [
            "ERR string exceeds maximum allowed size (proto-max-bulk-len)",
            "ERR string exceeds maximum allowed size (proto-max-bulk-len) script: 5f2, on @user_script:8.",
        ] {
            let error = store_error(&answer(line));
            assert!(matches!(error, StoreError::Rejected(_)), "{line}: {error}");
        }
    }

    #[test]
    fn only_who_says_to_be_no_primary_is_doubted() {
        for line in [
            "READONLY You can't write against a read only replica.",
            "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
            "ERR Error running script (call to f_5f2): @user_script:26: -READONLY You can't write",
        ] {
            assert!(casts_doubt(&answer(line)), "{line}");
        }
        for line in ["OOM command not allowed", "LOADING Redis is loading", "ERR READONLYISH"] {
            assert!(!casts_doubt(&answer(line)), "{line}");
        }
    }
}
