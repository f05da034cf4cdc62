//! Files of certificates: every setting that names one reads it in the same way.

use super::{Settings, faults, settings};

type Read = fn(Settings) -> Option<Vec<u8>>;

/// The setting, what it needs, and what is read for it.
const SETTINGS: [(&str, (&str, &str), Read); 2] = [
    ("AURA__REDIS__CA_FILE", ("REDIS_URL", "rediss://a"), |settings| settings.redis.server?.ca),
    ("AURA__SMTP__CA_FILE", ("SMTP_URL", "smtp://a"), |settings| settings.smtp.ca),
];

#[test]
fn certificates_are_read_from_their_file() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let path = file.path().to_str().unwrap();
    let pem = "-----BEGIN CERTIFICATE-----\n";
    std::fs::write(path, pem).unwrap();
    for (setting, server, read) in SETTINGS {
        let certificates = read(settings(&[server, (setting, path)]));
        assert_eq!(certificates.as_deref(), Some(pem.as_bytes()), "{setting}");
    }
}

#[test]
fn what_is_no_file_of_certificates_is_told_and_nothing_without_an_end_is_read() {
    let empty = tempfile::NamedTempFile::new().unwrap();
    for (path, problem) in [
        (empty.path().to_str().unwrap(), "must be a file with certificates in PEM"),
        ("/no/file", "No such file"),
        ("/dev/zero", "it is not a regular file"),
    ] {
        for (setting, server, _) in SETTINGS {
            let [fault] = &faults(&[server, (setting, path)])[..] else { panic!("one fault") };
            assert!(fault.contains(setting) && fault.contains(problem), "{fault}");
        }
    }
}
