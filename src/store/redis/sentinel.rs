//! Asking the sentinels where the primary is, and noticing that they name another one.

use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use redis::aio::MultiplexedConnection;
use redis::{ErrorKind, RedisError, RedisResult};
use tokio::time::timeout;

use super::dialer::{Address, CONNECT_TIMEOUT, Dialer, NO_SERVER, in_url};
use crate::redis_url::RedisUrl;

/// Longest that a look at the sentinels may keep a connection from its other business.
const GLANCE: Duration = Duration::from_millis(250);
const UNKNOWN: &str = "the sentinel knows no master of this name";

/// The sentinels of a URL, and the master that they are asked about.
#[derive(Clone, Debug)]
pub(super) struct Sentinels {
    dialer: Dialer,
    master: String,
}

/// An answer, and the sentinel that gave it.
pub(super) struct Named {
    pub(super) address: Address,
    sentinel: MultiplexedConnection,
}

impl Sentinels {
    pub(super) fn new(dialer: Dialer, master: &str) -> Self {
        Self { dialer, master: master.to_owned() }
    }

    /// What each of them says, as it comes: all are asked at once.
    pub(super) fn ask(&self) -> FuturesUnordered<impl Future<Output = RedisResult<Named>>> {
        let sentinels = self.dialer.url.hosts.iter();
        sentinels.map(|(host, port)| self.ask_one(host, *port)).collect()
    }

    /// Where one sentinel says that the master is.
    ///
    /// Sentinels often have no password, and no TLS, where the servers have. So they are asked for
    /// what is no secret in the plainest way first; a login is never sent unencrypted to those of
    /// whom TLS is expected.
    async fn ask_one(&self, host: &str, port: u16) -> RedisResult<Named> {
        let url = &self.dialer.url;
        let mut ways = vec![RedisUrl::sentinel(host, port, false)];
        if url.tls {
            ways.push(RedisUrl::sentinel(host, port, true));
        }
        if url.has_login() {
            ways.push(url.sentinel_with_login(host, port));
        }
        let mut why = RedisError::from(NO_SERVER);
        for way in ways {
            match in_time(self.ask_this_way(&way)).await {
                Ok(named) => return Ok(named),
                Err(error) if error.kind() == ErrorKind::MasterNameNotFoundBySentinel => {
                    return Err(error);
                }
                Err(error) => why = error,
            }
        }
        Err(why)
    }

    async fn ask_this_way(&self, url: &str) -> RedisResult<Named> {
        let client = self.dialer.client(url)?;
        let config = self.dialer.connection_config();
        let mut sentinel = client.get_multiplexed_async_connection_with_config(&config).await?;
        let address = address_of(&mut sentinel, &self.master).await?;
        Ok(Named { address, sentinel })
    }
}

/// Asks whether the sentinels still name the server of a connection. A primary that they have
/// replaced may not know for some seconds yet, and will then forget what it was told meanwhile.
#[derive(Debug)]
pub(super) struct SentinelWatch {
    sentinels: Sentinels,
    /// The server of the connection.
    address: Address,
    /// The one that named the server; another one is looked for once it is gone.
    sentinel: Option<MultiplexedConnection>,
}

impl SentinelWatch {
    /// A watch over a connection to the server that was named.
    pub(super) fn new(sentinels: Sentinels, named: Named) -> Self {
        let Named { address, sentinel } = named;
        Self { sentinels, address, sentinel: Some(sentinel) }
    }

    /// `false` once another server is named. While no sentinel answers nothing is known against
    /// this one.
    pub(super) async fn agrees(&mut self) -> bool {
        // Put back once it has answered: one that does not is not asked again.
        let sentinel = self.sentinel.take();
        timeout(GLANCE, self.look(sentinel)).await.unwrap_or(true)
    }

    async fn look(&mut self, sentinel: Option<MultiplexedConnection>) -> bool {
        if let Some(mut sentinel) = sentinel
            && let Ok(address) = address_of(&mut sentinel, &self.sentinels.master).await
        {
            self.sentinel = Some(sentinel);
            return address == self.address;
        }
        let mut answers = self.sentinels.ask();
        let mut contradicted = false;
        while let Some(answer) = answers.next().await {
            match answer {
                Ok(named) if named.address == self.address => {
                    self.sentinel = Some(named.sentinel);
                    return true;
                }
                Ok(_) => contradicted = true,
                Err(_) => {}
            }
        }
        !contradicted
    }
}

async fn address_of(sentinel: &mut MultiplexedConnection, master: &str) -> RedisResult<Address> {
    let mut question = redis::cmd("SENTINEL");
    question.arg("GET-MASTER-ADDR-BY-NAME").arg(master);
    let (host, port) = question
        .query_async::<Option<Address>>(sentinel)
        .await?
        .ok_or_else(|| RedisError::from((ErrorKind::MasterNameNotFoundBySentinel, UNKNOWN)))?;
    Ok((in_url(host), port))
}

async fn in_time<T>(answer: impl Future<Output = RedisResult<T>>) -> RedisResult<T> {
    let silent = || Err((ErrorKind::Io, "a sentinel did not answer in time").into());
    timeout(CONNECT_TIMEOUT, answer).await.unwrap_or_else(|_| silent())
}
