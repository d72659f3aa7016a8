//! [breaker](breaker_runtime)'s circuit breakers as a [tower](https://docs.rs/tower) layer.
//!
//! # Why it exists
//!
//! The attribute `#[circuit_breaker]` guards functions. Clients and servers of HTTP and gRPC are tower services: a
//! hyper or reqwest client, a tonic channel, an axum router. This layer guards them, with the same circuits: the
//! dashboard, metrics and settings from outside the code see both.
//!
//! ```
//! use breaker_runtime::{Config, registry};
//! use breaker_tower::{CircuitBreakerLayer, http};
//! use ::http::{Request, Response};
//! use tower::{Service, ServiceBuilder, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let client = service_fn(|_: Request<()>| async { Response::builder().status(500).body(()) });
//! let mut client = ServiceBuilder::new()
//!     .layer(
//!         CircuitBreakerLayer::new("inventory", Config::new().failure_threshold(3))?
//!             .classify(http::server_errors())
//!             .key(http::authority()),
//!     )
//!     .service(client); // a hyper or reqwest client, a tonic channel, ..
//!
//! for _ in 0..3 {
//!     let request = Request::get("http://alpha.example/stock").body(())?;
//!     client.ready().await?.call(request).await?;
//! }
//! let alpha = registry().get("inventory/alpha.example").ok_or("no circuit")?;
//! assert!(alpha.snapshot().explain().starts_with("open for "));
//! # Ok(()) }
//! ```
//!
//! # The map of the crate
//!
//! | to | look at |
//! |---|---|
//! | guard a service | [`CircuitBreakerLayer::new`] |
//! | use a circuit of your own | [`with_circuit`](CircuitBreakerLayer::with_circuit), [`with_keyed`](CircuitBreakerLayer::with_keyed) |
//! | have a circuit per host or tenant | [`key`](CircuitBreakerLayer::key), [`http::authority`](http::authority()) |
//! | decide what is a failure | [`classify`](CircuitBreakerLayer::classify), [`http::server_errors`], [`grpc::unavailable`] |
//! | watch bodies and streams too | [`until_end_of_body`](parts::ByHead::until_end_of_body) |
//! | limit the time of a call | [`call_timeout`](CircuitBreakerLayer::call_timeout) |
//! | limit the calls in flight | [`Config::max_concurrent`](breaker_runtime::Config::max_concurrent), [`Config::max_wait`](breaker_runtime::Config::max_wait) |
//! | turn a refusal into a response | [`respond`](CircuitBreakerLayer::respond), [`http::unavailable`] |
//! | get boxed errors | [`into_box_error`](CircuitBreakerLayer::into_box_error) |
//! | name the type of a service | [`parts`] |
//!
//! [`CircuitBreakerService`] says how readiness, cancellation and clones work. A panic in the inner service is a
//! failure, and goes on.

mod answer;
mod circuits;
mod classify;
pub mod grpc;
mod guarded_body;
pub mod http;
mod key;
mod layer;
pub mod parts;
mod response_future;
mod responses;
mod service;
mod timing;

pub use crate::answer::BoxError;
pub use crate::classify::Classify;
pub use crate::guarded_body::GuardedBody;
pub use crate::key::Key;
pub use crate::layer::CircuitBreakerLayer;
pub use crate::response_future::ResponseFuture;
pub use crate::service::CircuitBreakerService;

/// Runs the guide's examples as doctests.
#[cfg(doctest)]
#[doc = include_str!("../../docs/guide/tower.md")]
struct Guide;

/// Runs the README's examples as doctests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
