//! Compression with gzip, once for all clients.
//!
//! *Why it exists:* a stream of events is compressed while it goes on. A compressor for each client would take memory
//! and time for each. Here every event is compressed alone, and refers to nothing before it. So all clients get the
//! same bytes, from whichever event on.

use std::io::Write as _;

use axum::http::HeaderMap;
use axum::http::header::ACCEPT_ENCODING;
use bytes::Bytes;
use flate2::write::DeflateEncoder;
use flate2::{Compression, Crc};

/// Higher levels take more time than they save on what the dashboard sends.
const LEVEL: Compression = Compression::new(3);
/// The header of a gzip stream without name and time.
const HEAD: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
/// A last block without content.
const LAST_BLOCK: [u8; 2] = [3, 0];

/// A part of a stream, compressed. It ends at a byte, and parts can be joined in any order.
#[derive(Debug)]
pub(crate) struct Packed {
    bytes: Bytes,
    crc: Crc,
}

impl Packed {
    pub(crate) fn new<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let (mut encoder, mut crc) = (DeflateEncoder::new(Vec::new(), LEVEL), Crc::new());
        for part in parts {
            // A vector takes everything that is written to it.
            let _ = encoder.write_all(part);
            crc.update(part);
        }
        let _ = encoder.flush();
        Self { bytes: std::mem::take(encoder.get_mut()).into(), crc }
    }
}

/// One stream for one client.
#[derive(Debug, Default)]
pub(crate) struct Gzip {
    has_begun: bool,
    crc: Crc,
}

impl Gzip {
    /// Whether the client can read gzip.
    pub(crate) fn is_accepted(headers: &HeaderMap) -> bool {
        let values =
            headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
        values.flat_map(|value| value.split(',')).any(|coding| {
            let mut words = coding.split(';').map(str::trim);
            let is_named = words.next().is_some_and(|it| it.eq_ignore_ascii_case("gzip"));
            let is_refused = words.any(|word| {
                let weight = word.strip_prefix("q=").and_then(|weight| weight.parse::<f32>().ok());
                weight.is_some_and(|weight| weight <= 0.0)
            });
            is_named && !is_refused
        })
    }

    /// The bytes that send this part.
    pub(crate) fn add(&mut self, part: &Packed) -> Bytes {
        self.crc.combine(&part.crc);
        if std::mem::replace(&mut self.has_begun, true) {
            return part.bytes.clone();
        }
        Bytes::from([&HEAD, part.bytes.as_ref()].concat())
    }

    /// The bytes that end the stream.
    pub(crate) fn end(&self) -> Bytes {
        let head: &[u8] = if self.has_begun { &[] } else { &HEAD };
        let (sum, length) = (self.crc.sum().to_le_bytes(), self.crc.amount().to_le_bytes());
        Bytes::from([head, &LAST_BLOCK, &sum, &length].concat())
    }
}

/// A whole body.
pub(crate) fn packed(body: &[u8]) -> Bytes {
    let mut gzip = Gzip::default();
    let body = gzip.add(&Packed::new([body]));
    Bytes::from([body, gzip.end()].concat())
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use axum::http::HeaderValue;
    use flate2::read::GzDecoder;

    use super::*;

    fn unpacked(bytes: &[u8]) -> String {
        let mut text = String::new();
        GzDecoder::new(bytes).read_to_string(&mut text).unwrap();
        text
    }

    #[test]
    fn parts_that_were_compressed_alone_make_one_stream_in_any_order() {
        let parts = ["one, one, one. ".repeat(9), "two, two. ".repeat(9)];
        let [one, two] = parts.each_ref().map(|part| Packed::new([part.as_bytes()]));
        let mut gzip = Gzip::default();
        let sent = [gzip.add(&two), gzip.add(&one), gzip.add(&two), gzip.end()].concat();
        assert_eq!(unpacked(&sent), [parts[1].as_str(), &parts[0], &parts[1]].concat());
        assert_eq!(unpacked(&Gzip::default().end()), "");
        assert_eq!(unpacked(&packed(parts[0].as_bytes())), parts[0]);
    }

    #[test]
    fn a_part_can_be_read_before_the_next_is_there() {
        let mut gzip = Gzip::default();
        let sent = gzip.add(&Packed::new([b"event: ".as_slice(), b"a\n\n"]));
        let mut read = [0; 10];
        GzDecoder::new(sent.as_ref()).read_exact(&mut read).unwrap();
        assert_eq!(&read, b"event: a\n\n");
    }

    #[test]
    fn a_client_gets_gzip_if_it_asked_for_it() {
        let accepted = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT_ENCODING, HeaderValue::from_str(value).unwrap());
            Gzip::is_accepted(&headers)
        };
        for value in ["gzip", "deflate, gzip;q=0.5, br", "GZIP", "br;q=1, gzip ; q=1.0"] {
            assert!(accepted(value), "{value}");
        }
        for value in ["", "br", "gzip;q=0", "gzip; q=0.0", "x-gzip", "identity"] {
            assert!(!accepted(value), "{value}");
        }
        assert!(!Gzip::is_accepted(&HeaderMap::new()));
    }
}
