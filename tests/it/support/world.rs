//! A server with its store: every promise is kept with both.

use super::app::{Options, Server};
use super::redis::RedisServer;

/// Which store the server is to have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The embedded one.
    Embedded,
    /// A real Redis of the test's own.
    Redis,
}

/// A server, and its Redis if it has one.
pub struct World {
    /// The server.
    pub server: Server,
    /// Its Redis.
    pub redis: Option<RedisServer>,
}

impl World {
    /// A world with the usual settings.
    pub async fn new(kind: Kind) -> Self {
        Self::with(kind, Options::default()).await
    }

    /// A world with settings of its own.
    pub async fn with(kind: Kind, options: Options) -> Self {
        match kind {
            Kind::Embedded => Self { server: Server::start(options).await, redis: None },
            Kind::Redis => {
                let redis = RedisServer::start();
                let server = Server::start(options.set("REDIS_URL", redis.url())).await;
                Self { server, redis: Some(redis) }
            }
        }
    }
}

/// Makes two tests of one: with the embedded store and with Redis. The function gets the [`Kind`].
#[macro_export]
macro_rules! with_both_stores {
    ($($(#[$doc:meta])* async fn $name:ident($kind:ident: Kind) $body:block)*) => {$(
        $(#[$doc])*
        async fn $name($kind: $crate::support::world::Kind) $body

        mod $name {
            use $crate::support::world::Kind;

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn embedded() {
                super::$name(Kind::Embedded).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn redis() {
                super::$name(Kind::Redis).await;
            }
        }
    )*};
}
