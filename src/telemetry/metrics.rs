//! What operators count: every metric of the process, with its name and what it means.
//!
//! One [`Metrics`] is made for each process and handed to whoever counts; there are no globals, so
//! tests do not share numbers. `docs/METRICS.md` has the table for people. No label ever holds the
//! id of a tenant, a user or a session: their number has no bound, and they are nobody's business.

use std::collections::HashSet;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use crate::domain::event::EndStatus;
use crate::domain::seal::{NamedSealable, Sealable, TenantSealable};
use crate::domain::{Decision, Endorsement, Hold, InboxItem, Recipient, Verdict};

/// How [`Metrics::render`] writes the numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextFormat {
    /// Prometheus' own, version 0.0.4, which every scraper reads.
    Prometheus,
    /// OpenMetrics 1.0.0.
    OpenMetrics,
}

impl TextFormat {
    /// What `Content-Type` says of it.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }

    /// The same without parameters.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Prometheus => "text/plain",
            Self::OpenMetrics => "application/openmetrics-text",
        }
    }
}

/// The kind of an entry of an inbox's changes that is none of ours ([`Metrics::unverified`]).
pub const INBOX_CHANGE: &str = "inbox_change";

/// Every metric of a process. Cloning it is cheap, and all clones count together.
#[derive(Clone, Debug)]
pub struct Metrics(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    registry: Registry,
    handles: Handles,
}

/// The numbers themselves; each is an atomic, and counting never waits.
#[derive(Debug, Default)]
pub struct Handles {
    /// Runs that were started here.
    pub runs_started: Counter,
    /// Runs that another owner took: an append of ours was refused.
    pub runs_lost: Counter,
    /// Runs that were taken over from an owner that was gone.
    pub runs_claimed: Counter,
    /// Runs that were handed over because this process stopped.
    pub runs_released: Counter,
    /// Runs that were given up because the store was away for too long.
    pub runs_abandoned: Counter,
    /// Runs that were dropped because the store has no journal of them any more.
    pub runs_gone: Counter,
    /// Questions that people were asked.
    pub approvals_asked: Counter,
    /// Turns that a fallback model was asked for instead of the first.
    pub model_fallbacks: Counter,
    /// Sessions that the embedded store has dropped before their time.
    pub sessions_let_go: Counter,
    /// Audit entries that the embedded store has dropped.
    pub audit_let_go: Counter,
    /// The holds in force, as this process knows them.
    pub holds_in_force: Gauge,
    /// What the embedded store keeps, in bytes.
    pub embedded_bytes: Gauge,
    /// Log lines that were dropped.
    log_lines_dropped: DroppedLines,
    /// 1 while the store is connected, else 0; the embedded store always is.
    pub store_up: Gauge,
    /// Channels that the store's server has confirmed a subscription to.
    pub store_subscriptions: Gauge,
    runs_ended: Labelled,
    approvals_decided: Labelled,
    unverified: Labelled,
    announcements: Family<[(&'static str, &'static str); 2], Counter>,
    announcements_queued: Family<Label, Gauge>,
    announcement_lag_seconds: Family<Label, Gauge>,
    held: Labelled,
    runs_working: Gauge,
    runs_waiting: Gauge,
    streams_open: Gauge,
}

/// How many lines the log has dropped; counted there, shown here.
pub type DroppedLines = Counter;

/// What came of an attempt to tell somebody outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Telling {
    /// They have taken it.
    Delivered,
    /// They have not; another attempt follows.
    Failed,
    /// It is given up.
    Dropped,
}

impl Telling {
    const ALL: [Self; 3] = [Self::Delivered, Self::Failed, Self::Dropped];

    fn labels(self, to: Recipient) -> [(&'static str, &'static str); 2] {
        let outcome = match self {
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::Dropped => "dropped",
        };
        [("to", to.word()), ("outcome", outcome)]
    }
}

fn recipient_label(to: Recipient) -> Label {
    [("to", to.word())]
}

type Label = [(&'static str, &'static str); 1];
type Labelled = Family<Label, Counter>;

/// What is known only when somebody asks: how many runs live in this process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Load {
    /// Runs at work.
    pub working: usize,
    /// Runs that wait for a person.
    pub waiting: usize,
}

/// A stream that a client reads; dropping it counts it out.
#[derive(Debug)]
pub struct OpenStream(Metrics);

impl Drop for OpenStream {
    fn drop(&mut self) {
        self.0.streams_open.dec();
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new(DroppedLines::default())
    }
}

impl Metrics {
    /// The metrics of a process whose log counts what it drops like this.
    pub fn new(log_lines_dropped: DroppedLines) -> Self {
        let handles = Handles { log_lines_dropped, ..Handles::default() };
        handles.store_up.set(1);
        let mut registry = Registry::with_prefix("aura");
        handles.register(&mut registry);
        Self(Arc::new(Inner { registry, handles }))
    }
}

impl Deref for Metrics {
    type Target = Handles;

    fn deref(&self) -> &Handles {
        &self.0.handles
    }
}

impl Metrics {
    /// A run has ended; its end is stored.
    pub fn run_ended(&self, status: EndStatus) {
        self.runs_ended.get_or_create(&status_label(status)).inc();
    }

    /// A request has been decided, and its run goes on or ends with that.
    pub fn approval_decided(&self, verdict: Verdict) {
        self.approvals_decided.get_or_create(&verdict_label(verdict)).inc();
    }

    /// Something stands stored in the place of a `kind` that nobody with the key has sealed.
    pub fn unverified(&self, kind: &'static str) {
        self.unverified.get_or_create(&[("kind", kind)]).inc();
    }

    /// An attempt was made to tell somebody outside.
    pub fn told(&self, to: Recipient, telling: Telling) {
        self.announcements.get_or_create(&telling.labels(to)).inc();
    }

    /// So many sessions have something to tell, the first of them for so long.
    pub fn announcements_queued(&self, to: Recipient, queued: u64, lag: Duration) {
        let gauge = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        let label = recipient_label(to);
        self.announcements_queued.get_or_create(&label).set(gauge(queued));
        self.announcement_lag_seconds.get_or_create(&label).set(gauge(lag.as_secs()));
    }

    /// A hold has kept something from happening: a `run`, a `call` or an `approval`.
    pub fn held(&self, what: &'static str) {
        self.held.get_or_create(&[("what", what)]).inc();
    }

    /// A client begins to read a stream.
    pub fn stream_opened(&self) -> OpenStream {
        self.streams_open.inc();
        OpenStream(self.clone())
    }

    /// Everything as text, in the OpenMetrics format that Prometheus reads.
    ///
    /// # Errors
    /// Never in practice: only if a metric cannot be formatted.
    pub fn render(&self, load: Load, format: TextFormat) -> Result<String, fmt::Error> {
        let gauge = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        self.runs_working.set(gauge(load.working));
        self.runs_waiting.set(gauge(load.waiting));
        let mut text = String::new();
        encode(&mut text, &self.0.registry)?;
        Ok(match format {
            TextFormat::Prometheus => in_prometheus_format(&text),
            TextFormat::OpenMetrics => text,
        })
    }
}

/// The same numbers in the format 0.0.4. There, a counter is declared under the name that its samples have,
/// and the end is not told.
fn in_prometheus_format(open_metrics: &str) -> String {
    let kinds = open_metrics.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    let counters: HashSet<&str> = kinds.filter_map(|kind| kind.strip_suffix(" counter")).collect();
    let lines = open_metrics.lines().filter(|line| *line != "# EOF");
    lines.map(|line| declared_as_counted(line, &counters) + "\n").collect()
}

/// A line; if it declares one of these counters, by the name of its samples.
fn declared_as_counted(line: &str, counters: &HashSet<&str>) -> String {
    let declared = ["# HELP ", "# TYPE "].into_iter().find_map(|start| {
        let (name, rest) = line.strip_prefix(start)?.split_once(' ')?;
        counters.contains(name).then(|| format!("{start}{name}_total {rest}"))
    });
    declared.unwrap_or_else(|| line.to_owned())
}

impl Handles {
    /// Gives every metric its name; `aura_` comes before it, and `_total` behind a counter's.
    fn register(&self, registry: &mut Registry) {
        for (name, help, counter) in [
            ("runs_started", "Runs that were started here", &self.runs_started),
            ("runs_lost", "Runs whose append was refused: another owner has them", &self.runs_lost),
            ("runs_claimed", "Runs taken over from an owner that was gone", &self.runs_claimed),
            ("runs_released", "Runs handed over because this process stops", &self.runs_released),
            ("runs_abandoned", "Runs given up: the store was away too long", &self.runs_abandoned),
            ("runs_gone", "Runs dropped: the store has lost their journals", &self.runs_gone),
            ("approvals_asked", "Questions that people were asked", &self.approvals_asked),
            ("model_fallbacks", "Turns asked of the fallback model", &self.model_fallbacks),
            (
                "sessions_let_go",
                "Sessions that the embedded store let go of for want of room",
                &self.sessions_let_go,
            ),
            (
                "audit_let_go",
                "Audit entries that the embedded store let go of for want of room",
                &self.audit_let_go,
            ),
            ("log_lines_dropped", "Log lines that nobody read in time", &self.log_lines_dropped),
        ] {
            registry.register(name, help, counter.clone());
        }
        for (name, help, gauge) in [
            ("runs_working", "Runs at work in this process", &self.runs_working),
            ("runs_waiting", "Runs of this process that wait for a person", &self.runs_waiting),
            ("streams_open", "Streams that clients are reading", &self.streams_open),
            ("store_up", "Whether the store is connected", &self.store_up),
            ("embedded_bytes", "What the embedded store keeps", &self.embedded_bytes),
            ("store_subscriptions", "Channels subscribed to", &self.store_subscriptions),
            ("holds_in_force", "What operators have stopped for now", &self.holds_in_force),
        ] {
            registry.register(name, help, gauge.clone());
        }
        for (name, help, family) in [
            ("runs_ended", "Runs that have ended here, by status", &self.runs_ended),
            ("approvals_decided", "Requests decided, by verdict", &self.approvals_decided),
            ("held", "What holds have kept from happening", &self.held),
            ("unverified", "Stored answers that nobody with the key has sealed", &self.unverified),
        ] {
            registry.register(name, help, family.clone());
        }
        let (queued, lag) = (&self.announcements_queued, &self.announcement_lag_seconds);
        registry.register(
            "announcements",
            "Attempts to tell somebody outside",
            self.announcements.clone(),
        );
        registry.register(
            "announcements_queued",
            "Sessions with something to tell",
            queued.clone(),
        );
        registry.register(
            "announcement_lag_seconds",
            "Since when the first of these is queued",
            lag.clone(),
        );
        self.begin_at_zero();
    }

    /// Every label is there from the start: a rate needs the zero before the first one.
    fn begin_at_zero(&self) {
        use EndStatus::{Cancelled, Completed, Failed, Rejected};
        for status in [Completed, Failed, Rejected, Cancelled] {
            drop(self.runs_ended.get_or_create(&status_label(status)));
        }
        for verdict in [Verdict::Approved, Verdict::Rejected, Verdict::TimedOut, Verdict::Cancelled]
        {
            drop(self.approvals_decided.get_or_create(&verdict_label(verdict)));
        }
        for to in Recipient::ALL {
            for telling in Telling::ALL {
                drop(self.announcements.get_or_create(&telling.labels(to)));
            }
            drop(self.announcements_queued.get_or_create(&recipient_label(to)));
            drop(self.announcement_lag_seconds.get_or_create(&recipient_label(to)));
        }
        for what in ["run", "call", "approval"] {
            drop(self.held.get_or_create(&[("what", what)]));
        }
        for kind in [Decision::KIND, Endorsement::KIND, InboxItem::KIND, INBOX_CHANGE, Hold::KIND] {
            drop(self.unverified.get_or_create(&[("kind", kind)]));
        }
    }
}

fn status_label(status: EndStatus) -> Label {
    let status = match status {
        EndStatus::Completed => "completed",
        EndStatus::Failed => "failed",
        EndStatus::Rejected => "rejected",
        EndStatus::Cancelled => "cancelled",
    };
    [("status", status)]
}

fn verdict_label(verdict: Verdict) -> Label {
    let verdict = match verdict {
        Verdict::Approved => "approved",
        Verdict::Rejected => "rejected",
        Verdict::TimedOut => "timed_out",
        Verdict::Cancelled => "cancelled",
    };
    [("verdict", verdict)]
}
