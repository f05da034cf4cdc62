//! Handing one mail to the server, step by step, so that it is known how far it came.
//!
//! All recipients or none: if the server refuses one, the mail is not sent. Until the mail's text
//! is sent, nothing has happened; from then on only the server's answer tells whether it took the
//! mail, and without one the outcome is [`ToolError::Uncertain`].

use std::error::Error as _;
use std::io;
use std::time::Duration;

use lettre::address::Envelope;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::Mechanism;
use lettre::transport::smtp::client::{AsyncSmtpConnection, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::response::Response;
use secrecy::ExposeSecret;
use tokio::time::{Instant, timeout, timeout_at};

use super::replies::{NoTls, Replies};
use super::server::{Security, Server};
use crate::domain::text::one_line;
use crate::tools::ToolError;

/// Longest text of a server that is told, in characters.
const SAID_MAX: usize = 300;
/// How long a goodbye may take.
const GOODBYE: Duration = Duration::from_secs(1);
const MECHANISMS: &[Mechanism] = &[Mechanism::Plain, Mechanism::Login];

/// Why a mail was not delivered.
#[derive(Debug)]
pub(super) struct NotDelivered {
    /// What happened.
    pub(super) error: ToolError,
    /// Who is to get it, where the server refuses them: whether for good, or for now.
    pub(super) refused: Option<Refused>,
}

/// How a server refuses recipients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// All of those that it refuses, and for good.
    ForGood,
    /// It may take one of them later.
    ForNow,
}

impl From<ToolError> for NotDelivered {
    fn from(error: ToolError) -> Self {
        Self { error, refused: None }
    }
}

/// Hands over a mail and returns what the server answered.
pub(super) async fn deliver(
    server: &Server,
    envelope: &Envelope,
    message: &[u8],
) -> Result<String, NotDelivered> {
    let deadline = Instant::now() + server.timeout;
    let seconds = server.timeout.as_secs();
    let ready = timeout_at(deadline, make_ready(server, envelope)).await;
    let late = |_| not_sent(server, &format!("it took longer than {seconds} s"));
    let mut connection = ready.map_err(late)??;
    let answer = match timeout_at(deadline, connection.message(message)).await {
        Err(_) => Err(uncertain(server, &format!("gave no answer within {seconds} s"))),
        Ok(Err(error)) if error.status().is_some() => {
            Err(not_sent(server, &format!("it refuses the mail: {}", said(server, &error))))
        }
        Ok(Err(error)) => Err(uncertain(server, &format!("went away: {}", said(server, &error)))),
        Ok(Ok(response)) => Ok(words(&response)),
    };
    // The mail is the server's by now, or is not: a goodbye that fails changes nothing.
    let _ = timeout(GOODBYE, connection.abort()).await;
    Ok(answer?)
}

/// Everything up to where the server waits for the mail's text.
async fn make_ready(
    server: &Server,
    envelope: &Envelope,
) -> Result<AsyncSmtpConnection, NotDelivered> {
    let mut connection = connect(server).await?;
    let ready = match authenticate(server, &mut connection).await {
        Ok(()) => address(server, envelope, &mut connection).await,
        Err(refused) => Err(refused.into()),
    };
    if ready.is_err() {
        let _ = timeout(GOODBYE, connection.abort()).await;
    }
    ready.map(|()| connection)
}

async fn connect(server: &Server) -> Result<AsyncSmtpConnection, ToolError> {
    let name = ClientId::default();
    let place = (server.host.as_str(), server.port);
    let implicit = match &server.security {
        Security::Implicit(tls) => Some(tls.clone()),
        Security::None | Security::StartTls(_) => None,
    };
    let is_implicit = implicit.is_some();
    let unreachable = |error: Error| {
        let what = if is_implicit && is_about_tls(&error) {
            "TLS with it failed"
        } else {
            "it cannot be reached"
        };
        not_sent(server, &format!("{what}: {}", said(server, &error)))
    };
    let replies = Replies::connect(place, server.timeout, implicit).await.map_err(unreachable)?;
    let replies = match &server.security {
        Security::StartTls(tls) => start_tls(server, replies, tls, &name).await?,
        Security::None | Security::Implicit(_) => replies,
    };
    let connected = AsyncSmtpConnection::connect_with_transport(Box::new(replies), &name).await;
    connected.map_err(unreachable)
}

/// Insists on TLS: whoever sits in between could take the offer of it away.
async fn start_tls(
    server: &Server,
    replies: Replies,
    tls: &TlsParameters,
    name: &ClientId,
) -> Result<Replies, ToolError> {
    replies.with_tls(tls.clone(), name).await.map_err(|error| {
        let why = match error {
            NoTls::NotOffered => "it offers no STARTTLS; there is smtps:// for implicit TLS, and \
                                  ?tls=none for a server of one's own"
                .to_owned(),
            NoTls::Failed(error) => format!("TLS with it failed: {}", said(server, &error)),
            NoTls::Refused(_) | NoTls::Broken(_) => {
                format!("it cannot be reached: {}", presentable(&error.to_string()))
            }
        };
        not_sent(server, &why)
    })
}

async fn authenticate(
    server: &Server,
    connection: &mut AsyncSmtpConnection,
) -> Result<(), ToolError> {
    let Some(login) = &server.login else {
        return Ok(());
    };
    let done = connection.auth(MECHANISMS, &login.credentials()).await;
    done.map(drop).map_err(|error| {
        let said = said(server, &error);
        if error.status().is_some() {
            ToolError::Denied(format!(
                "the mail server {} does not accept user and password of SMTP_URL ({said}); the \
                 mail was not sent",
                server.host
            ))
        } else {
            not_sent(server, &format!("it does not let anybody log in: {said}"))
        }
    })
}

/// Names the sender and all recipients.
async fn address(
    server: &Server,
    envelope: &Envelope,
    connection: &mut AsyncSmtpConnection,
) -> Result<(), NotDelivered> {
    let sender = connection.command(Mail::new(envelope.from().cloned(), Vec::new())).await;
    sender.map_err(|error| {
        not_sent(server, &format!("it refuses the sender: {}", said(server, &error)))
    })?;
    let (mut refused, mut how) = (Vec::new(), Refused::ForGood);
    for recipient in envelope.to() {
        match connection.command(Rcpt::new(recipient.clone(), Vec::new())).await {
            Ok(_) => {}
            Err(error) if error.status().is_some() => {
                if !error.is_permanent() {
                    how = Refused::ForNow;
                }
                refused.push(format!("{recipient} ({})", said(server, &error)));
            }
            Err(error) => return Err(not_sent(server, &said(server, &error)).into()),
        }
    }
    if !refused.is_empty() {
        let refused = refused.join(", ");
        let error = ToolError::Conflict(format!(
            "the mail server {} refuses {refused}; the mail was sent to nobody",
            server.host
        ));
        return Err(NotDelivered { error, refused: Some(how) });
    }
    let data = connection.command(Data).await;
    data.map(drop).map_err(|error| {
        not_sent(server, &format!("it refuses the mail: {}", said(server, &error))).into()
    })
}

fn not_sent(server: &Server, why: &str) -> ToolError {
    let Server { host, port, .. } = server;
    ToolError::Failed(format!("the mail was not sent through {host}:{port}: {why}"))
}

fn uncertain(server: &Server, why: &str) -> ToolError {
    let Server { host, port, .. } = server;
    ToolError::Uncertain(format!(
        "the mail was handed to {host}:{port}, which then {why}: it may have been sent"
    ))
}

/// Whether a connection failed over TLS: its errors come as bad data, or as an early end.
fn is_about_tls(error: &Error) -> bool {
    let mut cause = error.source();
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            return matches!(
                error.kind(),
                io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof
            );
        }
        cause = error.source();
    }
    false
}

/// The server's words, or what happened to the connection.
fn said(server: &Server, error: &Error) -> String {
    let code = error.status().map(|code| format!("{code} ")).unwrap_or_default();
    let cause = error.source().map_or_else(|| error.to_string(), ToString::to_string);
    let text = format!("{code}{cause}");
    // Before the text is cut: of half a password nothing would be found.
    presentable(&match &server.login {
        Some(login) => text.replace(login.password.expose_secret(), "[password]"),
        None => text,
    })
}

fn words(response: &Response) -> String {
    let lines: Vec<&str> = response.message().collect();
    presentable(&format!("{} {}", response.code(), lines.join(" ")))
}

/// A server's text as one bounded line.
fn presentable(text: &str) -> String {
    one_line(text, SAID_MAX)
}
