//! A live page of every circuit breaker of a program, as one axum router.
//!
//! # Why it exists
//!
//! When something is wrong at three in the morning, the questions are always the same. What is open, since
//! when, and why? When is it tried again? `breaker-runtime` knows the answers. This crate shows them: to
//! people as a live page, and to machines as JSON, server-sent events and Prometheus text. It only reads.
//! Circuits do not get slower, however many people look.
//!
//! # In a service
//!
//! ```
//! use axum::Router;
//! use axum::routing::get;
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() {
//! let app: Router = Router::new()
//!     .route("/", get(|| async { "hello" }))
//!     .nest_service("/breakers", breaker_dashboard::router());
//! # let _ = app;
//! # }
//! ```
//!
//! `nest_service` serves the page at `/breakers` and at `/breakers/`. `Router::nest` serves only the first.
//! For a graceful shutdown, see [`Dashboard::until`].
//!
//! # On a port of its own
//!
//! ```no_run
//! use breaker_dashboard::Dashboard;
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> std::io::Result<()> {
//! let server = Dashboard::new().bind("127.0.0.1:3030").await?;
//! println!("{}", server.url());
//! server.run().await;
//! # Ok(()) }
//! ```
//!
//! # Paths
//!
//! | path | answer |
//! |---|---|
//! | `GET /` | the page |
//! | `GET /api/circuits`, `GET /api/circuits/{name}` | circuits as JSON |
//! | `GET /api/histories` | the last 1, 15 or 60 minutes of all circuits |
//! | `GET /api/log` | what happened lately, from any entry on |
//! | `GET /api/options` | the options of a circuit: kind of value, default and meaning |
//! | `GET /api/events` | server-sent events: all circuits, then those that changed, every second and at once |
//! | `GET /metrics` | Prometheus text |
//! | `GET /healthz` | 200; with `?strict`, 503 while a circuit is open that is not only observed |
//! | `POST /api/control` | switches a circuit or overrides an option, if [`Dashboard::with_controls`] was called |
//! | `GET /api/control` | 204 if the request has the right token |
//!
//! `docs/json.md` of the repository describes the JSON.
//!
//! # Who may look, and who may switch
//!
//! Everyone who can reach the port may read: names, states, counts, configs and source locations. Results of
//! calls are never shown. Of their errors, only the words that `describe_error` keeps are shown, so leave secrets out of
//! them. Requests with an unexpected [host](Dashboard::allow_host) are refused, so that no foreign page in a browser
//! can read along.
//!
//! Switching a circuit needs a [`Token`]. Only clients with the token see the addresses of those who
//! switched. Of a fleet, only they see where its engine is and the ids of its members. Ten wrong tokens per
//! second are checked from one address.

mod access;
mod answer;
mod dashboard;
mod gzip;
mod routes;
mod server;
mod shutdown;
mod watch;

pub use crate::access::{HostError, Token, TokenError};
pub use crate::dashboard::{Dashboard, router};
pub use crate::server::Server;
