//! Every subscription of the process, on one connection.
//!
//! A channel is subscribed to while somebody wants it: followers of its journal or its inbox, or the watch
//! of its signals. Whoever changes what is wanted only notes that in the table below; the one
//! supervisor (`supervisor.rs`) compares the note with what the server was last told, tells it
//! the difference and waits for the confirmation before it looks again. So however `subscribe` and
//! `unsubscribe` of one channel race, the server is told last what is wanted last.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use redis::{PushInfo, Value};
use tokio::sync::{Notify, oneshot, watch};
use tracing::debug;

use super::keys;
use crate::domain::SessionId;
use crate::store::event_channel::EventChannel;
use crate::store::{Follower, StoreError};
use crate::telemetry::metrics::Metrics;

pub(super) mod supervisor;

/// What a message on [`keys::CONTROL`] begins with that asks a run to stop.
const CANCEL: &str = "cancel:";
/// The message on [`keys::CONTROL`] that says that runs can be claimed.
pub(super) const RELEASED: &str = "released";
/// The message on [`keys::CONTROL`] that says that the holds have changed.
pub(super) const HOLDS_CHANGED: &str = "holds";

/// The subscriptions and whom their messages are for.
#[derive(Debug)]
pub(super) struct Hub {
    /// Held for moments only: by callers who note what they want, by the supervisor, and by the
    /// connection's task to find out whom a message is for.
    table: Mutex<Table>,
    /// Tells the supervisor that what is wanted has changed.
    changed: Notify,
    event_channel: EventChannel,
    /// How long a caller waits for the confirmation of its subscription.
    patience: Duration,
    /// Where the live channels are counted.
    metrics: Metrics,
}

#[derive(Debug)]
struct Table {
    link: Link,
    channels: HashMap<Arc<str>, Channel>,
    /// Channels that may be subscribed to and not wanted, or the other way round, each once.
    queue: Vec<Arc<str>>,
}

#[derive(Debug)]
enum Link {
    /// The first attempt since the start, or since the loss, is under way.
    Connecting,
    Up,
    /// Attempts fail; asking is pointless until one succeeds.
    Down(Box<str>),
}

#[derive(Debug, Default)]
struct Channel {
    /// Guards that hold it.
    holders: u32,
    /// Whether its signals are watched, which needs no guard.
    watched: bool,
    /// Whether the server has confirmed it and nobody has told it otherwise since.
    live: bool,
    queued: bool,
    waiting: Vec<oneshot::Sender<()>>,
    /// Wakes followers, if it is the channel of a journal or of an inbox.
    followers: Option<watch::Sender<u64>>,
}

impl Channel {
    fn wanted(&self) -> bool {
        self.watched || self.holders > 0
    }
}

impl Table {
    fn wake_followers(&self) {
        for followers in self.channels.values().filter_map(|channel| channel.followers.as_ref()) {
            followers.send_modify(|changes| *changes += 1);
        }
    }

    fn enqueue(&mut self, name: &Arc<str>) {
        if let Some(channel) = self.channels.get_mut(name)
            && !std::mem::replace(&mut channel.queued, true)
        {
            self.queue.push(Arc::clone(name));
        }
    }

    /// After somebody's interest has ended: ends the subscription if that was the last.
    fn withdrawn(&mut self, name: &Arc<str>) {
        match self.channels.get(name) {
            Some(channel) if channel.wanted() => {}
            Some(channel) if channel.live => self.enqueue(name),
            // A subscription that is just being made is ended when it is confirmed.
            Some(_) => {
                self.channels.remove(name);
            }
            None => {}
        }
    }
}

/// Somebody's interest in a channel; dropping it ends it.
struct Hold {
    hub: Arc<Hub>,
    name: Arc<str>,
}

impl Drop for Hold {
    fn drop(&mut self) {
        let mut table = self.hub.table();
        if let Some(channel) = table.channels.get_mut(&self.name) {
            channel.holders = channel.holders.saturating_sub(1);
        }
        table.withdrawn(&self.name);
        drop(table);
        self.hub.changed.notify_one();
    }
}

/// A live subscription to a session's signals that ends when dropped, unless it is kept.
pub(super) struct Watch(Hold);

impl Watch {
    /// Keeps the subscription until [`Hub::unwatch`].
    pub(super) fn keep(self) {
        if let Some(channel) = self.0.hub.table().channels.get_mut(&self.0.name) {
            channel.watched = true;
        }
    }
}

impl Hub {
    pub(super) fn new(event_channel: EventChannel, patience: Duration, metrics: Metrics) -> Self {
        let control = Channel { holders: 1, ..Channel::default() };
        let channels = HashMap::from([(Arc::from(keys::CONTROL), control)]);
        let table = Table { link: Link::Connecting, channels, queue: Vec::new() };
        Self { table: Mutex::new(table), changed: Notify::new(), event_channel, patience, metrics }
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        // Every change to the table is complete before anything that could panic.
        self.table.lock()
    }

    /// Follows what grows and says so on this channel; returns once the subscription is live.
    pub(super) async fn follow(self: &Arc<Self>, channel: String) -> Result<Follower, StoreError> {
        let hold = self.hold(channel)?;
        // Registered before the subscription can be live: nothing after that is missed.
        let changed = {
            let mut table = self.table();
            let channel = table.channels.entry(Arc::clone(&hold.name)).or_default();
            channel.followers.get_or_insert_with(|| watch::Sender::new(0)).subscribe()
        };
        self.live(&hold.name).await?;
        Ok(Follower::new(changed, hold))
    }

    /// Subscribes to a session's signals; returns once the subscription is live.
    pub(super) async fn watch(self: &Arc<Self>, id: &SessionId) -> Result<Watch, StoreError> {
        let hold = self.hold(keys::signals(id))?;
        self.live(&hold.name).await?;
        Ok(Watch(hold))
    }

    /// Ends what [`Watch::keep`] kept.
    pub(super) fn unwatch(&self, id: &SessionId) {
        let name: Arc<str> = keys::signals(id).into();
        let mut table = self.table();
        let Some(channel) = table.channels.get_mut(&name) else {
            return;
        };
        channel.watched = false;
        table.withdrawn(&name);
        drop(table);
        self.changed.notify_one();
    }

    fn hold(self: &Arc<Self>, name: String) -> Result<Hold, StoreError> {
        let mut table = self.table();
        if let Link::Down(why) = &table.link {
            return Err(StoreError::Unavailable(why.to_string()));
        }
        let name = match table.channels.get_key_value(name.as_str()) {
            Some((known, _)) => Arc::clone(known),
            None => Arc::from(name),
        };
        table.channels.entry(Arc::clone(&name)).or_default().holders += 1;
        drop(table);
        Ok(Hold { hub: Arc::clone(self), name })
    }

    /// Waits until a held channel is live.
    async fn live(&self, name: &Arc<str>) -> Result<(), StoreError> {
        let confirmed = {
            let mut table = self.table();
            let Some(channel) = table.channels.get_mut(name) else {
                return Err(StoreError::Unavailable("shutting down".into()));
            };
            if channel.live {
                return Ok(());
            }
            let (sender, confirmed) = oneshot::channel();
            channel.waiting.push(sender);
            table.enqueue(name);
            confirmed
        };
        self.changed.notify_one();
        match tokio::time::timeout(self.patience, confirmed).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(StoreError::Unavailable("the subscription failed".into())),
            Err(_) => Err(StoreError::Unavailable("no subscription in time".into())),
        }
    }

    /// Passes a message on. Runs on the connection's own task: nothing here waits.
    fn dispatch(&self, message: PushInfo) {
        let mut parts = message.data.into_iter();
        let (Some(Value::BulkString(name)), Some(Value::BulkString(payload))) =
            (parts.next(), parts.next())
        else {
            return;
        };
        let Ok(name) = std::str::from_utf8(&name) else {
            return;
        };
        if name == keys::CONTROL {
            return self.control(&payload);
        }
        match self.table().channels.get(name) {
            Some(channel) if channel.wanted() => {
                if let Some(followers) = &channel.followers {
                    followers.send_modify(|changes| *changes += 1);
                    return;
                }
            }
            Some(_) | None => return,
        }
        if let Some(session) = keys::session_of_signals(name) {
            self.event_channel.signal(session, payload);
        }
    }

    fn control(&self, payload: &[u8]) {
        let text = std::str::from_utf8(payload).ok();
        if text == Some(RELEASED) {
            return self.event_channel.released();
        }
        if text == Some(HOLDS_CHANGED) {
            return self.event_channel.holds_changed();
        }
        match text.and_then(|text| text.strip_prefix(CANCEL)).and_then(SessionId::parse) {
            Some(session) => self.event_channel.cancel(session),
            None => debug!(bytes = payload.len(), "a message for other versions on aura:control"),
        }
    }

    /// The message on [`keys::CONTROL`] that asks a run to stop.
    pub(super) fn cancel_message(id: &SessionId) -> String {
        format!("{CANCEL}{id}")
    }
}
