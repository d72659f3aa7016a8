//! The connection: asks for the stream, and asks again when it ends.

use std::io;
use std::sync::mpsc::Sender;
use std::time::Duration;

use axum::http::header::{ACCEPT, HOST};
use axum::http::{Request, StatusCode};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use crate::address::Address;
use crate::events::Events;
use crate::message::Message;

/// How long a connection and the head of a response may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// A stream that is silent for longer is taken for lost. Something comes every second.
const SILENCE: Duration = Duration::from_secs(15);
const SHORTEST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(8);
/// The most that is read of an answer that is no stream.
const LONGEST_ANSWER: usize = 16 * 1024;

/// What the connection says.
#[derive(Debug)]
pub(crate) enum News {
    Heard(Box<Message>),
    /// Why there is no stream, and how long until the next attempt.
    Lost(String, Duration),
}

/// Nobody listens any more.
struct Over;

/// Reads the stream until nobody listens, and connects again whenever it ends.
pub(crate) async fn follow(address: Address, news: Sender<News>) {
    let mut wait = SHORTEST_WAIT;
    loop {
        let mut is_live = false;
        let why = match read(&address, &news, &mut is_live).await {
            Ok(Over) => return,
            Err(why) => why,
        };
        if is_live {
            wait = SHORTEST_WAIT;
        }
        if news.send(News::Lost(why, wait)).is_err() {
            return;
        }
        sleep(wait).await;
        wait = (wait * 2).min(LONGEST_WAIT);
    }
}

/// Reads one stream. `Err` says why it ended.
async fn read(address: &Address, news: &Sender<News>, is_live: &mut bool) -> Result<Over, String> {
    let mut body = timeout(PATIENCE, open(address))
        .await
        .map_err(|_| format!("no answer from {} for {PATIENCE:?}", address.endpoint()))??;
    let mut events = Events::default();
    loop {
        let frame = timeout(SILENCE, body.frame())
            .await
            .map_err(|_| format!("nothing was heard for {SILENCE:?}"))?;
        let frame = match frame {
            None => return Err("the stream ended".to_owned()),
            Some(frame) => frame.map_err(|error| in_full(&error))?,
        };
        let Ok(bytes) = frame.into_data() else { continue };
        for event in events.push(&bytes).map_err(|_| "an event is too long".to_owned())? {
            let message = Message::read(&event)
                .map_err(|error| format!("an event cannot be read: {error}"))?;
            let Some(message) = message else { continue };
            *is_live = true;
            if news.send(News::Heard(Box::new(message))).is_err() {
                return Ok(Over);
            }
        }
    }
}

async fn open(address: &Address) -> Result<Incoming, String> {
    let endpoint = address.endpoint();
    let stream = TcpStream::connect(&endpoint).await;
    let stream = stream.map_err(|error| format!("{endpoint}: {}", io_words(&error)))?;
    let (mut sender, connection) =
        http1::handshake(TokioIo::new(stream)).await.map_err(|error| in_full(&error))?;
    tokio::spawn(async move {
        // What goes wrong here, the body says, too.
        let _ = connection.await;
    });
    let request = Request::get(address.events())
        .header(HOST, &address.host)
        .header(ACCEPT, "text/event-stream")
        .body(Empty::<Bytes>::new())
        .map_err(|error| error.to_string())?;
    let response = sender.send_request(request).await.map_err(|error| in_full(&error))?;
    let status = response.status();
    let body = response.into_body();
    if status == StatusCode::OK { Ok(body) } else { Err(refusal(status, body).await) }
}

/// The status, and what the answer says about it.
async fn refusal(status: StatusCode, body: Incoming) -> String {
    let said = Limited::new(body, LONGEST_ANSWER).collect().await;
    let said = said.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let said: Option<serde_json::Value> = serde_json::from_slice(&said).ok();
    let error = said.as_ref().and_then(|said| said.get("error")?.as_str());
    error.map_or_else(|| status.to_string(), |error| format!("{}: {error}", status.as_u16()))
}

/// The operating system's word, without its number.
fn io_words(error: &io::Error) -> String {
    let said = error.to_string();
    said.split(" (os error").next().unwrap_or(&said).to_lowercase()
}

/// An error with its causes.
fn in_full(error: &dyn std::error::Error) -> String {
    let mut said = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        said = format!("{said}: {error}");
        cause = error.source();
    }
    said
}

#[cfg(test)]
mod tests;
