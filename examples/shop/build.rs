//! Writes the client and the server of the carrier's gRPC interface, without `protoc`.

use tonic_build::manual::{Builder, Method, Service};

fn main() {
    let quote = Method::builder()
        .name("quote")
        .route_name("Quote")
        .input_type("super::Parcel")
        .output_type("super::Quote")
        .codec_path("tonic_prost::ProstCodec")
        .build();
    let carrier = Service::builder().name("Carrier").package("shop").method(quote).build();
    Builder::new().compile(&[carrier]);
    println!("cargo::rerun-if-changed=build.rs");
}
