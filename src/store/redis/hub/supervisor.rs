//! Keeps the connection of the subscriptions, and the server informed of what is wanted.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use redis::RedisResult;
use redis::aio::MultiplexedConnection;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::super::connection::{Connection, Due, Heartbeats, attempts};
use super::super::connector::Connector;
use super::{Hub, Link};
use crate::backoff::Backoff;

/// How often everybody looks for what was missed, where messages may be lost on a live connection.
const SWEEP: Duration = Duration::from_secs(5);
/// Channels of one SUBSCRIBE.
const AT_ONCE: usize = 1_000;

type Names = Vec<Arc<str>>;
type Subscriptions = Connection<MultiplexedConnection>;

/// Runs until `stopping` is cancelled; then every follower is released.
pub(in super::super) async fn supervise(
    hub: Arc<Hub>,
    connector: Connector,
    stopping: CancellationToken,
) {
    stopping.run_until_cancelled(keep(&hub, &connector)).await;
    hub.close();
}

async fn keep(hub: &Arc<Hub>, connector: &Connector) {
    let mut backoff = attempts();
    // Whether messages may have been missed since the process began to listen.
    let mut gap = false;
    loop {
        backoff.wait().await;
        match establish(hub, connector, gap).await {
            Ok(connection) => {
                let Err(why) = outlive(hub, connector, connection, &mut backoff).await;
                warn!(why, "lost the Redis connection for subscriptions");
                hub.lost();
            }
            Err(error) => hub.refused(&error.to_string()),
        }
        gap = true;
    }
}

/// A connection on which everything that is wanted has been confirmed.
async fn establish(hub: &Arc<Hub>, connector: &Connector, gap: bool) -> RedisResult<Subscriptions> {
    let receiver = Arc::clone(hub);
    let mut connection = connector.subscriptions(move |message| receiver.dispatch(message)).await?;
    let wanted = hub.all_wanted();
    subscribe(hub, &mut connection.link, &wanted).await?;
    hub.established(gap);
    info!(channels = wanted.len(), resubscribed = gap, "subscribed on the Redis connection");
    Ok(connection)
}

/// Returns, with the reason, once the connection is of no more use.
async fn outlive(
    hub: &Hub,
    connector: &Connector,
    mut connection: Subscriptions,
    backoff: &mut Backoff,
) -> Result<Infallible, &'static str> {
    let mut heartbeats = Heartbeats::new(connector.doubts());
    let mut swept = Instant::now();
    loop {
        let due = tokio::select! {
            due = heartbeats.next(&connection) => due?,
            () = hub.changed.notified() => {
                let confirmed = reconcile(hub, &mut connection.link).await;
                confirmed.map_err(|_| "the server did not confirm a subscription")?;
                continue;
            }
        };
        connection.heartbeat().await?;
        if due == Due::Regularly {
            backoff.reset();
            hub.event_channel.catch_up();
        }
        if connection.may_miss() && swept.elapsed() >= SWEEP {
            hub.wake_followers();
            swept = Instant::now();
        }
    }
}

/// Tells the server what has changed, and returns once it has confirmed all of it.
async fn reconcile(hub: &Hub, link: &mut MultiplexedConnection) -> RedisResult<()> {
    let (wanted, unwanted) = hub.differences();
    subscribe(hub, link, &wanted).await?;
    for names in unwanted.chunks(AT_ONCE) {
        let names: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
        link.unsubscribe(names).await?;
    }
    Ok(())
}

async fn subscribe(hub: &Hub, link: &mut MultiplexedConnection, names: &Names) -> RedisResult<()> {
    for names in names.chunks(AT_ONCE) {
        let channels: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
        link.subscribe(channels).await?;
        hub.confirmed(names);
    }
    Ok(())
}

impl Hub {
    /// Everything that is wanted, for a connection that has nothing yet.
    fn all_wanted(&self) -> Names {
        let mut table = self.table();
        self.metrics.store_subscriptions.set(0);
        table.queue.clear();
        table.channels.retain(|_, channel| {
            (channel.live, channel.queued) = (false, false);
            channel.wanted()
        });
        table.channels.keys().cloned().collect()
    }

    /// What must be subscribed to and what no longer. The latter counts as dead at once, so that
    /// whoever wants it from now on waits for a new confirmation.
    fn differences(&self) -> (Names, Names) {
        let mut table = self.table();
        let (mut wanted, mut unwanted) = (Names::new(), Names::new());
        for name in std::mem::take(&mut table.queue) {
            let Some(channel) = table.channels.get_mut(&name) else {
                continue;
            };
            channel.queued = false;
            match (channel.wanted(), channel.live) {
                (true, true) => {}
                (true, false) => wanted.push(name),
                (false, live) => {
                    table.channels.remove(&name);
                    if live {
                        self.metrics.store_subscriptions.dec();
                        unwanted.push(name);
                    }
                }
            }
        }
        (wanted, unwanted)
    }

    /// The server has confirmed these: whoever waits for them goes on.
    fn confirmed(&self, names: &[Arc<str>]) {
        let mut table = self.table();
        for name in names {
            // Withdrawn meanwhile: known again, so that the next round ends it.
            let channel = table.channels.entry(Arc::clone(name)).or_default();
            if !std::mem::replace(&mut channel.live, true) {
                self.metrics.store_subscriptions.inc();
            }
            for waiting in std::mem::take(&mut channel.waiting) {
                // Whoever gave up waiting has withdrawn its interest.
                let _ = waiting.send(());
            }
            if !channel.wanted() {
                table.enqueue(name);
                self.changed.notify_one();
            }
        }
    }

    /// The connection works. After a gap everybody looks for what was missed.
    fn established(&self, gap: bool) {
        self.table().link = Link::Up;
        if gap {
            self.wake_followers();
            self.event_channel.resubscribed();
        }
    }

    /// Lets every follower look whether its journal has grown.
    fn wake_followers(&self) {
        self.table().wake_followers();
    }

    /// The connection is gone: nothing is live. Followers look, so that they find out, too.
    fn lost(&self) {
        let mut table = self.table();
        table.link = Link::Connecting;
        self.metrics.store_subscriptions.set(0);
        for channel in table.channels.values_mut() {
            channel.live = false;
        }
        table.wake_followers();
    }

    /// No connection can be had: nobody waits for one.
    fn refused(&self, why: &str) {
        let mut table = self.table();
        self.metrics.store_subscriptions.set(0);
        for channel in table.channels.values_mut() {
            channel.live = false;
            channel.waiting.clear();
        }
        if !matches!(table.link, Link::Down(_)) {
            warn!(error = why, "Redis cannot be reached for subscriptions; trying again");
        }
        table.link = Link::Down(why.into());
    }

    /// The process stops: followers do not wait any more.
    fn close(&self) {
        let mut table = self.table();
        table.link = Link::Down("shutting down".into());
        self.metrics.store_subscriptions.set(0);
        table.channels.clear();
        table.queue.clear();
    }
}
