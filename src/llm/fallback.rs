//! Two models as one: the second is asked where the first fails before it has begun to answer.
//!
//! A first model that has failed is left alone for a while, so that its outage does not cost every
//! run the whole time-out. After that, one turn tries it again while the others stay with the
//! second; if that works, all come back. More than two models are a [`Fallback`] in a [`Fallback`].

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::StreamExt;
use parking_lot::{Mutex, MutexGuard};
use tokio::time::Instant;

use super::{ChatModel, ChatRequest, Delta, Failed, ModelError, Pieces, Turn};
use crate::telemetry::metrics::Metrics;

/// A model, and another one for when it fails.
///
/// An answer is the work of one model: whoever has said the first word of it says all of it. What a
/// model thought aloud before it failed stays said, and the other one thinks for itself.
pub struct Fallback {
    pair: Arc<Pair>,
}

/// The two models, and how the first one is.
struct Pair {
    first: Arc<dyn ChatModel>,
    second: Arc<dyn ChatModel>,
    /// How long a first model that has failed is left alone.
    rest: Duration,
    /// Until when it is; `None` while it is well. Held only to look or to write, never across an
    /// await.
    rests_until: Mutex<Option<Instant>>,
    metrics: Metrics,
}

/// One of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Which {
    First,
    Second,
}

impl Which {
    fn other(self) -> Self {
        match self {
            Self::First => Self::Second,
            Self::Second => Self::First,
        }
    }
}

/// What the failure of the first model means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lesson {
    /// It is out of order, for this turn and for others.
    Rest,
    /// It does not take this turn; the second may, for instance a longer conversation.
    AskSecond,
    /// It has said no to what was asked. Nobody looks for a model that says yes.
    Final,
}

impl Lesson {
    fn of(error: &ModelError) -> Self {
        match error {
            ModelError::Unavailable(_)
            | ModelError::RateLimited(_)
            | ModelError::TimedOut(_)
            | ModelError::Denied(_)
            | ModelError::Broken(_)
            | ModelError::Both { .. } => Self::Rest,
            ModelError::Refused(_) => Self::AskSecond,
            ModelError::Filtered(_) => Self::Final,
        }
    }
}

impl Fallback {
    /// `first`, and `second` where that fails; `rest` is how long `first` is left alone then.
    pub fn new(
        first: Arc<dyn ChatModel>,
        second: Arc<dyn ChatModel>,
        rest: Duration,
        metrics: Metrics,
    ) -> Self {
        let rests_until = Mutex::default();
        Self { pair: Arc::new(Pair { first, second, rest, rests_until, metrics }) }
    }
}

impl Pair {
    fn model(&self, which: Which) -> &dyn ChatModel {
        match which {
            Which::First => &*self.first,
            Which::Second => &*self.second,
        }
    }

    /// Whom to ask first for a turn. Whoever tries a first model that was resting keeps all others
    /// away from it until it is known what came of that.
    fn due(&self) -> Which {
        let (now, mut rests_until) = (Instant::now(), self.rests_until());
        match *rests_until {
            None => Which::First,
            Some(until) if now < until => Which::Second,
            Some(_) => {
                *rests_until = Some(now + self.rest);
                Which::First
            }
        }
    }

    async fn ask(&self, which: Which, request: ChatRequest) -> Result<Turn, ModelError> {
        if which == Which::Second {
            self.metrics.model_fallbacks.inc();
        }
        self.model(which).chat(request).await
    }

    /// Takes note of a model that has begun to answer.
    fn answers(&self, which: Which) {
        if which == Which::First {
            self.first_is_well();
        }
    }

    /// Takes note of a model that has failed before it answered; says whether to ask the other one.
    fn failed(&self, which: Which, error: &ModelError) -> bool {
        let lesson = Lesson::of(error);
        match (which, lesson) {
            (Which::First, Lesson::Rest) => self.first_rests(error),
            (Which::First, Lesson::AskSecond | Lesson::Final) => {
                tracing::info!(model = self.first.name(), %error, "the model refused a turn");
                self.first_is_well();
            }
            (Which::Second, Lesson::Rest | Lesson::AskSecond | Lesson::Final) => {}
        }
        lesson != Lesson::Final
    }

    fn first_rests(&self, error: &ModelError) {
        let before = self.rests_until().replace(Instant::now() + self.rest);
        if before.is_none() {
            tracing::warn!(
                model = self.first.name(), fallback = self.second.name(), %error,
                rest_secs = self.rest.as_secs(), "the model failed: its fallback answers for now"
            );
        }
    }

    fn first_is_well(&self) {
        if self.rests_until().take().is_some() {
            tracing::info!(model = self.first.name(), "the model answers again");
        }
    }

    fn rests_until(&self) -> MutexGuard<'_, Option<Instant>> {
        self.rests_until.lock()
    }

    /// That both have failed: `which` by `error`, the other one by `other`.
    fn both(&self, which: Which, error: ModelError, other: ModelError) -> ModelError {
        let (first, second) = match which {
            Which::First => (error, other),
            Which::Second => (other, error),
        };
        let failed = |model: &dyn ChatModel, error| Failed { model: model.name().into(), error };
        ModelError::Both {
            first: Box::new(failed(&*self.first, first)),
            second: Box::new(failed(&*self.second, second)),
        }
    }
}

#[async_trait]
impl ChatModel for Fallback {
    /// The first model's.
    fn name(&self) -> &str {
        self.pair.first.name()
    }

    async fn chat(&self, request: ChatRequest) -> Result<Turn, ModelError> {
        Asking::new(Arc::clone(&self.pair), request).begin().await
    }
}

/// One turn, asked of one model and, if need be, of the other one. A first model that rests is the
/// last resort: better to wait for a model that may fail than to fail for certain.
struct Asking {
    pair: Arc<Pair>,
    request: ChatRequest,
    /// Who is asked now.
    which: Which,
    turn: Option<Turn>,
    /// How the other one has failed, once it has.
    other: Option<ModelError>,
    /// Whether who is asked now has thought aloud.
    has_thought: bool,
    /// Whether a piece of the answer was handed out: from there on nobody else can make it.
    is_answering: bool,
}

impl Pieces for Asking {
    async fn next(&mut self) -> Result<Option<Delta>, ModelError> {
        loop {
            match self.next_of_model().await {
                Ok(Some(delta)) => {
                    if !self.is_answering && delta.is_of_answer() {
                        self.is_answering = true;
                        self.pair.answers(self.which);
                    }
                    self.has_thought |= !self.is_answering;
                    return Ok(Some(delta));
                }
                Ok(None) => return Ok(None),
                Err(error) if self.is_answering => return Err(error),
                Err(error) => {
                    self.turn_to_the_other(error)?;
                    if std::mem::take(&mut self.has_thought) {
                        return Ok(Some(Delta::Restarted));
                    }
                }
            }
        }
    }
}

impl Asking {
    fn new(pair: Arc<Pair>, request: ChatRequest) -> Self {
        let which = pair.due();
        Self {
            pair,
            request,
            which,
            turn: None,
            other: None,
            has_thought: false,
            is_answering: false,
        }
    }

    async fn next_of_model(&mut self) -> Result<Option<Delta>, ModelError> {
        let turn = match &mut self.turn {
            Some(turn) => turn,
            None => self.turn.insert(self.pair.ask(self.which, self.request.clone()).await?),
        };
        match turn.next().await {
            None if !self.is_answering => Err(ModelError::Broken("no end".into())),
            next => next.transpose(),
        }
    }

    fn turn_to_the_other(&mut self, error: ModelError) -> Result<(), ModelError> {
        let ask_other = self.pair.failed(self.which, &error);
        if let Some(other) = self.other.take() {
            return Err(self.pair.both(self.which, error, other));
        }
        if !ask_other {
            return Err(error);
        }
        (self.turn, self.other, self.which) = (None, Some(error), self.which.other());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use futures::stream;

    use super::*;
    use crate::llm::{Delta, TurnEnd};

    /// A model that does what it is told, in order, and then answers with its name.
    struct Scripted {
        name: &'static str,
        script: Mutex<VecDeque<Vec<Result<Delta, ModelError>>>>,
        asked: Mutex<usize>,
    }

    impl Scripted {
        fn failing(name: &'static str, errors: impl IntoIterator<Item = ModelError>) -> Arc<Self> {
            let script = errors.into_iter().map(|error| vec![Err(error)]).collect();
            Arc::new(Self { name, script: Mutex::new(script), asked: Mutex::default() })
        }

        fn asked(&self) -> usize {
            *self.asked.lock()
        }
    }

    #[async_trait]
    impl ChatModel for Scripted {
        fn name(&self) -> &str {
            self.name
        }

        async fn chat(&self, _request: ChatRequest) -> Result<Turn, ModelError> {
            *self.asked.lock() += 1;
            let next = self.script.lock().pop_front();
            let well =
                || vec![Ok(Delta::Text(self.name.into())), Ok(Delta::End(TurnEnd::default()))];
            Ok(stream::iter(next.unwrap_or_else(well)).boxed())
        }
    }

    const REST: Duration = Duration::from_secs(30);

    fn fallback(first: &Arc<Scripted>, second: &Arc<Scripted>) -> Fallback {
        Fallback::new(first.clone(), second.clone(), REST, Metrics::default())
    }

    async fn answer(model: &Fallback) -> Result<String, ModelError> {
        let request = ChatRequest { messages: vec![], tools: [].into(), partial: String::new() };
        let mut turn = model.chat(request).await?;
        let mut text = String::new();
        while let Some(delta) = turn.next().await {
            if let Delta::Text(piece) = delta? {
                text.push_str(&piece);
            }
        }
        Ok(text)
    }

    fn down() -> ModelError {
        ModelError::TimedOut("no answer".into())
    }

    #[tokio::test(start_paused = true)]
    async fn a_model_that_fails_is_left_alone_for_a_while_and_then_tried_by_one_turn() {
        let (first, second) =
            (Scripted::failing("a", [down(), down()]), Scripted::failing("b", []));
        let model = fallback(&first, &second);
        assert_eq!(model.name(), "a");
        for _ in 0..3 {
            assert_eq!(answer(&model).await.unwrap(), "b");
        }
        assert_eq!((first.asked(), second.asked()), (1, 3), "asked once, then left alone");

        tokio::time::advance(REST).await;
        for _ in 0..3 {
            assert_eq!(answer(&model).await.unwrap(), "b");
        }
        assert_eq!(first.asked(), 2, "tried once more, and left alone again");

        tokio::time::advance(REST).await;
        for _ in 0..3 {
            assert_eq!(answer(&model).await.unwrap(), "a");
        }
        assert_eq!((first.asked(), second.asked()), (5, 6), "it is back");
        assert_eq!(model.pair.metrics.model_fallbacks.get(), 6);
    }

    #[tokio::test(start_paused = true)]
    async fn while_one_turn_tries_the_model_the_others_stay_with_the_second() {
        let (first, second) = (Scripted::failing("a", [down()]), Scripted::failing("b", []));
        let model = fallback(&first, &second);
        answer(&model).await.unwrap();
        tokio::time::advance(REST).await;
        assert_eq!(model.pair.due(), Which::First, "the one that tries");
        assert_eq!(model.pair.due(), Which::Second, "all others");
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_that_the_model_does_not_take_is_no_reason_to_leave_it_alone() {
        let refused = ModelError::Refused("too long".into());
        let (first, second) = (Scripted::failing("a", [refused]), Scripted::failing("b", []));
        let model = fallback(&first, &second);
        assert_eq!(answer(&model).await.unwrap(), "b");
        assert_eq!(answer(&model).await.unwrap(), "a");
    }

    #[tokio::test(start_paused = true)]
    async fn what_a_content_filter_stops_is_asked_of_nobody_else() {
        let filtered = ModelError::Filtered("no".into());
        let first = Scripted::failing("a", [filtered.clone()]);
        let second = Scripted::failing("b", []);
        let model = fallback(&first, &second);
        assert_eq!(answer(&model).await.unwrap_err(), filtered);
        assert_eq!(second.asked(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_asked_of_the_second_once_a_piece_was_handed_out() {
        let broken = ModelError::Broken("cut".into());
        let first = Scripted::failing("a", []);
        let half = vec![Ok(Delta::Text("half".into())), Err(broken.clone())];
        first.script.lock().push_back(half);
        let second = Scripted::failing("b", []);
        let model = fallback(&first, &second);
        assert_eq!(answer(&model).await.unwrap_err(), broken);
        assert_eq!(second.asked(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_model_that_only_thought_before_it_failed_has_not_answered() {
        let first = Scripted::failing("a", []);
        let thinks = vec![Ok(Delta::Reasoning("hm".into())), Err(down())];
        first.script.lock().push_back(thinks);
        let second = Scripted::failing("b", []);
        let model = fallback(&first, &second);
        assert_eq!(answer(&model).await.unwrap(), "b");
        assert_eq!(answer(&model).await.unwrap(), "b", "it is left alone");
        assert_eq!((first.asked(), second.asked()), (1, 2));
    }

    #[tokio::test(start_paused = true)]
    async fn if_both_fail_the_error_says_so_of_both_and_a_resting_model_is_the_last_resort() {
        let denied = || ModelError::Denied("401".into());
        let first = Scripted::failing("a", [down()]);
        let second = Scripted::failing("b", [denied(), denied()]);
        let model = fallback(&first, &second);
        assert_eq!(
            answer(&model).await.unwrap_err().to_string(),
            "a: the model did not answer in time: no answer; \
             b: the model's provider denies access: 401"
        );
        assert_eq!(answer(&model).await.unwrap(), "a", "resting, but better than nothing");
    }
}
