//! Several commands at once: one round trip to one server. On a cluster, where each key has a node
//! of its own, they go one by one.

use futures::future::join_all;
use redis::{Cmd, FromRedisValue, RedisResult, pipe};

use super::super::connection::{Counted, RedisConnection};
use super::Commands;
use crate::store::StoreError;

impl Commands {
    /// Each of several commands that do not depend on each other. What one of them made of a key
    /// that cannot be read is its own error; what says that the store is away is everybody's.
    pub(in super::super) async fn each<T: FromRedisValue>(
        &self,
        cmds: impl IntoIterator<Item = Cmd>,
    ) -> Result<Vec<Result<T, StoreError>>, StoreError> {
        let answers = match self.link().await? {
            RedisConnection::Server(mut link) => {
                pipeline(cmds, &mut link).await.map_err(|error| self.failed(&error))?
            }
            RedisConnection::Cluster(link) => {
                let ask = |cmd: Cmd| {
                    let mut link = link.clone();
                    async move { cmd.query_async(&mut link).await }
                };
                join_all(cmds.into_iter().map(ask)).await
            }
        };
        let mut each = Vec::with_capacity(answers.len());
        for answer in answers {
            match answer.map_err(|error| self.failed(&error)) {
                Err(error) if error.is_transient() => return Err(error),
                answer => each.push(answer),
            }
        }
        Ok(each)
    }

    /// All of several commands that do not depend on each other.
    pub(in super::super) async fn all(
        &self,
        cmds: impl IntoIterator<Item = Cmd>,
    ) -> Result<(), StoreError> {
        self.each::<()>(cmds).await?.into_iter().collect()
    }

    /// Several commands, each carried out after the one before it.
    pub(in super::super) async fn in_turn(
        &self,
        cmds: impl IntoIterator<Item = Cmd>,
    ) -> Result<(), StoreError> {
        match self.link().await? {
            // A server carries out what comes on one connection in its order.
            RedisConnection::Server(mut link) => {
                let answers = pipeline::<()>(cmds, &mut link).await;
                answers.and_then(|answers| answers.into_iter().collect())
            }
            RedisConnection::Cluster(mut link) => {
                let mut done = Ok(());
                for cmd in cmds {
                    if done.is_ok() {
                        done = cmd.exec_async(&mut link).await;
                    }
                }
                done
            }
        }
        .map_err(|error| self.failed(&error))
    }
}

async fn pipeline<T: FromRedisValue>(
    cmds: impl IntoIterator<Item = Cmd>,
    link: &mut Counted,
) -> RedisResult<Vec<RedisResult<T>>> {
    let mut pipeline = pipe();
    pipeline.ignore_errors();
    for cmd in cmds {
        pipeline.add_command(cmd);
    }
    if pipeline.is_empty() {
        return Ok(Vec::new());
    }
    pipeline.query_async(link).await
}
