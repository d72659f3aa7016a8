//! A gRPC service without generated code. Its messages are texts.

use std::convert::Infallible;
use std::future::{Future, Ready, ready};
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Buf, BufMut};
use tokio_stream::{self as stream, Iter};
use tonic::body::Body;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::server::{Grpc, NamedService};
use tonic::{Code, Request, Response, Status};
use tower::{Service, service_fn};

/// Messages that are texts.
#[derive(Clone, Copy, Debug, Default)]
pub struct TextCodec;

impl Codec for TextCodec {
    type Encode = String;
    type Decode = String;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for TextCodec {
    type Item = String;
    type Error = Status;

    fn encode(&mut self, text: String, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put_slice(text.as_bytes());
        Ok(())
    }
}

impl Decoder for TextCodec {
    type Item = String;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<String>, Status> {
        let bytes = buffer.copy_to_bytes(buffer.remaining());
        String::from_utf8(bytes.to_vec()).map(Some).map_err(|_| Status::internal("no text"))
    }
}

/// Greets the named person, word by word. A number is the code of the status that it answers with, after two words.
#[derive(Clone, Copy, Debug)]
pub struct Greeter;

impl NamedService for Greeter {
    const NAME: &'static str = "demo.Greeter";
}

type Words = Iter<std::vec::IntoIter<Result<String, Status>>>;

fn greet(request: Request<String>) -> Ready<Result<Response<String>, Status>> {
    let name = request.into_inner();
    ready(match name.parse() {
        Ok(code) => Err(Status::new(Code::from_i32(code), "as you wish")),
        Err(_) => Ok(Response::new(format!("hello, {name}"))),
    })
}

fn words(request: Request<String>) -> Ready<Result<Response<Words>, Status>> {
    let name = request.into_inner();
    let last = match name.parse() {
        Ok(code) => Err(Status::new(Code::from_i32(code), "as you wish")),
        Err(_) => Ok(name),
    };
    let words = vec![Ok("hello".to_owned()), Ok("dear".to_owned()), last];
    ready(Ok(Response::new(stream::iter(words))))
}

impl Service<http::Request<Body>> for Greeter {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        Box::pin(async move {
            let mut grpc = Grpc::new(TextCodec);
            Ok(match request.uri().path() {
                "/demo.Greeter/Greet" => grpc.unary(service_fn(greet), request).await,
                "/demo.Greeter/Words" => grpc.server_streaming(service_fn(words), request).await,
                _ => Status::unimplemented("no such method").into_http(),
            })
        })
    }
}
