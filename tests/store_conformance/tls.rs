//! Servers that speak TLS, with certificates that an authority of the test's own has signed.

use std::fs;

use aura_platform::domain::EventId;
use aura_platform::store::StoreEvent;
use rcgen::{BasicConstraints, Certificate, CertificateParams, IsCa, Issuer, KeyPair};
use tempfile::TempDir;

use crate::bench::{Process, entries, eventually, some_session};
use crate::outage::{is_unavailable, until_it_answers, until_resubscribed};
use crate::sentinel::Sentinel;
use crate::within;
use aura_testing::redis::{RedisServer, free_port};

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
    fn server(&self) -> (RedisServer, u16, Files) {
        self.server_told(&[])
    }

    fn server_told(&self, more: &[&str]) -> (RedisServer, u16, Files) {
        let files = self.files();
        let server = RedisServer::told(|| {
            let port = free_port().to_string();
            let args = ["--tls-port", &port].into_iter().map(str::to_owned);
            let options = files.options().into_iter();
            let options = options.flat_map(|(name, value)| [format!("--{name}"), value]);
            args.chain(options).chain(more.iter().map(|&it| it.to_owned())).collect()
        });
        let port = server.args()[1].parse().unwrap();
        // The server reads its files again when it is restarted.
        (server, port, files)
    }

    /// What a server needs to speak TLS.
    fn files(&self) -> Files {
        let key = KeyPair::generate().unwrap();
        let names = vec!["127.0.0.1".to_owned(), "localhost".to_owned()];
        let certificate =
            CertificateParams::new(names).unwrap().signed_by(&key, &self.issuer).unwrap();
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("server.pem"), certificate.pem()).unwrap();
        fs::write(dir.path().join("server.key"), key.serialize_pem()).unwrap();
        fs::write(dir.path().join("ca.pem"), self.pem()).unwrap();
        Files { dir }
    }
}

/// Certificates in a directory that is gone when dropped.
struct Files {
    dir: TempDir,
}

impl Files {
    /// The options that name the files, with their values.
    fn options(&self) -> [(&'static str, String); 4] {
        let file = |name: &str| self.dir.path().join(name).display().to_string();
        [
            ("tls-cert-file", file("server.pem")),
            ("tls-key-file", file("server.key")),
            ("tls-ca-cert-file", file("ca.pem")),
            ("tls-auth-clients", "no".to_owned()),
        ]
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
async fn audit_streams_are_verified_over_tls_with_the_authority_that_the_settings_name() {
    within(async {
        let authority = Authority::new();
        let (_server, port, files) = authority.server();
        let url = format!("rediss://127.0.0.1:{port}");
        // It answers.
        let process = Process::with_authority(&url, Some(&authority.pem()));
        until_it_answers(&*process.store).await;
        let verify = |ca: &'static str| {
            let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_aura-platform"));
            command.args(["audit", "verify"]).current_dir(files.dir.path()).env_clear();
            command.env("REDIS_URL", &url).env("AURA__REDIS__CA_FILE", ca).kill_on_drop(true);
            async move { command.output().await.unwrap() }
        };
        let whole = verify("ca.pem").await;
        let told = String::from_utf8_lossy(&whole.stdout);
        assert_eq!((whole.status.code(), &*told), (Some(0), "no tenant has an audit stream\n"));
        assert_eq!(verify("").await.status.code(), Some(1), "nobody known has signed it");
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

#[tokio::test]
async fn a_cluster_is_reached_over_tls() {
    within(async {
        let authority = Authority::new();
        let bus = free_port().to_string();
        let cluster = ["--cluster-enabled", "yes", "--tls-cluster", "yes", "--cluster-port", &bus];
        let (server, port, _files) = authority.server_told(&cluster);
        assert!(server.ask("CLUSTER ADDSLOTSRANGE 0 16383").unwrap().starts_with("+OK"));
        let url = format!("rediss+cluster://127.0.0.1:{port}");
        let mut process = Process::with_authority(&url, Some(&authority.pem()));
        until_it_answers(&*process.store).await;
        let session = some_session();
        eventually("subscribed", || async { process.store.watch(&session).await.is_ok() }).await;
        process.store.append(&session, EventId::ZERO, &entries([1])).await.unwrap();
        process.store.publish_signal(&session, "one").await.unwrap();
        let mut heard = process.event().await;
        if heard == StoreEvent::Resubscribed {
            heard = process.event().await;
        }
        assert_eq!(heard, StoreEvent::Signal { session, payload: b"one".to_vec() });
    })
    .await;
}

#[tokio::test]
async fn servers_behind_sentinel_are_reached_over_tls_whether_or_not_the_sentinel_speaks_it() {
    within(async {
        let authority = Authority::new();
        let (_server, port, files) = authority.server();
        let options = files.options().map(|(name, value)| format!("{name} {value}\n")).concat();
        for listens in ["port", "port 0\ntls-port"] {
            let conf = format!("tls-replication yes\n{options}");
            let sentinel = Sentinel::listening(listens, port, &conf);
            let url = format!("rediss+sentinel://127.0.0.1:{}/mymaster", sentinel.port);
            let process = Process::with_authority(&url, Some(&authority.pem()));
            until_it_answers(&*process.store).await;
            let stranger = Process::on_redis(&url);
            let error = stranger.store.ping().await.unwrap_err().to_string();
            assert!(error.contains("certificate"), "{error}");
        }
    })
    .await;
}
