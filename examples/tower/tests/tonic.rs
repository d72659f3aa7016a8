//! The layer around a channel of tonic.

use std::error::Error as _;

use breaker_runtime::{CallError, Config, Snapshot, State, registry};
use breaker_tower::{CircuitBreakerLayer, grpc};
use breaker_tower_examples::{Greeter, GreeterClient, nowhere, serve_grpc};
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status};
use tower::ServiceBuilder;

async fn channel() -> Channel {
    let address = serve_grpc(Greeter).await.unwrap();
    Endpoint::from_shared(format!("http://{address}")).unwrap().connect_lazy()
}

macro_rules! client {
    ($name:expr, $channel:expr) => {
        GreeterClient::new(
            ServiceBuilder::new()
                .layer(
                    CircuitBreakerLayer::new($name, Config::new().failure_threshold(2))
                        .unwrap()
                        .classify(grpc::unavailable().until_end_of_body()),
                )
                .service($channel),
        )
    };
}

fn snapshot(name: &str) -> Snapshot {
    registry().snapshot_of(name).unwrap()
}

fn ended(name: &str) -> [u64; 4] {
    let calls = snapshot(name).calls;
    [calls.success, calls.failure, calls.ignored, calls.cancelled]
}

#[tokio::test]
async fn the_status_of_a_call_decides_wherever_it_is() {
    let mut client = client!("tonic.status", channel().await);
    assert_eq!(client.greet("Ada").await.unwrap(), "hello, Ada");
    assert_eq!(ended("tonic.status"), [1, 0, 0, 0]);
    // `greet` fails in the headers, `words` in the trailers.
    assert_eq!(client.greet("5").await.unwrap_err().code(), Code::NotFound);
    assert_eq!(ended("tonic.status"), [2, 0, 0, 0]);
    assert_eq!(client.greet("14").await.unwrap_err().code(), Code::Unavailable);
    assert_eq!(ended("tonic.status"), [2, 1, 0, 0]);
    assert_eq!(client.greet("1").await.unwrap_err().code(), Code::Cancelled);
    assert_eq!(ended("tonic.status"), [2, 1, 1, 0]);
}

#[tokio::test]
async fn a_stream_is_in_flight_until_its_trailers() {
    let mut client = client!("tonic.stream", channel().await);
    let mut words = client.words("Ada").await.unwrap();
    for word in ["hello", "dear", "Ada"] {
        assert_eq!(words.message().await.unwrap().unwrap(), word);
        assert_eq!(snapshot("tonic.stream").in_flight, 1);
    }
    assert_eq!(words.message().await.unwrap(), None);
    assert_eq!((snapshot("tonic.stream").in_flight, ended("tonic.stream")), (0, [1, 0, 0, 0]));

    let mut words = client.words("13").await.unwrap();
    while let Ok(Some(_)) = words.message().await {}
    assert_eq!(ended("tonic.stream"), [1, 1, 0, 0]);

    let mut words = client.words("Ada").await.unwrap();
    assert_eq!(words.message().await.unwrap().unwrap(), "hello");
    drop(words);
    assert_eq!(ended("tonic.stream"), [1, 1, 0, 1]);
}

#[tokio::test]
async fn a_server_that_is_down_opens_the_circuit_and_the_status_says_so() {
    let address = nowhere().await.unwrap();
    let channel = Endpoint::from_shared(format!("http://{address}")).unwrap().connect_lazy();
    let mut client = client!("tonic.down", channel);
    for _ in 0..2 {
        assert_eq!(client.greet("Ada").await.unwrap_err().code(), Code::Unavailable);
    }
    assert_eq!(snapshot("tonic.down").state, State::Open);
    let refused: Status = client.greet("Ada").await.unwrap_err();
    let source = refused.source().unwrap();
    let error: &CallError<tonic::transport::Error> = source.downcast_ref().unwrap();
    assert!(matches!(error, CallError::Rejected(_)));
}
