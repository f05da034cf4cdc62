//! The run and the person: what comes from either is brought together here.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures::{Stream, StreamExt};

use super::editor::{EditError, Editor};
use super::following::Incoming;
use super::keyboard::Keyboard;
use super::question::{self, CHOICES, Key};
use super::questions::Questions;
use super::report;
use super::screen::{Screen, Style};
use super::server::{Answer, Decided, Server, Trouble};
use crate::cli::CliError;
use crate::domain::event::EndStatus;
use crate::domain::event::told::{Told, ToldEvent};
use crate::domain::{Clock, SystemClock};

const REASON: &str = "reason (Enter for none): ";
const ARGUMENTS: &str = "arguments, as one line of JSON (Enter to leave them): ";

/// Who decides what is asked.
pub(super) enum Answering {
    /// Everything is approved.
    Approve,
    /// Everything is rejected, for this reason.
    Reject(String),
    /// Whoever sits at the keyboard, perhaps with an editor.
    Person(Keyboard, Option<Editor>),
    /// Nobody here.
    Elsewhere,
}

/// What the person is about to say.
enum Step {
    /// Nothing: no question is open.
    Listen,
    /// Yes, no or edit.
    Choose,
    /// Why not.
    Reason,
    /// Other arguments.
    Arguments,
    /// Other arguments, in an editor.
    Edit(Pin<Box<dyn Future<Output = Result<String, EditError>> + Send>>),
}

/// What came of waiting for the person.
enum Said {
    /// A line; `None`: there is no keyboard any more.
    Line(Option<String>),
    /// The editor was left.
    Edited(Result<String, EditError>),
}

/// A run that somebody looks at.
pub(super) struct Conversation<'a> {
    server: Arc<Server>,
    screen: Screen,
    answering: Answering,
    questions: Questions,
    step: Step,
    session: Option<String>,
    ended: Option<EndStatus>,
    is_editing: &'a AtomicBool,
}

impl<'a> Conversation<'a> {
    /// Before the first event. `is_editing` tells others whether the terminal belongs to an editor.
    pub(super) fn new(
        server: Arc<Server>,
        screen: Screen,
        answering: Answering,
        is_editing: &'a AtomicBool,
    ) -> Self {
        let (questions, step, session, ended) = (Questions::default(), Step::Listen, None, None);
        Self { server, screen, answering, questions, step, session, ended, is_editing }
    }

    /// Shows the run, and answers what is asked, to its end.
    ///
    /// # Errors
    /// The run was not completed, or nothing more can be had of it.
    pub(super) async fn run(
        &mut self,
        mut incoming: impl Stream<Item = Incoming> + Unpin,
    ) -> Result<(), CliError> {
        loop {
            let is_editing = matches!(self.step, Step::Edit(_));
            tokio::select! {
                biased;
                // The screen is the editor's.
                next = incoming.next(), if !is_editing => match next {
                    Some(next) => {
                        if let Some(result) = self.on_incoming(next)? {
                            self.screen.end()?;
                            return result;
                        }
                    }
                    None => return Err(CliError::Failed("the stream is over".to_owned())),
                },
                said = said(&mut self.step, &mut self.answering) => self.on_said(said?).await?,
            }
            self.ask_next().await?;
        }
    }

    /// Says how to come back to a run that goes on.
    pub(super) fn leave(&mut self, url: &str) -> Result<(), CliError> {
        let Some(session) = &self.session else {
            return Ok(self.screen.note("left before the server told of a run")?);
        };
        let way = format!("the run goes on; to come back: ask --session {session} --url {url}");
        self.screen.note(&way)?;
        Ok(self.screen.end()?)
    }

    fn on_incoming(&mut self, next: Incoming) -> Result<Option<Result<(), CliError>>, CliError> {
        match next {
            Incoming::Session(session) => {
                self.screen.note(&format!("session {session}"))?;
                self.session = Some(session);
            }
            Incoming::Event(payload) => self.on_event(&payload)?,
            Incoming::Lost(cause, pause) => {
                let pause = pause.as_secs_f64();
                self.screen.note(&format!("connection lost ({cause}); again in {pause:.1} s"))?;
            }
            Incoming::Back => self.screen.note("connected again")?,
            Incoming::Over => return Ok(Some(self.result())),
            Incoming::Failed(trouble) => {
                let base = self.server.base();
                return Ok(Some(Err(CliError::Failed(told(&format!("{base}: {trouble}"))))));
            }
        }
        Ok(None)
    }

    fn result(&self) -> Result<(), CliError> {
        let how = match self.ended {
            Some(EndStatus::Completed) => return Ok(()),
            Some(EndStatus::Failed) => "the run failed",
            Some(EndStatus::Rejected) => "the run was rejected",
            Some(EndStatus::Cancelled) => "the run was cancelled",
            None => "the run's end was not told",
        };
        Err(CliError::Failed(how.to_owned()))
    }

    fn on_event(&mut self, payload: &str) -> Result<(), CliError> {
        self.screen.event(payload)?;
        let Some(told) = Told::read(payload.as_bytes()) else { return Ok(()) };
        let event = told.event;
        let asked_now = self.questions.next().map(|question| question.asked.request_id.clone());
        for settled in self.questions.take(&event) {
            let (id, what) = (&settled.asked.request_id, &settled.asked.action_type);
            self.screen
                .note(&format!("{what} ({id}) was decided elsewhere, or its time is over"))?;
            if asked_now.as_ref() == Some(id) {
                self.step = Step::Listen;
            }
        }
        if let ToldEvent::End { status, .. } = event {
            self.ended = Some(status);
        }
        Ok(report::show(&mut self.screen, &event)?)
    }

    /// Asks what is to be asked next, or shows again what was being asked.
    async fn ask_next(&mut self) -> Result<(), CliError> {
        let prompt = match self.step {
            Step::Listen => return self.begin_next().await,
            Step::Choose => CHOICES,
            Step::Reason => REASON,
            Step::Arguments => ARGUMENTS,
            Step::Edit(_) => return Ok(()),
        };
        if !self.screen.has_prompt() {
            self.screen.prompt(prompt)?;
        }
        Ok(())
    }

    /// Shows the next question that is open, and lets it be answered.
    async fn begin_next(&mut self) -> Result<(), CliError> {
        while let Some(question) = self.questions.next() {
            let id = question.asked.request_id.clone();
            if let Ok(standing) = self.server.standing(&id).await {
                self.questions.know(standing);
            }
            let Some(question) = self.questions.next() else { return Ok(()) };
            if question.asked.request_id != id {
                continue;
            }
            let text = question::text(&question.asked, now());
            self.screen.line(Style::Bold, &text)?;
            let answer = match &mut self.answering {
                Answering::Approve => Answer::Approve,
                Answering::Reject(reason) => Answer::Reject(Some(reason.clone())),
                Answering::Elsewhere => {
                    self.tell_how(&id)?;
                    continue;
                }
                Answering::Person(keyboard, _) => {
                    keyboard.clear();
                    self.step = Step::Choose;
                    return Ok(self.screen.prompt(CHOICES)?);
                }
            };
            self.decide(&answer).await?;
            self.questions.answered();
        }
        Ok(())
    }

    fn tell_how(&mut self, id: &str) -> Result<(), CliError> {
        let (base, session) = (self.server.base(), self.session.as_deref().unwrap_or("ID"));
        let how = format!(
            "stdin is no terminal, so nothing is asked; to decide: ask --session {session} --url {base} in a \
             terminal, or with --approve or --reject; or POST {base}/aura/hitl/approve/{id} or {base}/aura/hitl/reject/{id}"
        );
        self.questions.answered();
        Ok(self.screen.note(&how)?)
    }

    async fn on_said(&mut self, said: Said) -> Result<(), CliError> {
        match (said, std::mem::replace(&mut self.step, Step::Listen)) {
            (Said::Line(None), _) => {
                self.answering = Answering::Elsewhere;
                Ok(self.screen.note("nothing more is asked here")?)
            }
            (Said::Line(Some(line)), step) => {
                self.screen.was_answered();
                self.on_line(&line, step).await
            }
            (Said::Edited(edited), _) => {
                self.is_editing.store(false, Ordering::Relaxed);
                match edited {
                    Ok(text) => self.on_arguments(text).await,
                    Err(error) => self.ask_again(&error.to_string()),
                }
            }
        }
    }

    async fn on_line(&mut self, line: &str, step: Step) -> Result<(), CliError> {
        match step {
            Step::Choose => match Key::typed(line) {
                Some(Key::Yes) => self.answer(Answer::Approve).await,
                Some(Key::No) => self.then(Step::Reason),
                Some(Key::Edit) => self.edit(),
                None => self.then(Step::Choose),
            },
            Step::Reason => {
                let reason = Some(line.to_owned()).filter(|reason| !reason.is_empty());
                self.answer(Answer::Reject(reason)).await
            }
            Step::Arguments if line.is_empty() => self.then(Step::Choose),
            Step::Arguments => self.on_arguments(line.to_owned()).await,
            Step::Listen | Step::Edit(_) => Ok(()),
        }
    }

    fn then(&mut self, step: Step) -> Result<(), CliError> {
        self.step = step;
        Ok(())
    }

    /// Lets the person change the arguments, from where they left off.
    fn edit(&mut self) -> Result<(), CliError> {
        let Some(question) = self.questions.next() else { return Ok(()) };
        let Answering::Person(_, Some(editor)) = &self.answering else {
            return self.then(Step::Arguments);
        };
        let whole = || question::pretty(question.arguments());
        let text = question.draft.clone().unwrap_or_else(whole);
        self.is_editing.store(true, Ordering::Relaxed);
        self.step = Step::Edit(Box::pin(editor.clone().edit(text)));
        Ok(())
    }

    async fn on_arguments(&mut self, text: String) -> Result<(), CliError> {
        let Some(question) = self.questions.next() else { return Ok(()) };
        let edited = question::edited(&text, question.arguments());
        question.draft = Some(text);
        match edited {
            Ok(answer) => self.answer(answer).await,
            Err(wrong) => self.ask_again(&wrong),
        }
    }

    fn ask_again(&mut self, why: &str) -> Result<(), CliError> {
        self.screen.line(Style::Bad, why)?;
        self.then(Step::Choose)
    }

    /// Sends the person's answer. What the server does not take is told, and asked again.
    async fn answer(&mut self, answer: Answer) -> Result<(), CliError> {
        if self.decide(&answer).await? {
            self.questions.answered();
            return Ok(());
        }
        self.then(Step::Choose)
    }

    /// Whether the server has taken the answer, or needs none any more.
    async fn decide(&mut self, answer: &Answer) -> Result<bool, CliError> {
        let Some(question) = self.questions.next() else { return Ok(true) };
        let id = question.asked.request_id.clone();
        let decided = self.server.decide(&id, answer).await;
        match &decided {
            Ok(Decided::Done) => {}
            Ok(Decided::Before(status)) => {
                self.screen.note(&format!("already decided: {status}"))?;
            }
            Ok(Decided::OneOf { given, needed }) => {
                self.screen.note(&format!("noted; {given} of {needed} have approved"))?;
            }
            Ok(Decided::AnotherAsked) => {
                self.screen.note("the changed arguments are for somebody else to approve")?;
            }
            Err(trouble) => self.screen.line(Style::Bad, &format!("not decided: {trouble}"))?,
        }
        Ok(match decided {
            Ok(_) => true,
            Err(Trouble::Refused { status, .. }) => status.as_u16() == 404,
            Err(Trouble::Unreachable(_) | Trouble::Lost(_) | Trouble::Own(_)) => false,
        })
    }
}

/// The next thing that the person says; never, where nobody is asked.
async fn said(step: &mut Step, answering: &mut Answering) -> Result<Said, CliError> {
    match (step, answering) {
        (Step::Edit(editing), _) => Ok(Said::Edited(editing.await)),
        (Step::Choose | Step::Reason | Step::Arguments, Answering::Person(keyboard, _)) => {
            Ok(Said::Line(keyboard.line().await?))
        }
        (Step::Listen | Step::Choose | Step::Reason | Step::Arguments, _) => {
            std::future::pending().await
        }
    }
}

/// What a message may have of the server's words.
fn told(message: &str) -> String {
    crate::domain::text::escape_invisible(message)
}

fn now() -> i64 {
    i64::try_from(SystemClock.now().second().get()).unwrap_or(i64::MAX)
}
