//! A live page of every circuit breaker of a program, as one axum router.
//!
//! # Why it exists
//!
//! When something is wrong at three in the morning, the questions are always the same: what is open, since
//! when, why, and when is it tried again? `breaker-runtime` knows the answers. This crate shows them, to
//! people as a page that keeps itself up to date, and to machines as JSON, server-sent events and
//! Prometheus text. It only reads; circuits do not get slower, however many look.
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
//! `nest_service` serves the page at `/breakers` and at `/breakers/`. `Router::nest` serves the first only.
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
//! | `GET /api/log` | what happened lately, from any entry on |
//! | `GET /api/options` | the options of a circuit: kind of value, default and meaning |
//! | `GET /api/events` | server-sent events: all circuits every second, and at once when one changes |
//! | `GET /metrics` | Prometheus text |
//! | `GET /healthz` | 200; with `?strict`, 503 while a circuit is open |
//! | `POST /api/control` | switches a circuit, if [`Dashboard::with_controls`] was called |
//! | `GET /api/control` | 204 if the request has the right token |
//!
//! The JSON is described in `docs/json.md` of the repository.
//!
//! # Who may look, and who may switch
//!
//! Whoever reaches the port may look: names, states, counts, configs and source places are shown, results
//! and errors of calls never are. Requests must ask for a [host](Dashboard::allow_host) that is expected, so
//! that no foreign page in a browser can read along. Circuits are only switched with a [`Token`], and only those who
//! have it see the addresses of those who switched. Ten wrong tokens a second are looked at from one address.

mod access;
mod answer;
mod dashboard;
mod routes;
mod server;
mod shutdown;
mod watch;

pub use crate::access::{HostError, Token, TokenError};
pub use crate::dashboard::{Dashboard, router};
pub use crate::server::Server;
