//! Finding the primary by asking the sentinels, and noticing that they name another one.

use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use redis::aio::MultiplexedConnection;
use redis::{ErrorKind, PushInfo, RedisError, RedisResult};
use tokio::time::timeout;

use super::super::connection::{Connection, Vital};
use super::{CONNECT_TIMEOUT, Connector, NO_SERVER};
use crate::redis_url::RedisUrl;

type Address = (String, u16);

/// Longest that a look at the sentinels may keep a connection from its other business.
const GLANCE: Duration = Duration::from_millis(250);
const UNKNOWN: &str = "the sentinel knows no master of this name";

impl Connector {
    /// A connection to the server that a sentinel names, and that is the primary. All sentinels are
    /// asked at once; one that is away, or still names the primary of yesterday, is passed over.
    pub(super) async fn behind_sentinel(
        &self,
        master: &str,
        on_message: impl Fn(PushInfo) + Clone + Send + Sync + 'static,
    ) -> RedisResult<Connection<MultiplexedConnection>> {
        let sentinels = self.url.hosts.iter();
        let mut answers: FuturesUnordered<_> =
            sentinels.map(|(host, port)| self.ask_sentinel(host, *port, master)).collect();
        let mut refused: Vec<Address> = Vec::new();
        let mut why = RedisError::from(NO_SERVER);
        while let Some(answer) = answers.next().await {
            let named = match answer {
                Ok(named) if refused.contains(&named.address) => continue,
                Ok(named) => named,
                Err(error) => {
                    // What a server said matters more than that a sentinel said nothing.
                    why = if refused.is_empty() { error } else { why };
                    continue;
                }
            };
            let url = self.url.server(&named.address.0, named.address.1);
            match self.server(&url, Vital::Primary, on_message.clone()).await {
                Ok(connection) => return Ok(connection.overseen(self.overseer(master, named))),
                Err(error) => (why, _) = (error, refused.push(named.address)),
            }
        }
        Err(why)
    }

    fn overseer(&self, master: &str, named: Named) -> Overseer {
        let Named { address, sentinel } = named;
        let (connector, master) = (self.clone(), master.to_owned());
        Overseer { connector, master, address, sentinel: Some(sentinel) }
    }

    /// Where one sentinel says that the master is.
    ///
    /// Sentinels often have no password, and no TLS, where the servers have. So they are asked for
    /// what is no secret in the plainest way first; a login is never sent unencrypted to those of
    /// whom TLS is expected.
    async fn ask_sentinel(&self, host: &str, port: u16, master: &str) -> RedisResult<Named> {
        let mut ways = vec![RedisUrl::sentinel(host, port, false)];
        if self.url.tls {
            ways.push(RedisUrl::sentinel(host, port, true));
        }
        if self.url.has_login() {
            ways.push(self.url.sentinel_with_login(host, port));
        }
        let mut why = RedisError::from(NO_SERVER);
        for way in ways {
            match in_time(self.ask_this_way(&way, master)).await {
                Ok(named) => return Ok(named),
                Err(error) if error.kind() == ErrorKind::MasterNameNotFoundBySentinel => {
                    return Err(error);
                }
                Err(error) => why = error,
            }
        }
        Err(why)
    }

    async fn ask_this_way(&self, url: &str, master: &str) -> RedisResult<Named> {
        let client = self.client(url)?;
        let patience = self.patience();
        let mut sentinel = client.get_multiplexed_async_connection_with_config(&patience).await?;
        let address = address_of(&mut sentinel, master).await?;
        Ok(Named { address, sentinel })
    }
}

/// An answer, and the sentinel that gave it.
struct Named {
    address: Address,
    sentinel: MultiplexedConnection,
}

/// Asks whether the sentinels still name the server of a connection. A primary that they have
/// replaced may not know for some seconds yet, and will then forget what it was told meanwhile.
#[derive(Debug)]
pub(in super::super) struct Overseer {
    connector: Connector,
    master: String,
    /// The server of the connection.
    address: Address,
    /// The one that named the server; another one is looked for once it is gone.
    sentinel: Option<MultiplexedConnection>,
}

impl Overseer {
    /// `false` once another server is named. While no sentinel answers nothing is known against
    /// this one.
    pub(in super::super) async fn agrees(&mut self) -> bool {
        // Put back once it has answered: one that does not is not asked again.
        let sentinel = self.sentinel.take();
        timeout(GLANCE, self.look(sentinel)).await.unwrap_or(true)
    }

    async fn look(&mut self, sentinel: Option<MultiplexedConnection>) -> bool {
        if let Some(mut sentinel) = sentinel
            && let Ok(address) = address_of(&mut sentinel, &self.master).await
        {
            self.sentinel = Some(sentinel);
            return address == self.address;
        }
        let (connector, master) = (&self.connector, &self.master);
        let sentinels = connector.url.hosts.iter();
        let mut answers: FuturesUnordered<_> =
            sentinels.map(|(host, port)| connector.ask_sentinel(host, *port, master)).collect();
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

/// A host as it stands in a URL.
pub(super) fn in_url(host: String) -> String {
    if host.contains(':') { format!("[{host}]") } else { host }
}
