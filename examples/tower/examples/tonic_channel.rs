//! A channel of tonic behind a circuit, which reads the status of each call: in headers or in trailers.
//!
//! * The caller's own mistakes, such as `NOT_FOUND`, are successes: the server works.
//! * A stream lasts until its trailers. One that is dropped half-way is cancelled.
//! * `UNAVAILABLE` is a failure, and opens the circuit.
//!
//! Run it with `cargo run --manifest-path examples/tower/Cargo.toml --example tonic_channel`.

use std::error::Error;

use breaker_runtime::{Config, registry};
use breaker_tower::{CircuitBreakerLayer, grpc};
use breaker_tower_examples::{Greeter, GreeterClient, serve_grpc};
use tonic::transport::Endpoint;
use tower::ServiceBuilder;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let address = serve_grpc(Greeter).await?;
    let channel = Endpoint::from_shared(format!("http://{address}"))?.connect_lazy();
    let layer = CircuitBreakerLayer::new("greeter", Config::new().failure_threshold(3))?
        .classify(grpc::unavailable().until_end_of_body());
    // A client that tonic generates takes the guarded channel in the same way.
    let mut client = GreeterClient::new(ServiceBuilder::new().layer(layer).service(channel));

    // The greeter answers a number with the status of that code.
    println!("Calls:");
    for name in ["Ada", "5", "14", "14", "14", "Ada"] {
        match client.greet(name).await {
            Ok(greeting) => println!("  {name:<4} {greeting}"),
            Err(status) => println!("  {name:<4} {:?}: {}", status.code(), status.message()),
        }
    }
    let circuit = registry().get("greeter").ok_or("no such circuit")?;
    println!("  {}\n", circuit.snapshot().explain());

    println!("Streams, once the circuit is closed again:");
    circuit.reset();
    let mut whole = client.words("Ada").await?;
    while let Some(word) = whole.message().await? {
        println!("  {word} (in flight: {})", circuit.snapshot().in_flight);
    }
    let mut half = client.words("Ada").await?;
    half.message().await?;
    drop(half);

    let calls = circuit.snapshot().calls;
    println!("\n{} good, {} failed, {} cancelled", calls.success, calls.failure, calls.cancelled);
    if (calls.success, calls.failure, calls.cancelled) == (3, 3, 1) {
        Ok(())
    } else {
        Err("expected 3, 3 and 1".into())
    }
}
