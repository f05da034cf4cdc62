//! Servers that speak TLS, with certificates that an authority of the test's own has signed.

use std::fs;

use aura_platform::domain::EventId;
use rcgen::{BasicConstraints, Certificate, CertificateParams, IsCa, Issuer, KeyPair};
use tempfile::TempDir;

use crate::bench::{Process, entries, some_session};
use crate::outage::{is_unavailable, until_it_answers, until_resubscribed};
use crate::redis_server::{RedisServer, free_port};
use crate::within;

/// An authority that signs certificates.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: Certificate,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        Self { issuer: Issuer::new(params, key), certificate }
    }

    fn pem(&self) -> String {
        self.certificate.pem()
    }

    /// A server on TLS, at the port that comes with it, whose certificate this authority signed.
    fn server(&self) -> (RedisServer, u16, TempDir) {
        let key = KeyPair::generate().unwrap();
        let names = vec!["127.0.0.1".to_owned(), "localhost".to_owned()];
        let certificate =
            CertificateParams::new(names).unwrap().signed_by(&key, &self.issuer).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let file = |name: &str, content: String| {
            let path = dir.path().join(name);
            fs::write(&path, content).unwrap();
            path.display().to_string()
        };
        let certificate = file("server.pem", certificate.pem());
        let key = file("server.key", key.serialize_pem());
        let server = RedisServer::told(|| {
            let port = free_port().to_string();
            ["--tls-port", &port, "--tls-cert-file", &certificate, "--tls-key-file", &key]
                .into_iter()
                .chain(["--tls-auth-clients", "no"])
                .map(str::to_owned)
                .collect()
        });
        let port = server.args()[1].parse().unwrap();
        // The server reads its files again when it is restarted.
        (server, port, dir)
    }
}

#[tokio::test]
async fn commands_and_subscriptions_go_over_tls_also_after_an_outage() {
    within(async {
        let authority = Authority::new();
        let (mut server, port, _files) = authority.server();
        let url = format!("rediss://127.0.0.1:{port}");
        let mut process = Process::with_authority(&url, Some(&authority.pem()));
        let (store, session) = (process.store.clone(), some_session());
        store.watch(&session).await.unwrap();
        store.append(&session, EventId::ZERO, &entries([1])).await.unwrap();
        store.publish_signal(&session, "one").await.unwrap();
        assert_eq!(process.heard().await, (session.clone(), "one".into()));

        server.restart();
        until_resubscribed(&mut process).await;
        until_it_answers(&*store).await;
        assert_eq!(store.newest(&session, 9).await.unwrap(), entries([1]));
        store.publish_signal(&session, "two").await.unwrap();
        assert_eq!(process.heard().await, (session, "two".into()));
    })
    .await;
}

#[tokio::test]
async fn a_server_whose_certificate_nobody_known_has_signed_is_refused() {
    within(async {
        let (authority, stranger) = (Authority::new(), Authority::new());
        let (_server, port, _files) = authority.server();
        let url = format!("rediss://:correct-horse@127.0.0.1:{port}");
        // Another authority, and the public ones.
        for ca in [Some(stranger.pem()), None] {
            let process = Process::with_authority(&url, ca.as_deref());
            let error = process.store.ping().await.unwrap_err();
            assert!(is_unavailable::<()>(Err(error.clone())), "{error}");
            let error = error.to_string();
            assert!(error.contains("certificate") && !error.contains("horse"), "{error}");
            assert!(is_unavailable(process.store.watch(&some_session()).await));
        }
    })
    .await;
}

#[tokio::test]
async fn a_server_without_tls_is_not_spoken_to_in_the_clear() {
    within(async {
        let (authority, server) = (Authority::new(), RedisServer::start());
        let url = format!("rediss://127.0.0.1:{}", server.port());
        let process = Process::with_authority(&url, Some(&authority.pem()));
        assert!(is_unavailable(process.store.ping().await));
    })
    .await;
}
