//! Finding the primary by asking the sentinels.

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use redis::aio::MultiplexedConnection;
use redis::{ErrorKind, PushInfo, RedisError, RedisResult};
use tokio::time::timeout;

use super::super::connection::{Connection, Vital};
use super::{CONNECT_TIMEOUT, Connector, NO_SERVER};
use crate::redis_url::RedisUrl;

type Address = (String, u16);

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
            let address = match answer {
                Ok(address) if refused.contains(&address) => continue,
                Ok(address) => address,
                Err(error) => {
                    // What a server said matters more than that a sentinel said nothing.
                    why = if refused.is_empty() { error } else { why };
                    continue;
                }
            };
            let url = self.url.server(&address.0, address.1);
            match self.server(&url, Vital::Primary, on_message.clone()).await {
                Ok(connection) => return Ok(connection),
                Err(error) => (why, _) = (error, refused.push(address)),
            }
        }
        Err(why)
    }

    /// Where one sentinel says that the master is.
    ///
    /// Sentinels often have no password, and no TLS, where the servers have. So they are asked for
    /// what is no secret in the plainest way first; a login is never sent unencrypted to those of
    /// whom TLS is expected.
    async fn ask_sentinel(&self, host: &str, port: u16, master: &str) -> RedisResult<Address> {
        let mut ways = vec![RedisUrl::sentinel(host, port, false)];
        if self.url.tls {
            ways.push(RedisUrl::sentinel(host, port, true));
        }
        if self.url.has_login() {
            ways.push(self.url.sentinel_with_login(host, port));
        }
        let mut why = RedisError::from(NO_SERVER);
        for way in ways {
            let silent = || Err((ErrorKind::Io, "a sentinel did not answer in time").into());
            let answer = timeout(CONNECT_TIMEOUT, self.ask_where(&way, master)).await;
            match answer.unwrap_or_else(|_| silent()) {
                Ok(Some((host, port))) => return Ok((in_url(host), port)),
                Ok(None) => return Err((ErrorKind::MasterNameNotFoundBySentinel, UNKNOWN).into()),
                Err(error) => why = error,
            }
        }
        Err(why)
    }

    async fn ask_where(&self, sentinel: &str, master: &str) -> RedisResult<Option<Address>> {
        let client = self.client(sentinel)?;
        let mut link =
            client.get_multiplexed_async_connection_with_config(&self.patience()).await?;
        let mut question = redis::cmd("SENTINEL");
        question
            .arg("GET-MASTER-ADDR-BY-NAME")
            .arg(master)
            .query_async::<Option<Address>>(&mut link)
            .await
    }
}

const UNKNOWN: &str = "the sentinel knows no master of this name";

/// A host as it stands in a URL.
pub(super) fn in_url(host: String) -> String {
    if host.contains(':') { format!("[{host}]") } else { host }
}
