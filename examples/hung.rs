//! Calls that hang: `hung_after` opens the circuit while they do.
//!
//! A server accepts connections and never answers. A circuit opens on evidence, and a call that hangs gives none until
//! it ends. With `hung_after`, it counts as failed before that.
//!
//! Run it with `cargo run --example hung`. It takes about five seconds.

use std::error::Error;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use breaker_runtime::{Rejected, circuit_breaker, registry};

const CALLERS: u32 = 200;
const A_CALLER_EACH: Duration = Duration::from_millis(10);
/// When a caller gives up.
const PATIENCE: Duration = Duration::from_millis(1500);

/// Five failures in a row open it, once callers have given up.
#[circuit_breaker(name = "without")]
fn ask(server: SocketAddr) -> io::Result<u8> {
    call(server)
}

/// The same, but a call in flight for 200 ms is a failure already.
#[circuit_breaker(name = "with hung_after", hung_after = "200ms")]
fn ask_watched(server: SocketAddr) -> io::Result<u8> {
    call(server)
}

fn call(server: SocketAddr) -> io::Result<u8> {
    let mut stream = TcpStream::connect(server)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(b"?")?;
    let mut answer = [0];
    stream.read_exact(&mut answer)?;
    Ok(answer[0])
}

fn main() -> Result<(), Box<dyn Error>> {
    let server = TcpListener::bind("127.0.0.1:0")?;
    let address = server.local_addr()?;
    // The connections stay open, and nobody reads from them.
    thread::spawn(move || server.incoming().collect::<Vec<_>>());

    println!("{CALLERS} callers, one each {A_CALLER_EACH:?}, of a server that never answers:\n");
    for (name, ask) in [("without", ask as fn(_) -> _), ("with hung_after", ask_watched)] {
        let (hung, refused_at) = callers(address, ask);
        let refused_at = refused_at.map_or("never".to_owned(), |at| format!("after {at:.1?}"));
        println!("{name:<16} callers are refused {refused_at}; {hung} of them hung");
        let circuit = registry().get(name).ok_or("no such circuit")?;
        println!("{:<16} {}\n", "", circuit.snapshot().explain());
    }
    Ok(())
}

/// Starts the callers one by one. Returns how many hung, and when the first one was refused.
fn callers(server: SocketAddr, ask: fn(SocketAddr) -> io::Result<u8>) -> (usize, Option<Duration>) {
    let began = Instant::now();
    let mut calls = Vec::new();
    for _ in 0..CALLERS {
        calls.push(thread::spawn(move || (ask(server), began.elapsed())));
        thread::sleep(A_CALLER_EACH);
    }
    let answers = calls.into_iter().filter_map(|call| call.join().ok());
    let refused = answers.filter_map(|(answer, at)| {
        let is_refused = answer.err().is_some_and(|error| Rejected::find_in(&error).is_some());
        is_refused.then_some(at)
    });
    let refused: Vec<_> = refused.collect();
    (CALLERS as usize - refused.len(), refused.into_iter().min())
}
