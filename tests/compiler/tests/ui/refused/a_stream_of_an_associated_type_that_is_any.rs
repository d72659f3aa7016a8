use breaker_runtime::circuit_breaker;
use futures_core::Stream;

trait Feed {
    type Stream: Stream<Item = Option<u8>>;
    fn open(&self) -> Self::Stream;

    #[circuit_breaker(name = "feeds")]
    fn reopen(&self) -> Self::Stream {
        self.open()
    }
}

struct Empty;

impl Feed for Empty {
    type Stream = tokio_stream::Empty<Option<u8>>;

    fn open(&self) -> Self::Stream {
        tokio_stream::empty()
    }
}

fn main() {
    drop(Empty.reopen());
}
