//! Two models as one: the second is asked where the first fails before anything was shown.
//!
//! A first model that has failed is left alone for a while, so that its outage does not cost every
//! run the whole time-out. After that, one turn tries it again while the others stay with the
//! second; if that works, all come back. More than two models are a [`Fallback`] in a [`Fallback`].

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use futures::{StreamExt, stream};
use tokio::time::Instant;

use super::{ChatModel, ChatRequest, Failed, ModelError, Turn};
use crate::telemetry::metrics::Metrics;

/// A model, and another one for when it fails.
///
/// A turn is the work of one model: whoever has said the first word of it says all of it.
pub struct Fallback {
    first: Arc<dyn ChatModel>,
    second: Arc<dyn ChatModel>,
    /// How long a first model that has failed is left alone.
    rest: Duration,
    /// Until when it is; `None` while it is well. Held only to look or to write, never across an
    /// await.
    rests_until: Mutex<Option<Instant>>,
    metrics: Metrics,
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
        Self { first, second, rest, rests_until: Mutex::default(), metrics }
    }

    /// Whether to ask the first model for this turn. Whoever tries one that was resting keeps all
    /// others away from it until it is known what came of that.
    fn is_first_due(&self) -> bool {
        let (now, mut rests_until) = (Instant::now(), self.rests_until());
        match *rests_until {
            None => true,
            Some(until) if now < until => false,
            Some(_) => {
                *rests_until = Some(now + self.rest);
                true
            }
        }
    }

    async fn ask_first(&self, request: ChatRequest) -> Result<Turn, ModelError> {
        let begun = begin(&*self.first, request).await;
        match begun.as_ref().map_err(|error| (error, Lesson::of(error))) {
            Err((error, Lesson::Rest)) => self.first_rests(error),
            Err((error, Lesson::AskSecond | Lesson::Final)) => {
                tracing::info!(model = self.first.name(), %error, "the model refused a turn");
                self.first_is_well();
            }
            Ok(_) => self.first_is_well(),
        }
        begun
    }

    async fn ask_second(&self, request: ChatRequest) -> Result<Turn, ModelError> {
        self.metrics.model_fallbacks.inc();
        begin(&*self.second, request).await
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
        self.rests_until.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn both(&self, first: ModelError, second: ModelError) -> ModelError {
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
        self.first.name()
    }

    async fn chat(&self, request: ChatRequest) -> Result<Turn, ModelError> {
        if !self.is_first_due() {
            return match self.ask_second(request.clone()).await {
                // Better to wait for a model that may fail than to fail for certain.
                Err(second) if Lesson::of(&second) != Lesson::Final => {
                    self.ask_first(request).await.map_err(|first| self.both(first, second))
                }
                turn => turn,
            };
        }
        match self.ask_first(request.clone()).await {
            Err(first) if Lesson::of(&first) != Lesson::Final => {
                self.ask_second(request).await.map_err(|second| self.both(first, second))
            }
            turn => turn,
        }
    }
}

/// A turn whose first piece has come: from here on it is shown, and nobody else can make it.
async fn begin(model: &dyn ChatModel, request: ChatRequest) -> Result<Turn, ModelError> {
    let mut turn = model.chat(request).await?;
    match turn.next().await {
        Some(first) => Ok(stream::iter([Ok(first?)]).chain(turn).boxed()),
        None => Err(ModelError::Broken("no end".into())),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

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
            *self.asked.lock().unwrap()
        }
    }

    #[async_trait]
    impl ChatModel for Scripted {
        fn name(&self) -> &str {
            self.name
        }

        async fn chat(&self, _request: ChatRequest) -> Result<Turn, ModelError> {
            *self.asked.lock().unwrap() += 1;
            let next = self.script.lock().unwrap().pop_front();
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
        let request = ChatRequest { messages: vec![], tools: [].into(), begun: String::new() };
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
        assert_eq!(model.metrics.model_fallbacks.get(), 6);
    }

    #[tokio::test(start_paused = true)]
    async fn while_one_turn_tries_the_model_the_others_stay_with_the_second() {
        let (first, second) = (Scripted::failing("a", [down()]), Scripted::failing("b", []));
        let model = fallback(&first, &second);
        answer(&model).await.unwrap();
        tokio::time::advance(REST).await;
        assert!(model.is_first_due(), "the one that tries");
        assert!(!model.is_first_due(), "all others");
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
        first.script.lock().unwrap().push_back(half);
        let second = Scripted::failing("b", []);
        let model = fallback(&first, &second);
        assert_eq!(answer(&model).await.unwrap_err(), broken);
        assert_eq!(second.asked(), 0);
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
