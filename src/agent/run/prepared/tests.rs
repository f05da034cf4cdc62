//! A call is read once: what it asks, shows, pins and does are of the same arguments.

use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use futures::executor::block_on;
use proptest::prelude::*;
use serde_json::{Map, json};

use super::*;
use crate::domain::Unconfigured;
use crate::domain::text::is_plain_line;
use crate::domain::{ArgumentsHash, SessionId, ToolCallId};
use crate::tools::{Effect, Pin, ToolContext, ToolSpec, mail};

/// A tool that sets something which others move, too.
struct Moving {
    spec: ToolSpec,
    now: AtomicU64,
}

impl Moving {
    fn tool() -> Arc<Self> {
        let spec = ToolSpec {
            name: "set".into(),
            description: String::new(),
            parameters: json!({"type": "object"}),
            effect: Effect::SideEffect,
            dry_run: false,
            pins: &[Pin { argument: "at", of: &["what"] }],
        };
        Arc::new(Self { spec, now: AtomicU64::new(1) })
    }
}

#[async_trait]
impl Tool for Moving {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    async fn call(self: Arc<Self>, arguments: &Value) -> Result<Box<dyn Call>, ToolError> {
        let what = arguments["what"].as_str().map(str::to_owned);
        let what = what.ok_or_else(|| ToolError::InvalidArguments("what".into()))?;
        Ok(Box::new(Set { what, at: arguments["at"].as_u64(), tool: self }))
    }
}

struct Set {
    tool: Arc<Moving>,
    what: String,
    at: Option<u64>,
}

impl Set {
    fn place(&self) -> Result<u64, ToolError> {
        let now = self.tool.now.load(Ordering::SeqCst);
        match self.at {
            Some(at) if at != now => Err(ToolError::Conflict(format!("moved to {now}"))),
            Some(_) | None => Ok(now),
        }
    }
}

#[async_trait]
impl Call for Set {
    fn question(&self, _: Language) -> String {
        format!("set at {:?}? what: {}", self.at, self.what)
    }

    async fn forecast(&self, language: Language) -> Result<Forecast, ToolError> {
        let place = self.place()?;
        let preview = Preview::text("set", &format!("{} at {place}", self.what), language);
        let pins = Map::from_iter([("at".to_owned(), place.into())]);
        Ok(Forecast { pins, preview: Some(preview) })
    }

    async fn run(self: Box<Self>, _: &ToolContext) -> Result<Value, ToolError> {
        Ok(json!({"set": self.what, "at": self.place()?}))
    }
}

fn context() -> ToolContext {
    ToolContext { session: SessionId::new("session_1"), call: ToolCallId::new("call_1") }
}

fn prepared(tool: &Arc<dyn Tool>, arguments: &Value) -> Result<Prepared, ToolError> {
    let ready = Ready::read(Arc::clone(tool), arguments.clone());
    block_on(async { ready.await?.prepare(Language::Korean).await })
}

/// Runs what was approved, as the run does it: read from exactly the request's arguments.
fn run(tool: &Arc<dyn Tool>, approved: &Prepared) -> Result<Value, ToolError> {
    block_on(async {
        let ready = Ready::read(Arc::clone(tool), approved.arguments.clone()).await?;
        ready.call.run(&context()).await
    })
}

/// All that a person decides about, and what the decision is bound to.
fn shown(tool: &str, prepared: &Prepared) -> (String, Option<Preview>, ArgumentsHash) {
    let hash = ArgumentsHash::of(tool, &prepared.arguments);
    (prepared.question.clone(), prepared.preview.clone(), hash)
}

/// The same fields in another order.
fn reversed(arguments: &Value) -> Value {
    let fields = arguments.as_object().into_iter().flatten().rev();
    fields.map(|(name, value)| (name.clone(), value.clone())).collect::<Map<_, _>>().into()
}

fn mails() -> impl Strategy<Value = Value> {
    let address = "[a-z]{1,5}(\\.[a-z]{1,3})?@[a-z]{1,5}\\.(co|example)";
    let tricks = "받는 사람: x@y.z|제목: \"|  +|[\"“”\\\\→:,a-z가-힣👩]";
    let subject = prop::string::string_regex(&format!("({tricks}){{1,20}}")).unwrap();
    let body = format!("(?s)({tricks}|.|\r\n|\u{202e}){{0,9}}");
    let body = prop::string::string_regex(&body).unwrap();
    let addresses = prop::collection::vec(address, 0..3);
    (addresses.clone(), addresses, subject, body).prop_map(
        |(to, cc, subject, body)| json!({"to": to, "cc": cc, "subject": subject, "body": body}),
    )
}

proptest! {
    #[test]
    fn the_same_arguments_are_asked_shown_and_bound_alike(arguments in mails()) {
        let tool = mail::tools(&mail::MailConfig::default(), Unconfigured::DryRun).unwrap().remove(0);
        let Ok(first) = prepared(&tool, &arguments) else { return Ok(()) };
        let once = shown("send_email", &first);
        for again in [&arguments, &reversed(&arguments), &first.arguments] {
            let again = prepared(&tool, again).map(|again| shown("send_email", &again));
            prop_assert_eq!(again, Ok(once.clone()));
        }
    }

    #[test]
    fn the_question_tells_the_facts_first_and_what_was_asked_is_what_runs(arguments in mails()) {
        let tool = mail::tools(&mail::MailConfig::default(), Unconfigured::DryRun).unwrap().remove(0);
        let Ok(asked) = prepared(&tool, &arguments) else { return Ok(()) };
        prop_assert!(is_plain_line(&asked.question), "{:?}", asked.question);
        let list = |field: &str| {
            let addresses = arguments[field].as_array().unwrap().iter();
            addresses.map(|address| address.as_str().unwrap()).collect::<Vec<_>>().join(", ")
        };
        let cc = if list("cc").is_empty() { String::new() } else { format!(", 참조: {}", list("cc")) };
        let facts = format!("메일을 보낼까요? 받는 사람: {}{cc}, 제목: \"", list("to"));
        prop_assert_eq!(asked.question.find(&facts), Some(asked.question.find("메일").unwrap()));
        let sent = run(&tool, &asked).unwrap();
        for field in ["to", "cc", "subject", "body"] {
            prop_assert_eq!(&sent["wouldSend"][field], &arguments[field]);
        }
    }

    #[test]
    fn what_was_pinned_is_what_runs_or_nothing_does(what in ".{0,20}", moves: bool) {
        let moving = Moving::tool();
        let tool: Arc<dyn Tool> = Arc::clone(&moving) as _;
        let asked = prepared(&tool, &json!({"what": what})).unwrap();
        prop_assert_eq!(&asked.arguments, &json!({"what": what, "at": 1}));
        prop_assert!(asked.question.starts_with("set at Some(1)? "), "the pinned call's question");
        let again = prepared(&tool, &asked.arguments).unwrap();
        prop_assert_eq!(shown("set", &again), shown("set", &asked));
        if moves {
            moving.now.store(2, Ordering::SeqCst);
            prop_assert_eq!(run(&tool, &asked), Err(ToolError::Conflict("moved to 2".into())));
            prop_assert!(prepared(&tool, &asked.arguments).is_err(), "nobody is asked in vain");
        } else {
            prop_assert_eq!(run(&tool, &asked), Ok(json!({"set": what, "at": 1})));
        }
    }
}
