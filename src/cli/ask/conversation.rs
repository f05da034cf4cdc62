//! The run and the person: what comes from either is brought together here.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures::{Stream, StreamExt};

use super::answering::{Absence, Answering};
use super::decision::{Answer, Decided};
use super::following::Incoming;
use super::keyboard::Typed;
use super::question::{self, Key};
use super::questions::{Question, Questions};
use super::report;
use super::screen::{Screen, Style};
use super::sending::{Sending, Sent};
use super::server::Server;
use super::step::{Field, Said, Step};
use super::trouble::Trouble;
use crate::cli::CliError;
use crate::domain::event::EndStatus;
use crate::domain::event::told::{Told, ToldEvent};
use crate::domain::{Clock, RequestId, SessionId, SystemClock};

const REASON: &str = "reason (Enter for none): ";
const ARGUMENTS: &str = "arguments, as one line of JSON (Enter to leave them): ";

/// How often a person's answer is sent before they are asked again.
const ATTEMPTS: u32 = 3;
const UNDERSTOOD: &str = "only y, n and e are understood";
const CUT: &str = "a terminal cuts lines of more than 4,095 bytes, so this one does not count; set $EDITOR to \
                   change longer arguments";

/// A run that somebody looks at.
pub(super) struct Conversation<'a> {
    server: Arc<Server>,
    screen: Screen,
    answering: Answering,
    questions: Questions,
    step: Step,
    session: Option<SessionId>,
    /// The command that asks this server, ready to be pasted.
    command: String,
    ended: Option<EndStatus>,
    is_editing: &'a AtomicBool,
}

impl<'a> Conversation<'a> {
    /// Before the first event. `command` asks this server; `is_editing` tells others whether the terminal
    /// belongs to an editor.
    pub(super) fn new(
        server: Arc<Server>,
        screen: Screen,
        answering: Answering,
        command: String,
        is_editing: &'a AtomicBool,
    ) -> Self {
        let (questions, step, session, ended) = (Questions::default(), Step::Listen, None, None);
        Self { server, screen, answering, questions, step, session, command, ended, is_editing }
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
                said = self.step.said(&mut self.answering) => self.on_said(said?)?,
            }
            self.ask_next().await?;
        }
    }

    /// Says how to come back to a run that goes on.
    pub(super) fn leave(&mut self) -> Result<(), CliError> {
        let Some(session) = &self.session else {
            return Ok(self.screen.note("left before the server told of a run")?);
        };
        let command = &self.command;
        self.screen.note("the run goes on; to come back, with the same AURA_TOKEN:")?;
        self.screen.line(Style::Plain, &format!("{command} --session {session}"))?;
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
                return Ok(Some(Err(self.useless(&trouble))));
            }
        }
        Ok(None)
    }

    /// Nothing more can be had of the server.
    fn useless(&self, trouble: &Trouble) -> CliError {
        CliError::Failed(told(&format!("{}: {trouble}", self.server.address())))
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
        let asked_now = self.questions.next().map(|question| question.id.clone());
        let settled = self.questions.take(&event);
        for Question { id, asked, .. } in settled.map_err(|trouble| self.useless(&trouble))? {
            // The server's reply to the decision that is being sent says how the question was settled.
            if matches!(&self.step, Step::Send(sending) if *sending.request() == id) {
                continue;
            }
            let what = &asked.action_type;
            self.screen
                .note(&format!("{what} ({id}) was decided elsewhere, or its time is over"))?;
            if asked_now.as_ref() == Some(&id) {
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
            Step::Type(field) => self.prompt(field),
            Step::Edit(_) | Step::Send(_) => return Ok(()),
        };
        if !self.screen.has_prompt() {
            self.screen.prompt(prompt)?;
        }
        Ok(())
    }

    fn prompt(&mut self, field: Field) -> &'static str {
        let choices = |question: &mut Question| question::choices(&question.asked);
        match field {
            Field::Choice => self.questions.next().map_or(question::CHOICES, choices),
            Field::Reason => REASON,
            Field::Arguments => ARGUMENTS,
        }
    }

    /// Shows the next question that is open, and lets it be answered.
    async fn begin_next(&mut self) -> Result<(), CliError> {
        while let Some(question) = self.questions.next() {
            let id = question.id.clone();
            if let Ok(standing) = self.server.standing(&id).await {
                self.questions.know(standing);
            }
            let Some(question) = self.questions.next() else { return Ok(()) };
            if question.id != id {
                continue;
            }
            let choices = question::choices(&question.asked);
            let text = question::text(&question.asked, now());
            self.screen.line(Style::Bold, &text)?;
            if let Some(answer) = self.answering.settled() {
                return self.answer(answer);
            }
            match &mut self.answering {
                Answering::Person(keyboard, _) => {
                    keyboard.clear();
                    self.step = Step::Type(Field::Choice);
                    return Ok(self.screen.prompt(choices)?);
                }
                Answering::Elsewhere(absence) => {
                    let absence = *absence;
                    self.tell_how(absence, &id)?;
                }
                Answering::Approve | Answering::Reject(_) => return Ok(()),
            }
        }
        Ok(())
    }

    /// Says how a question can be decided that nobody is asked here.
    fn tell_how(&mut self, absence: Absence, id: &RequestId) -> Result<(), CliError> {
        let (address, command, why) = (self.server.address(), &self.command, absence.words());
        let session = self.session.as_ref().map_or("ID", SessionId::as_str);
        let how = format!(
            "{why}; to decide, with the same AURA_TOKEN: {command} --session {session} in a terminal, or with \
             --approve or --reject; or POST {address}/aura/approvals/{id}/approve or {address}/aura/approvals/{id}/reject"
        );
        self.questions.answered();
        Ok(self.screen.note(&how)?)
    }

    fn on_said(&mut self, said: Said) -> Result<(), CliError> {
        self.step = Step::Listen;
        match said {
            Said::Typed(field, typed) => self.on_typed(field, typed),
            Said::Edited(edited) => {
                self.is_editing.store(false, Ordering::Relaxed);
                match edited {
                    Ok(text) => self.on_arguments(text),
                    Err(error) => self.ask_again(&error.to_string()),
                }
            }
            Said::Sent(sent) => self.on_sent(*sent),
        }
    }

    fn on_typed(&mut self, field: Field, typed: Typed) -> Result<(), CliError> {
        match typed {
            Typed::Line(line) => {
                self.screen.was_answered();
                self.on_line(field, line)
            }
            Typed::Cut => {
                self.screen.was_answered();
                self.ask_again(CUT)
            }
            Typed::Ended => self.on_input_ended(),
        }
    }

    fn on_input_ended(&mut self) -> Result<(), CliError> {
        let absence = Absence::InputEnded;
        self.answering = Answering::Elsewhere(absence);
        match self.questions.next().map(|question| question.id.clone()) {
            Some(id) => self.tell_how(absence, &id),
            None => Ok(()),
        }
    }

    fn on_line(&mut self, field: Field, line: String) -> Result<(), CliError> {
        match field {
            Field::Choice => match Key::typed(&line) {
                Some(Key::Yes) => self.answer(Answer::Approve),
                Some(Key::No) => self.then(Step::Type(Field::Reason)),
                Some(Key::Edit) => self.edit(),
                None if line.is_empty() => self.then(Step::Type(Field::Choice)),
                None => self.ask_again(UNDERSTOOD),
            },
            Field::Reason => {
                self.answer(Answer::Reject(Some(line).filter(|reason| !reason.is_empty())))
            }
            Field::Arguments if line.is_empty() => self.then(Step::Type(Field::Choice)),
            Field::Arguments => self.on_arguments(line),
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
            // Nothing can be put behind the prompt; it can be copied from here.
            let line = question.draft.clone().unwrap_or_else(|| question.arguments().to_string());
            self.screen.line(Style::Plain, &line)?;
            return self.then(Step::Type(Field::Arguments));
        };
        let whole = || question::pretty(question.arguments());
        let text = question.draft.clone().unwrap_or_else(whole);
        self.is_editing.store(true, Ordering::Relaxed);
        self.step = Step::Edit(Box::pin(editor.clone().edit(text)));
        Ok(())
    }

    fn on_arguments(&mut self, text: String) -> Result<(), CliError> {
        let Some(question) = self.questions.next() else { return Ok(()) };
        let edited = question::edited(&text, question.arguments());
        question.draft = Some(text);
        match edited {
            Ok(answer) => self.answer(answer),
            Err(wrong) => self.ask_again(&wrong),
        }
    }

    fn ask_again(&mut self, why: &str) -> Result<(), CliError> {
        self.screen.line(Style::Bad, why)?;
        self.then(Step::Type(Field::Choice))
    }

    /// Sends the answer to the question that is asked.
    fn answer(&mut self, answer: Answer) -> Result<(), CliError> {
        let Some(question) = self.questions.next() else { return Ok(()) };
        let sending = Sending::begin(&self.server, question.id.clone(), answer);
        self.then(Step::Send(sending))
    }

    /// Takes what came of an answer. One that was not taken is sent again: a person's a few times, for they can
    /// be asked, and one that was given beforehand until the question is settled.
    fn on_sent(&mut self, sent: Sent) -> Result<(), CliError> {
        let is_open = self.questions.next().is_some_and(|open| open.id == sent.request);
        let is_given = self.answering.settled().is_some();
        match &sent.result {
            Ok(decided) => {
                self.tell(decided)?;
                self.is_answered(is_open);
            }
            Err(trouble) if !is_open => {
                self.screen.note(&format!("whose decision counted is not known: {trouble}"))?;
            }
            Err(trouble)
                if trouble.may_pass_for_decisions() && (is_given || sent.attempts < ATTEMPTS) =>
            {
                if sent.attempts == 1 {
                    self.screen.note(&format!("not decided yet, sent again: {trouble}"))?;
                }
                return self.then(Step::Send(sent.again(&self.server)));
            }
            Err(trouble) => {
                self.screen.line(Style::Bad, &format!("not decided: {trouble}"))?;
                let is_gone =
                    matches!(trouble, Trouble::Refused { status, .. } if status.as_u16() == 404);
                if !(is_given || is_gone) {
                    return self.then(Step::Type(Field::Choice));
                }
                self.is_answered(is_open);
            }
        }
        Ok(())
    }

    fn is_answered(&mut self, is_open: bool) {
        if is_open {
            self.questions.answered();
        }
    }

    fn tell(&mut self, decided: &Decided) -> Result<(), CliError> {
        let note = match decided {
            Decided::Done => return Ok(()),
            Decided::Before(how) => format!("already decided: {}", how.word()),
            Decided::OneOf { given, needed } => {
                format!("noted; {given} of {needed} have approved")
            }
            Decided::AskedAnew => {
                "the arguments were changed; the question is asked anew".to_owned()
            }
        };
        Ok(self.screen.note(&note)?)
    }
}

/// What a message may have of the server's words.
fn told(message: &str) -> String {
    crate::domain::text::escape_invisible(message)
}

fn now() -> i64 {
    i64::try_from(SystemClock.now().second().get()).unwrap_or(i64::MAX)
}
