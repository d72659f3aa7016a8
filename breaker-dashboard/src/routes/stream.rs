//! The stream of server-sent events.
//!
//! Every client gets all circuits first, and then what changed. All clients share the bytes of each event. A client
//! that misses an event gets all circuits again, never a queue of old events. A client that stops reading costs one
//! event.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Weak};

use axum::body::Body;
use axum::extract::State;
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderName, HeaderValue, VARY};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream::unfold;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use crate::answer::Failure;
use crate::gzip::{Gzip, Packed};
use crate::watch::{Form, Frame, Picture, Watch};

/// The maximum number of streams.
const MOST_STREAMS: usize = 256;
/// The time after which a page reconnects, in milliseconds.
const RETRY: &str = "retry: 1000\n\n";
/// The last event before a shutdown. Pages say so, and reconnect as ever.
const GOODBYE: &str = "event: shutdown\ndata: {}\n\n";
/// Stops proxies that buffer whole responses, which would show nothing.
const UNBUFFERED: (HeaderName, &str) = (HeaderName::from_static("x-accel-buffering"), "no");

/// The free places for streams.
#[derive(Clone, Debug)]
pub(crate) struct Streams(Arc<Semaphore>);

impl Default for Streams {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(MOST_STREAMS)))
    }
}

pub(crate) async fn events(
    State(watch): State<Arc<Watch>>,
    State(Streams(places)): State<Streams>,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let place = places.try_acquire_owned().map_err(|_| {
        Failure::new(StatusCode::SERVICE_UNAVAILABLE, "there are as many streams as there may be")
    })?;
    let gzip = Gzip::is_accepted(&headers).then(Gzip::default);
    let encoding = gzip.is_some().then_some((CONTENT_ENCODING, HeaderValue::from_static("gzip")));
    let events = Events {
        frames: watch.frames(),
        watch: Arc::downgrade(&watch),
        last: 0,
        step: Step::Retry,
        gzip,
    };
    let shutdown = Box::pin(watch.shutdown.clone().begun());
    let client = Client { shutdown, events, _place: place };
    let all = unfold(client, async |mut client| {
        let sent = client.next().await?;
        Some((Ok::<_, Infallible>(sent), client))
    });
    let headers = [(CONTENT_TYPE, "text/event-stream"), UNBUFFERED, (VARY, "accept-encoding")];
    let mut response = (headers, Body::from_stream(all)).into_response();
    response.headers_mut().extend(encoding);
    Ok(response)
}

/// What comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Retry,
    All,
    Changes,
    End,
    Nothing,
}

struct Client {
    shutdown: Pin<Box<dyn Future<Output = ()> + Send>>,
    events: Events,
    _place: OwnedSemaphorePermit,
}

struct Events {
    frames: watch::Receiver<Arc<Frame>>,
    /// The stream ends with its dashboard, and does not keep it.
    watch: Weak<Watch>,
    /// The number of the last event that it has.
    last: u64,
    step: Step,
    gzip: Option<Gzip>,
}

impl Client {
    async fn next(&mut self) -> Option<Bytes> {
        if matches!(self.events.step, Step::End | Step::Nothing) {
            return self.events.next().await;
        }
        tokio::select! {
            biased;
            () = &mut self.shutdown => {
                self.events.step = Step::End;
                Some(self.events.send_text(GOODBYE))
            }
            sent = self.events.next() => sent,
        }
    }
}

impl Events {
    /// Dropping the future loses no event.
    async fn next(&mut self) -> Option<Bytes> {
        match self.step {
            Step::Retry => {
                self.step = Step::All;
                Some(self.send_text(RETRY))
            }
            Step::All => {
                let Some(watch) = self.watch.upgrade() else { return self.end() };
                self.step = Step::Changes;
                Some(self.send_picture(watch.first_picture(self.form())))
            }
            Step::Changes => loop {
                if self.frames.changed().await.is_err() {
                    return self.end();
                }
                let frame = Arc::clone(&self.frames.borrow_and_update());
                // The first picture has the events before it.
                if frame.number > self.last {
                    return self.send_changes(&frame);
                }
            },
            Step::End => self.end(),
            Step::Nothing => None,
        }
    }

    fn send_changes(&mut self, frame: &Frame) -> Option<Bytes> {
        let is_next = frame.number == self.last.saturating_add(1);
        let sent = match &mut self.gzip {
            Some(gzip) if is_next => Some(gzip.add(frame.packed())),
            None if is_next => frame.plain(),
            _ => None,
        };
        if sent.is_some() {
            self.last = frame.number;
            return sent;
        }
        let Some(watch) = self.watch.upgrade() else { return self.end() };
        Some(self.send_picture(watch.picture(self.form())))
    }

    fn form(&self) -> Form {
        if self.gzip.is_some() { Form::Packed } else { Form::Plain }
    }

    fn send_picture(&mut self, (number, picture): (u64, Picture)) -> Bytes {
        self.last = number;
        match (picture, &mut self.gzip) {
            (Picture::Plain(plain), _) => plain,
            (Picture::Packed(packed), Some(gzip)) => gzip.add(&packed),
            (Picture::Packed(_), None) => Bytes::new(),
        }
    }

    fn send_text(&mut self, text: &'static str) -> Bytes {
        match &mut self.gzip {
            Some(gzip) => gzip.add(&Packed::new([text.as_bytes()])),
            None => Bytes::from_static(text.as_bytes()),
        }
    }

    fn end(&mut self) -> Option<Bytes> {
        self.step = Step::Nothing;
        self.gzip.as_ref().map(Gzip::end)
    }
}
