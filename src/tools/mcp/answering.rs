//! What a server asks of us, answered at once and within a bound.
//!
//! The library gives each request of a server a task, and each answer a place in a queue without an
//! end. A server that asks and does not read would fill the memory. Nothing is offered to servers,
//! so there is nothing to ask but whether we live: all of it is answered here, and the library sees
//! only what concerns our own requests.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use rmcp::RoleClient;
use rmcp::model::{
    ClientJsonRpcMessage, ClientResult, ErrorCode, ErrorData, RequestId, ServerJsonRpcMessage,
    ServerNotification, ServerRequest,
};
use rmcp::transport::Transport;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout, timeout_at};

use super::link::Link;

/// Answers that wait for the server to read them; until there are fewer, nothing is read of it.
const WAITING_MAX: usize = 64;

/// How long closing a connection may take.
const CLOSE: Duration = Duration::from_secs(1);

/// A connection on which servers' requests and notifications are dealt with.
pub(super) struct Answering<T> {
    inner: T,
    link: Arc<Link>,
    /// Woken when the server says that its tools are others.
    changed: Arc<Notify>,
    /// How long a server may leave all of [`WAITING_MAX`] answers unread.
    patience: Duration,
    /// The answers that are being sent.
    waiting: FuturesUnordered<BoxFuture<'static, ()>>,
    /// When a server that reads none of them is given up.
    deadline: Option<Instant>,
}

impl<T: Transport<RoleClient>> Answering<T> {
    pub(super) fn new(inner: T, link: Arc<Link>, changed: Arc<Notify>, patience: Duration) -> Self {
        let waiting = FuturesUnordered::new();
        Self { inner, link, changed, patience, waiting, deadline: None }
    }

    fn answer(&mut self, request: &ServerRequest, id: RequestId) {
        let answer = match request {
            ServerRequest::PingRequest(_) => {
                ClientJsonRpcMessage::response(ClientResult::empty(()), id)
            }
            _ => {
                let message = "this client offers nothing to servers";
                let error = ErrorData::new(ErrorCode::METHOD_NOT_FOUND, message, None);
                ClientJsonRpcMessage::error(error, Some(id))
            }
        };
        let sent = self.inner.send(answer);
        // A connection on which nothing can be sent ends, which is noticed by reading.
        self.waiting.push(Box::pin(async { drop(sent.await) }));
    }

    /// Waits until an answer is read; `false`: none is for too long.
    async fn is_read(&mut self) -> bool {
        let deadline = *self.deadline.get_or_insert_with(|| Instant::now() + self.patience);
        let is_read = timeout_at(deadline, self.waiting.next()).await.is_ok();
        if is_read {
            self.deadline = None;
        }
        is_read
    }
}

impl<T: Transport<RoleClient>> Transport<RoleClient> for Answering<T> {
    type Error = T::Error;

    fn send(
        &mut self,
        message: ClientJsonRpcMessage,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send + 'static {
        self.inner.send(message)
    }

    /// The next message that concerns a request of ours. May be dropped and called again at any time.
    async fn receive(&mut self) -> Option<ServerJsonRpcMessage> {
        loop {
            if self.waiting.len() >= WAITING_MAX {
                if !self.is_read().await {
                    self.link.note_unread();
                    return None;
                }
                continue;
            }
            let message = tokio::select! {
                Some(()) = self.waiting.next() => continue,
                message = self.inner.receive() => message?,
            };
            match message {
                ServerJsonRpcMessage::Request(asked) => self.answer(&asked.request, asked.id),
                ServerJsonRpcMessage::Notification(told) => {
                    if let ServerNotification::ToolListChangedNotification(_) = told.notification {
                        self.changed.notify_one();
                    }
                }
                answer @ (ServerJsonRpcMessage::Response(_) | ServerJsonRpcMessage::Error(_)) => {
                    return Some(answer);
                }
            }
        }
    }

    /// Closes it, for which a message that is being sent is waited for a moment only: the server may
    /// not read it.
    async fn close(&mut self) -> Result<(), Self::Error> {
        self.waiting.clear();
        timeout(CLOSE, self.inner.close()).await.unwrap_or(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use futures::future::Either;
    use serde_json::json;

    use super::*;

    /// A server that pings as long as it is read, and reads `reads` of the answers.
    struct Pinging {
        reads: usize,
        answers: usize,
    }

    impl Transport<RoleClient> for Pinging {
        type Error = std::io::Error;

        fn send(
            &mut self,
            _: ClientJsonRpcMessage,
        ) -> impl Future<Output = Result<(), Self::Error>> + Send + 'static {
            self.answers += 1;
            if self.answers <= self.reads {
                Either::Left(ready(Ok(())))
            } else {
                Either::Right(pending())
            }
        }

        async fn receive(&mut self) -> Option<ServerJsonRpcMessage> {
            let message = match self.answers < 1000 {
                true => json!({"jsonrpc": "2.0", "id": self.answers, "method": "ping"}),
                false => json!({"jsonrpc": "2.0", "id": 1, "result": {}}),
            };
            Some(serde_json::from_value(message).unwrap())
        }

        async fn close(&mut self) -> Result<(), Self::Error> {
            Ok(())
        }
    }

    fn answering(reads: usize) -> Answering<Pinging> {
        let link = Arc::new(Link::new("s".to_owned(), Duration::ZERO));
        let server = Pinging { reads, answers: 0 };
        Answering::new(server, link, Arc::default(), Duration::from_secs(10))
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_reads_no_answers_is_given_up_with_no_more_of_them_than_the_bound() {
        let mut connection = answering(0);
        let began = Instant::now();
        assert!(connection.receive().await.is_none());
        assert!(connection.link.is_unread());
        assert_eq!(connection.inner.answers, WAITING_MAX);
        assert_eq!(began.elapsed().as_secs(), 10);
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_reads_may_ask_as_often_as_it_likes() {
        let mut connection = answering(1000);
        assert!(connection.receive().await.is_some());
        assert!(!connection.link.is_unread());
    }

    #[tokio::test(start_paused = true)]
    async fn the_time_to_read_goes_on_however_often_the_connection_is_looked_at() {
        let mut connection = answering(0);
        let looks = async {
            // As the library does, which drops what it waits for whenever something else comes.
            while timeout_at(Instant::now() + Duration::from_secs(3), connection.receive())
                .await
                .is_err()
            {}
        };
        let began = Instant::now();
        looks.await;
        assert_eq!(began.elapsed().as_secs(), 10);
    }
}
