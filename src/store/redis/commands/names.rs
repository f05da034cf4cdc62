//! Finding keys by a pattern: for operators, not for the way of a request.

use redis::Cmd;

use super::super::connection::RedisConnection;
use super::Commands;
use crate::store::StoreError;

/// Keys that a server looks at in one go.
const AT_ONCE: usize = 1_000;

impl Commands {
    /// The names of all keys that match, each once. A single server is asked bit by bit; the nodes of
    /// a cluster all at once, which holds each of them up for as long as it takes to look at its keys.
    pub(in super::super) async fn names(&self, pattern: &str) -> Result<Vec<String>, StoreError> {
        let mut names = match self.link().await? {
            RedisConnection::Server(_) => self.scan(pattern).await?,
            RedisConnection::Cluster(_) => self.query(redis::cmd("KEYS").arg(pattern)).await?,
        };
        // SCAN may tell a key twice.
        names.sort();
        names.dedup();
        Ok(names)
    }

    async fn scan(&self, pattern: &str) -> Result<Vec<String>, StoreError> {
        let (mut names, mut cursor) = (Vec::new(), "0".to_owned());
        loop {
            let mut scan = Cmd::new();
            scan.arg("SCAN").arg(&cursor).arg("MATCH").arg(pattern).arg("COUNT").arg(AT_ONCE);
            let (next, found): (String, Vec<String>) = self.query(&scan).await?;
            names.extend(found);
            if next == "0" {
                return Ok(names);
            }
            cursor = next;
        }
    }
}
