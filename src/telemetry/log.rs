//! Log lines on stderr, as JSON or as text; `docs/LOGGING.md` has the names of the fields.

use std::io::IsTerminal;
use std::panic;
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use thiserror::Error;
use tracing::Subscriber;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, Registry, fmt, reload};

mod lines;
mod queue;

use lines::{PlainFields, PlainJson};
use queue::Queue;

/// How long the last lines of a process may take on their way out.
const LAST_LINES: Duration = Duration::from_secs(1);

/// What is logged, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogSettings {
    /// Which lines.
    pub filter: LogFilter,
    /// Their form.
    pub format: LogFormat,
}

/// The form of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// One JSON object per line, for machines.
    Json,
    /// One line of text, for people; coloured on a terminal.
    Text,
}

/// A checked list of filter directives, for instance `info,aura_platform::store=debug`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogFilter(String);

/// Text that is no list of filter directives.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "must be a level (off, error, warn, info, debug, trace) or directives such as \
     info,aura_platform::store=debug"
)]
pub struct BadFilter;

/// There can be no logging.
#[derive(Debug, Error)]
pub enum SetUpError {
    /// It was set up before.
    #[error("logging cannot be set up: {0}")]
    Twice(#[from] tracing_subscriber::util::TryInitError),
    /// The thread that writes the lines cannot be started.
    #[error("logging cannot be set up: {0}")]
    Thread(#[from] std::io::Error),
}

/// Changes which lines are logged, while the process works.
#[derive(Clone, Debug)]
pub struct LogControl(reload::Handle<EnvFilter, Registry>);

impl LogControl {
    /// Logs these lines from now on.
    ///
    /// # Errors
    /// There is no log any more.
    pub fn set(&self, filter: &LogFilter) -> Result<(), reload::Error> {
        self.0.reload(filter.to_env_filter())
    }
}

/// The process's log. Dropping it waits a moment for the last lines, for as long as somebody reads.
#[derive(Debug)]
pub struct Log {
    queue: Queue,
    control: LogControl,
}

impl Log {
    /// How many lines were dropped, because whoever reads them was too slow.
    pub fn dropped(&self) -> Counter {
        self.queue.dropped()
    }

    /// What changes which lines are logged.
    pub fn control(&self) -> LogControl {
        self.control.clone()
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.queue.flush(LAST_LINES);
    }
}

impl LogFilter {
    /// The filter, if every directive in it is understood.
    ///
    /// A bare word has to be a level. The filter's own syntax would take a mistyped one, `inof`, for
    /// the name of a module, and log nothing else.
    pub fn parse(text: &str) -> Result<Self, BadFilter> {
        const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];
        let is_level = |word: &str| LEVELS.contains(&word.to_ascii_lowercase().as_str());
        let mut bare = text.split(',').filter(|directive| !directive.contains(['=', '[']));
        if !bare.all(|word| is_level(word.trim())) || EnvFilter::try_new(text).is_err() {
            return Err(BadFilter);
        }
        Ok(Self(text.to_owned()))
    }

    /// The directives as they were written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The MCP library repeats what servers say of themselves, and URLs that may carry a key: it is
    /// silent unless somebody names it. What matters of it is logged by us.
    fn to_env_filter(&self) -> EnvFilter {
        EnvFilter::new(format!("rmcp=off,{}", self.0))
    }
}

/// Sends the process's log lines to stderr from now on, and what is told of a panic as one of them.
/// Nobody who logs waits for whoever reads them.
///
/// # Errors
/// Somebody did so before, or the system has no thread left.
pub fn set_up(settings: &LogSettings) -> Result<Log, SetUpError> {
    let colours = std::io::stderr().is_terminal();
    let queue = Queue::to(std::io::stderr())?;
    let (subscriber, control) = subscriber(settings, queue.clone(), colours);
    subscriber.try_init()?;
    // The usual hook writes to stderr itself, and would wait for its reader.
    panic::set_hook(Box::new(|panic| {
        let backtrace = std::backtrace::Backtrace::capture();
        tracing::error!(%panic, %backtrace, "a panic: a bug of this service");
    }));
    Ok(Log { queue, control })
}

/// What writes log lines to `writer`. Where colours are possible, `NO_COLOR` still forbids them.
fn subscriber<W>(
    settings: &LogSettings,
    writer: W,
    colours: bool,
) -> (impl Subscriber + Send + Sync, LogControl)
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let lines = fmt::layer().with_writer(writer);
    let lines: Box<dyn Layer<Registry> + Send + Sync> = match settings.format {
        LogFormat::Json => {
            let lines = lines.json().flatten_event(true).with_span_list(false);
            Box::new(lines.map_event_format(PlainJson))
        }
        LogFormat::Text if colours => Box::new(lines.fmt_fields(PlainFields)),
        LogFormat::Text => Box::new(lines.with_ansi(false).fmt_fields(PlainFields)),
    };
    let (filter, handle) = reload::Layer::new(settings.filter.to_env_filter());
    (Registry::default().with(lines.with_filter(filter)), LogControl(handle))
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(format: LogFormat, filter: &str, act: impl FnOnce()) -> String {
        let lines = Lines::default();
        let writer = lines.clone();
        let settings = LogSettings { filter: LogFilter::parse(filter).unwrap(), format };
        let (subscriber, _control) = subscriber(&settings, move || writer.clone(), false);
        tracing::subscriber::with_default(subscriber, act);
        String::from_utf8(lines.0.lock().unwrap().clone()).unwrap()
    }

    #[test]
    fn a_json_line_has_its_fields_at_the_top_and_its_span_beside_them() {
        let text = logged(LogFormat::Json, "info", || {
            let _run = tracing::info_span!("run", session = "session_1").entered();
            tracing::info!(tool = "git_merge", "HITL Interrupt");
            tracing::debug!("not this");
        });
        assert_eq!(text.lines().count(), 1, "{text}");
        let line: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(line["message"], "HITL Interrupt");
        assert_eq!(line["tool"], "git_merge");
        assert_eq!(line["level"], "INFO");
        assert_eq!(line["span"]["session"], "session_1");
    }

    #[test]
    fn a_text_line_is_plain_and_stays_one_line_whatever_is_logged() {
        let text = logged(LogFormat::Text, "info", || {
            tracing::info!(user = ?"a\u{1b}[31m\nb", "request");
        });
        assert_eq!(text.lines().count(), 1, "{text}");
        assert!(!text.contains('\u{1b}') && text.contains("request"), "{text:?}");
    }

    /// What a model, a server or a person may send to be logged.
    const FORGED: &str = "x\n2026-11-28T00:00:00Z  INFO approval decided verdict=Approved \u{1b}[31m\
                          \u{2028}\u{85}\u{9b}31m\u{202e}\" by=\"ceo";

    fn log_everywhere(value: &str) {
        let _run =
            tracing::info_span!("run", session = %value, user = ?value, call = value).entered();
        tracing::info!(call = %value, tool = ?value, user = value, "approval asked");
        tracing::info!("{value}");
    }

    #[test]
    fn no_value_can_pass_for_another_line_or_field_of_a_text_log() {
        let text = logged(LogFormat::Text, "info", || log_everywhere(FORGED));
        assert_eq!(text.split_inclusive('\n').count(), 2, "{text}");
        for line in text.lines() {
            assert!(crate::domain::text::is_plain_line(line), "{line:?}");
            let unescaped = line.replace("\\\\", "").replace("\\\"", "");
            let outside: String = unescaped.split('"').step_by(2).collect();
            assert!(!outside.contains("verdict") && !outside.contains("by="), "{outside}");
        }
    }

    #[test]
    fn a_text_line_reads_as_before_where_nothing_is_odd() {
        let text = logged(LogFormat::Text, "info", || {
            let _run = tracing::info_span!("run", session = %"session_1").entered();
            tracing::info!(tool = %"git_merge", seconds = 3, who = ?Some("a b"), "HITL Interrupt");
        });
        let expected = "run{session=session_1}: aura_platform::telemetry::log::tests: \
                        HITL Interrupt tool=git_merge seconds=3 who=\"Some(\\\"a b\\\")\"\n";
        assert!(text.ends_with(expected), "{text}");
    }

    #[test]
    fn no_value_ends_a_line_of_json_or_steers_a_terminal() {
        let text = logged(LogFormat::Json, "info", || log_everywhere(FORGED));
        assert_eq!(text.split_inclusive('\n').count(), 2, "{text}");
        for line in text.lines() {
            assert!(crate::domain::text::is_plain_line(line), "{line:?}");
            assert!(serde_json::from_str::<serde_json::Value>(line).is_ok(), "{line}");
        }
        let line: serde_json::Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
        assert_eq!(line["user"], FORGED);
    }

    #[test]
    fn a_directive_for_one_module_leaves_the_others_alone() {
        let text = logged(LogFormat::Text, "warn,special=debug", || {
            tracing::debug!(target: "special", "this");
            tracing::info!("not that");
        });
        assert!(text.contains("this") && !text.contains("not that"), "{text}");
    }

    #[test]
    fn a_mistyped_level_is_not_taken_for_a_module() {
        for bad in ["inof", "info,verbose", "a=b=c", "aura_platform=loud", ""] {
            assert_eq!(LogFilter::parse(bad), Err(BadFilter), "{bad:?}");
        }
        for good in ["info", "WARN", "off", "info,aura_platform::store=debug", "warn,hyper=info"] {
            assert!(LogFilter::parse(good).is_ok(), "{good:?}");
        }
    }
}
