//! The stream of server-sent events.
//!
//! Every client gets the latest snapshot, never a queue of old ones. A slow client skips some. A client that
//! stops reading costs one snapshot. All clients share one copy of each.

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, HeaderName};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::{iter, once};
use tokio::sync::Semaphore;
use tokio_stream::wrappers::WatchStream;

use crate::answer::Failure;
use crate::watch::Watch;

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
) -> Result<Response, Failure> {
    let place = places.try_acquire_owned().map_err(|_| {
        Failure::new(StatusCode::SERVICE_UNAVAILABLE, "there are as many streams as there may be")
    })?;
    let later = WatchStream::from_changes(watch.frames());
    let shutdown = Box::pin(watch.shutdown.clone().begun());
    let first = [Bytes::from_static(RETRY.as_bytes()), watch.picture()];
    let goodbye = once(async { Bytes::from_static(GOODBYE.as_bytes()) });
    let all = iter(first).chain(later).take_until(shutdown).chain(goodbye).map(move |frame| {
        let _held_until_the_client_goes = &place;
        Ok::<_, Infallible>(frame)
    });
    let headers = [(CONTENT_TYPE, "text/event-stream"), UNBUFFERED];
    Ok((headers, Body::from_stream(all)).into_response())
}
