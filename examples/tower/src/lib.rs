//! Servers on the loopback interface, for the examples and tests beside this.

mod greeter;
mod greeter_client;
mod loopback;

pub use crate::greeter::{Greeter, TextCodec};
pub use crate::greeter_client::GreeterClient;
pub use crate::loopback::{nowhere, serve, serve_grpc, serve_raw};
