//! A person with a browser: reads the stream of a run, comes back whenever it breaks off, answers
//! what is asked, and keeps every byte.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::checker::Violation;
use crate::cluster::Cluster;
use crate::journal;
use crate::plan::{Channel, Plan, Reaction};
use crate::rng::Rng;
use aura_testing::app::Caller;
use aura_testing::stream::Frame;

const STREAM: &str = "/aura/test/stream";
/// How long a server may take to answer before the next one is tried.
const ANSWER: Duration = Duration::from_secs(4);
/// Keep-alives come every second; a stream that is silent for so long is dead.
const SILENCE: Duration = Duration::from_secs(5);
/// Between two attempts.
const PAUSE: Duration = Duration::from_millis(100);
/// Between two publications of the same signal.
const REPEAT: Duration = Duration::from_millis(700);

/// Where the person acts.
#[derive(Clone)]
pub struct Environment {
    /// The servers.
    pub cluster: Arc<Cluster>,
    /// The Redis that the Main Service and `redis-cli` use: not behind any proxy.
    pub redis: String,
    /// The browser's connections.
    pub http: reqwest::Client,
    /// What chooses servers and ways.
    pub seed: u64,
}

/// Holds a person's answers back until a phase of the test has come.
pub struct Barrier {
    /// In which phase the person answers.
    pub opens_at: usize,
    /// The phase of the test.
    pub phase: watch::Receiver<usize>,
    /// How many people have been asked.
    pub asked: Arc<watch::Sender<usize>>,
}

/// What the person has seen and done.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// The session, once it is known.
    pub session: Option<String>,
    /// Every frame, over all connections, in the order of arrival.
    pub frames: Vec<Frame>,
    /// How often the stream broke off.
    pub broken_off: usize,
    /// How often the person went away.
    pub left: usize,
    /// What the person says to each request.
    pub reactions: HashMap<String, Reaction>,
    /// Whether the person cancels the run.
    pub cancels: bool,
    /// What else servers answered, and how often.
    pub refusals: BTreeMap<String, usize>,
}

impl History {
    fn last_id(&self) -> Option<u64> {
        self.frames.last().map(|frame| frame.id)
    }
}

/// Why a connection was left.
enum Left {
    /// The run is over.
    Done,
    /// The connection was lost, or given up.
    Lost,
}

/// A person at work.
pub struct ClientActor {
    plan: Plan,
    environment: Environment,
    rng: Rng,
    history: History,
    /// The id of the last frame, for those who wait for something to happen.
    progress: watch::Sender<u64>,
    barrier: Option<Barrier>,
    /// Decisions and cancellations under way; they end with the person.
    actions: JoinSet<Result<(), Violation>>,
}

impl ClientActor {
    /// A person with a plan.
    pub fn new(plan: Plan, environment: Environment) -> Self {
        let rng = Rng::of(environment.seed, "person", plan.index);
        let progress = watch::Sender::new(0);
        let (history, actions) = (History::default(), JoinSet::new());
        Self { plan, environment, rng, history, progress, barrier: None, actions }
    }

    /// The same person, who answers only when the barrier has opened.
    pub fn behind(mut self, barrier: Barrier) -> Self {
        self.barrier = Some(barrier);
        self
    }

    /// Does everything, to the trailer. `patience` counts from the arrival.
    pub async fn live(mut self, patience: Duration) -> (Plan, Result<History, Violation>) {
        sleep(self.plan.arrives).await;
        let lived = match timeout(patience, self.see_it_through()).await {
            Ok(lived) => lived,
            Err(_) => Err(format!("no end after {patience:?}: {}", self.situation())),
        };
        let lived = lived.and_then(|()| self.actions_done());
        (self.plan, lived.map(|()| self.history))
    }

    fn situation(&self) -> String {
        let History { session, frames, broken_off, refusals, .. } = &self.history;
        let (frames, last) = (frames.len(), frames.last().map(|frame| &frame.raw));
        let actions = self.actions.len();
        format!(
            "{session:?}, {frames} frames, {broken_off} breaks, {refusals:?}, {actions} actions under \
             way, {last:?}"
        )
    }

    async fn see_it_through(&mut self) -> Result<(), Violation> {
        loop {
            if let Some(response) = self.connect().await? {
                match self.read(response).await? {
                    Left::Done => break,
                    Left::Lost => {}
                }
            }
            sleep(PAUSE).await;
        }
        Ok(())
    }

    /// What went wrong with what the person did. Actions that still try to reach somebody come too
    /// late.
    fn actions_done(&mut self) -> Result<(), Violation> {
        while let Some(action) = self.actions.try_join_next() {
            action.unwrap()?;
        }
        Ok(())
    }

    /// Asks any server for the stream, from where it was lost.
    async fn connect(&mut self) -> Result<Option<Response>, Violation> {
        let caller = self.environment.caller(&mut self.rng, &self.plan);
        let request = self.stream_request(&caller);
        let response = match timeout(ANSWER, request.send()).await {
            Ok(Ok(response)) => response,
            Ok(Err(_)) => return Ok(self.refused("no connection")),
            Err(_) => return Ok(self.refused("no answer")),
        };
        match response.status() {
            StatusCode::OK => {}
            status @ (StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS) => {
                return Ok(self.refused(status.as_str()));
            }
            status => {
                let body = timeout(ANSWER, response.text()).await;
                return Err(format!("the stream was refused: {status} {body:?}"));
            }
        }
        let session = response.headers()["x-session-id"].to_str().unwrap().to_owned();
        match &self.history.session {
            Some(known) if *known != session => Err(format!("{known} has become {session}")),
            _ => {
                self.history.session = Some(session);
                Ok(Some(response))
            }
        }
    }

    fn refused(&mut self, how: &str) -> Option<Response> {
        *self.history.refusals.entry(how.to_owned()).or_default() += 1;
        None
    }

    /// One of the ways of contract section 4.5.
    fn stream_request(&mut self, caller: &Caller) -> RequestBuilder {
        let Some(session) = &self.history.session else {
            let request = caller.post_stream(json!({ "prompt": self.plan.prompt() }));
            return match self.plan.key() {
                Some(key) => request.header("Idempotency-Key", key),
                None => request,
            };
        };
        let join = format!("/aura/sessions/{session}/stream");
        let Some(last) = self.history.last_id() else {
            return caller.request(Method::GET, &join);
        };
        let request = match self.rng.below(4) {
            0 => caller.request(Method::GET, &join),
            1 => caller.post_stream(json!({ "sessionId": session })),
            2 => caller.request(Method::POST, STREAM).header("X-Session-ID", session),
            _ => caller.post_stream(json!({ "prompt": self.plan.prompt() })),
        };
        request.header("Last-Event-ID", last)
    }

    /// Reads one connection.
    async fn read(&mut self, response: Response) -> Result<Left, Violation> {
        let mut body = response.bytes_stream();
        let mut buffer = Vec::new();
        loop {
            self.actions_done()?;
            while let Some(end) = buffer.windows(2).position(|pair| pair == b"\n\n") {
                let raw: Vec<u8> = buffer.drain(..end + 2).collect();
                let raw = String::from_utf8(raw).unwrap();
                if raw != ": keep-alive id:\n\n" {
                    self.see(Frame::parse(&raw))?;
                    if self.leaves() {
                        self.history.left += 1;
                        return Ok(Left::Lost);
                    }
                }
            }
            let done = self.is_done();
            match timeout(SILENCE, body.next()).await {
                Ok(Some(Ok(bytes))) => buffer.extend_from_slice(&bytes),
                _ if done => return Ok(Left::Done),
                Ok(None) => return Err("a stream ended as whole without its trailer".into()),
                // Half a frame at the end of a lost connection has not been seen.
                Ok(Some(Err(_))) | Err(_) => {
                    self.history.broken_off += 1;
                    return Ok(Left::Lost);
                }
            }
        }
    }

    fn is_done(&self) -> bool {
        self.history.frames.last().is_some_and(Frame::is_done)
    }

    /// Whether the person goes away now. Nobody does so after the trailer, only to be sent it again.
    fn leaves(&self) -> bool {
        !self.is_done() && self.plan.leaves_after.contains(&self.history.frames.len())
    }

    fn see(&mut self, frame: Frame) -> Result<(), Violation> {
        if let Some(last) = self.history.last_id()
            && frame.id <= last
        {
            return Err(format!("after {last} came {:?}", frame.raw));
        }
        self.progress.send_replace(frame.id);
        if frame.is("hitl") {
            self.answer(&frame);
        }
        self.history.frames.push(frame);
        if self.plan.cancels_after == Some(self.history.frames.len()) {
            self.cancel();
        }
        Ok(())
    }

    /// Thinks, and answers, while the stream goes on.
    fn answer(&mut self, hitl: &Frame) {
        let request = hitl.data["requestId"].as_str().unwrap().to_owned();
        self.history.reactions.insert(request.clone(), self.plan.reaction);
        let action = Action {
            rng: Rng::of(self.environment.seed, "answer", self.plan.index),
            plan: self.plan.clone(),
            environment: self.environment.clone(),
            session: self.history.session.clone().unwrap(),
            request,
        };
        let (thinks, channel) = (self.plan.thinks, self.plan.channel);
        let (asked, mut progress) = (hitl.id, self.progress.subscribe());
        let barrier = self.barrier.as_ref().map(|barrier| {
            barrier.asked.send_modify(|asked| *asked += 1);
            (barrier.phase.clone(), barrier.opens_at)
        });
        self.actions.spawn(async move {
            if let Some((mut phase, opens_at)) = barrier {
                phase.wait_for(|phase| *phase >= opens_at).await.unwrap();
            }
            sleep(thinks).await;
            match channel {
                Channel::Rest => action.over_rest().await,
                Channel::Keys => action.by_keys().await,
                Channel::Publish => tokio::select! {
                    _ = progress.wait_for(|last| *last > asked) => Ok(()),
                    never = action.by_publishing() => never,
                },
            }
        });
    }

    fn cancel(&mut self) {
        self.history.cancels = true;
        let action = Action {
            rng: Rng::of(self.environment.seed, "cancel", self.plan.index),
            plan: self.plan.clone(),
            environment: self.environment.clone(),
            session: self.history.session.clone().unwrap(),
            request: String::new(),
        };
        self.actions.spawn(action.cancelling());
    }
}

impl Environment {
    /// The person, at any of the servers.
    fn caller(&self, rng: &mut Rng, plan: &Plan) -> Caller {
        let doors = self.cluster.doors.all();
        let door = &doors[rng.below(doors.len())];
        Caller::new(self.http.clone(), door, "tenant1", &plan.user())
    }
}

/// Something that is done beside reading.
struct Action {
    plan: Plan,
    environment: Environment,
    rng: Rng,
    session: String,
    request: String,
}

impl Action {
    /// Asks any server until one has decided; a refusal says why it could not.
    async fn over_rest(mut self) -> Result<(), Violation> {
        let (verb, body, status) = match self.plan.reaction {
            Reaction::Approve => ("approve", json!({}), "approved"),
            Reaction::Reject => ("reject", json!({ "reason": "아니요" }), "rejected"),
        };
        let path = format!("/aura/hitl/{verb}/{}", self.request);
        let (code, answer) = self.insist(&path, body).await;
        let standing = answer["data"]["status"].as_str().unwrap_or_default();
        match code {
            StatusCode::OK => Ok(()),
            // An earlier attempt has decided whose answer was lost, or the run was cancelled.
            StatusCode::CONFLICT if standing == status || standing == "cancelled" => Ok(()),
            _ => Err(format!("{path} was answered with {code} {answer}")),
        }
    }

    async fn cancelling(mut self) -> Result<(), Violation> {
        let path = format!("/aura/sessions/{}/cancel", self.session);
        match self.insist(&path, json!({})).await {
            (StatusCode::OK | StatusCode::CONFLICT, _) => Ok(()),
            (code, answer) => Err(format!("{path} was answered with {code} {answer}")),
        }
    }

    /// Posts to one server after the other until one says something else than "not now".
    async fn insist(&mut self, path: &str, body: Value) -> (StatusCode, Value) {
        loop {
            let caller = self.environment.caller(&mut self.rng, &self.plan);
            let request = caller.request(Method::POST, path).json(&body);
            self.environment.cluster.append_log.decides(&self.session);
            let answered = timeout(ANSWER, async {
                let response = request.send().await?;
                Ok::<_, reqwest::Error>((response.status(), response.json::<Value>().await?))
            });
            if let Ok(Ok((status, answer))) = answered.await
                && !status.is_server_error()
            {
                return (status, answer);
            }
            sleep(PAUSE).await;
        }
    }

    /// What the Main Service does; Redis is asked until it takes it.
    async fn by_keys(self) -> Result<(), Violation> {
        // Redis may be away, or still loading what it had stored.
        self.environment.cluster.append_log.decides(&self.session);
        while self.write_keys().await.is_err() {
            sleep(PAUSE).await;
            self.environment.cluster.append_log.decides(&self.session);
        }
        Ok(())
    }

    async fn write_keys(&self) -> redis::RedisResult<()> {
        let mut redis = journal::connect(&self.environment.redis).await?;
        let key = format!("hitl:request:{}", self.request);
        let stored: Option<String> = redis::cmd("GET").arg(&key).query_async(&mut redis).await?;
        let stored = stored.unwrap_or_else(|| panic!("{key} is not there"));
        let mut request: Value = serde_json::from_str(&stored).unwrap();
        let signal = self.signal();
        request["status"] = signal["status"].clone();
        let signal = signal.to_string();
        let mut steps = redis::pipe();
        steps.set_ex(&key, request.to_string(), 1800).ignore();
        steps.set_ex(format!("hitl:signal:{}", self.session), &signal, 300).ignore();
        steps.publish(format!("hitl:channel:{}", self.session), &signal).ignore();
        steps.query_async(&mut redis).await
    }

    /// Publishes for ever: whoever hears it may die before acting on it.
    async fn by_publishing(self) -> Result<(), Violation> {
        let signal = self.signal().to_string();
        let channel = format!("hitl:channel:{}", self.session);
        loop {
            if let Ok(mut redis) = journal::connect(&self.environment.redis).await {
                let mut publish = redis::cmd("PUBLISH");
                publish.arg(&channel).arg(&signal);
                // If it is away, it is back the next time.
                let _: redis::RedisResult<usize> = publish.query_async(&mut redis).await;
            }
            sleep(REPEAT).await;
        }
    }

    fn signal(&self) -> Value {
        let (kind, status) = match self.plan.reaction {
            Reaction::Approve => ("approval", "approved"),
            Reaction::Reject => ("rejection", "rejected"),
        };
        json!({ "type": kind, "requestId": self.request, "status": status, "timestamp": 1_706_152_860 })
    }
}
