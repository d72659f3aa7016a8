//! A circuit breaker at work, from a healthy server through its outage to its recovery.
//!
//! A small HTTP server runs on the loopback interface. It is killed and comes back, while `price` goes on
//! being called. Watch the circuit open, the fallback answer at once, the probes run, and the circuit
//! close.
//!
//! Run it with `cargo run -p quickstart`. It takes about five seconds.

use std::error::Error;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use breaker_runtime::{CallError, State, circuit_breaker, registry};

/// A price, and where it comes from.
struct Price {
    cents: u32,
    source: String,
}

/// Three failures in a row open the circuit. After a second it lets probes through; two good ones close
/// it, a bad one opens it for another second.
#[circuit_breaker(
    name = "prices",
    failure_threshold = 3,
    cooldown = "1s",
    success_threshold = 2,
    fallback = |err| Ok(remembered(&err))
)]
fn price(server: SocketAddr, sku: &str) -> io::Result<Price> {
    let cents = get(server, &format!("/price/{sku}"))?;
    let cents = cents.trim().parse().map_err(io::Error::other)?;
    let source = "the server".to_owned();
    Ok(Price { cents, source })
}

/// What to sell at when the server cannot be asked.
fn remembered(err: &CallError<io::Error>) -> Price {
    let why = match err {
        CallError::Failed(error) => format!("the call failed: {}", error.kind()),
        refused => refused.to_string(),
    };
    let source = format!("the fallback, because {why}");
    Price { cents: 95, source }
}

/// Another dependency with a circuit of its own: the outage does not touch it.
#[circuit_breaker(name = "rates", failure_rate = 0.5)]
fn euros_per_dollar() -> Option<f64> {
    Some(0.9)
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut timeline = Timeline::begin();

    let server = Server::start(TcpListener::bind("127.0.0.1:0")?)?;
    let address = server.address;
    println!("A server listens on {address}.\n");
    timeline.calls(3, address)?;
    timeline.show_registry("The circuit is closed, and calls go through.");

    server.kill()?;
    println!("The server is killed.\n");
    timeline.calls(3, address)?;
    timeline.show_registry("Three failures in a row: the circuit is open.");

    timeline.calls(3, address)?;
    timeline.show_registry("Calls are refused without touching the network.");

    thread::sleep(Duration::from_millis(800));
    println!("The cooldown is over, but the server is still down. One probe finds out.\n");
    timeline.calls(2, address)?;
    timeline.show_registry("The probe failed: open for another second.");

    let server = Server::start(TcpListener::bind(address)?)?;
    println!("The server is back. The circuit does not know yet.\n");
    timeline.calls(1, address)?;
    thread::sleep(Duration::from_millis(900));
    timeline.calls(1, address)?;
    timeline.show_registry("The first probe went well: half-open.");

    timeline.calls(3, address)?;
    timeline.show_registry("The second one too: closed.");
    server.kill()?;

    let prices = registry().get("prices").ok_or("no such circuit")?;
    if prices.state() != State::Closed {
        return Err(format!("expected a closed circuit: {}", prices.snapshot().explain()).into());
    }
    println!("The circuit \"prices\" is {}.", prices.state());
    Ok(())
}

/// Prints one line per call: when it was made, what it returned, how long it took, and the state after.
struct Timeline {
    began: Instant,
}

impl Timeline {
    fn begin() -> Self {
        Self { began: Instant::now() }
    }

    fn calls(&mut self, count: u32, server: SocketAddr) -> Result<(), Box<dyn Error>> {
        for _ in 0..count {
            let asked = Instant::now();
            let price = price(server, "apple")?;
            let took = asked.elapsed();
            euros_per_dollar().ok_or("no rate")?;
            let state = registry().get("prices").ok_or("no such circuit")?.state();
            println!(
                "  {:>5.2}s  {:<9}  {:>4} us  {} cents from {}",
                self.began.elapsed().as_secs_f64(),
                state,
                took.as_micros(),
                price.cents,
                price.source
            );
            thread::sleep(Duration::from_millis(120));
        }
        println!();
        Ok(())
    }

    fn show_registry(&self, headline: &str) {
        println!("{headline}");
        let registry = registry().snapshot();
        for line in registry.to_string().lines() {
            println!("  | {line}");
        }
        for circuit in registry.circuits.iter().filter(|it| it.name == "prices") {
            println!(
                "  {} after {:.2}s: {}\n",
                circuit.name,
                self.began.elapsed().as_secs_f64(),
                circuit.explain()
            );
        }
    }
}

/// A server that answers every request with a price, until it is killed.
struct Server {
    address: SocketAddr,
    killed: Arc<AtomicBool>,
    thread: JoinHandle<io::Result<()>>,
}

impl Server {
    fn start(listener: TcpListener) -> io::Result<Self> {
        let address = listener.local_addr()?;
        let killed = Arc::new(AtomicBool::new(false));
        let thread = thread::spawn({
            let killed = Arc::clone(&killed);
            move || serve(&listener, &killed)
        });
        Ok(Self { address, killed, thread })
    }

    /// Closes the listener: from then on the operating system refuses connections.
    fn kill(self) -> io::Result<()> {
        self.killed.store(true, Ordering::Release);
        TcpStream::connect(self.address)?;
        self.thread.join().map_err(|_| io::Error::other("the server panicked"))?
    }
}

fn serve(listener: &TcpListener, killed: &AtomicBool) -> io::Result<()> {
    loop {
        let (mut stream, _) = listener.accept()?;
        if killed.load(Ordering::Acquire) {
            return Ok(());
        }
        for line in BufReader::new(&stream).lines() {
            if line?.is_empty() {
                break;
            }
        }
        let body = "99";
        let length = body.len();
        write!(
            stream,
            "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        )?;
    }
}

/// The body of a `GET`.
fn get(server: SocketAddr, path: &str) -> io::Result<String> {
    const PATIENCE: Duration = Duration::from_millis(500);
    let mut stream = TcpStream::connect_timeout(&server, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {server}\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    match answer.split_once("\r\n\r\n") {
        Some((head, body)) if head.starts_with("HTTP/1.1 200 ") => Ok(body.to_owned()),
        _ => Err(io::Error::new(io::ErrorKind::InvalidData, "not the answer that was hoped for")),
    }
}
