//! A client of the greeter, as tonic would generate it.

use bytes::Bytes;
use http::uri::PathAndQuery;
use tonic::body::Body;
use tonic::client::{Grpc, GrpcService};
use tonic::codegen::{Body as HttpBody, StdError};
use tonic::{Request, Status, Streaming};

use crate::TextCodec;

/// Calls the greeter over any gRPC service: a channel, or one in a layer.
#[derive(Clone, Debug)]
pub struct GreeterClient<T>(Grpc<T>);

impl<T> GreeterClient<T>
where
    T: GrpcService<Body>,
    T::ResponseBody: HttpBody<Data = Bytes> + Send + 'static,
    <T::ResponseBody as HttpBody>::Error: Into<StdError>,
{
    /// A client over that service.
    pub fn new(service: T) -> Self {
        Self(Grpc::new(service))
    }

    /// Greets by one message.
    ///
    /// # Errors
    ///
    /// The status of the call.
    pub async fn greet(&mut self, name: &str) -> Result<String, Status> {
        self.ready().await?;
        let path = PathAndQuery::from_static("/demo.Greeter/Greet");
        let answer = self.0.unary(Request::new(name.to_owned()), path, TextCodec).await?;
        Ok(answer.into_inner())
    }

    /// Greets word by word.
    ///
    /// # Errors
    ///
    /// The status of the call, if it fails before the first word.
    pub async fn words(&mut self, name: &str) -> Result<Streaming<String>, Status> {
        self.ready().await?;
        let path = PathAndQuery::from_static("/demo.Greeter/Words");
        let request = Request::new(name.to_owned());
        Ok(self.0.server_streaming(request, path, TextCodec).await?.into_inner())
    }

    async fn ready(&mut self) -> Result<(), Status> {
        self.0.ready().await.map_err(|error| Status::from_error(error.into()))
    }
}
