//! One circuit per key: a sick host does not close the door to the others.
//!
//! A few small servers on the loopback interface stand for hosts. One of them goes down.
//!
//! Run it with `cargo run --example per_host`.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use breaker_runtime::{CallError, State, circuit_breaker, registry};

/// The name of a host, and where it is.
struct Host {
    name: String,
    address: SocketAddr,
}

/// The circuit for `alpha` is `greetings/alpha`. At most five hosts have one of their own.
#[circuit_breaker(
    name = "greetings",
    key = host.name,
    max_keys = 5,
    failure_threshold = 3,
    fallback = |error| Err(why(error))
)]
fn greet(host: &Host) -> Result<String, String> {
    ask(host.address).map_err(|error| error.kind().to_string())
}

fn why(error: CallError<String>) -> String {
    match error {
        CallError::Failed(error) => format!("failed: {error}"),
        refused => refused.to_string(),
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut hosts = BTreeMap::new();
    for name in ["alpha", "beta", "gamma"] {
        hosts.insert(name, serve(name, TcpListener::bind("127.0.0.1:0")?)?);
    }
    // Bound and let go: nobody listens there, so connections are refused.
    let nowhere = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    hosts.insert("beta", Host { name: "beta".to_owned(), address: nowhere });

    println!("Three hosts, of which beta is down. Five rounds:");
    for _ in 0..5 {
        for host in hosts.values() {
            let answer = greet(host).unwrap_or_else(|why| why);
            println!("  {:<5}  {answer}", host.name);
        }
    }
    show("Only the circuit of beta is open:");

    println!("Then somebody asks for 40 hosts that are seen once and never again.");
    for number in 1..=40 {
        let name = format!("guest-{number}");
        let once = serve(&name, TcpListener::bind("127.0.0.1:0")?)?;
        greet(&once)?;
    }
    show("There are five circuits at most. The ones that knew nothing made room; beta is kept:");

    let circuits = registry().snapshot().circuits;
    let calls: u64 = circuits.iter().map(|circuit| circuit.calls.started).sum();
    println!(
        "Calls of them all: {calls}. Those of circuits that are gone count for \"greetings\"."
    );

    let beta = registry().get("greetings/beta").ok_or("beta has no circuit")?;
    if beta.state() != State::Open {
        return Err(format!("beta should be open: {}", beta.snapshot().explain()).into());
    }
    Ok(())
}

fn show(headline: &str) {
    println!("\n{headline}");
    for line in registry().snapshot().to_string().lines() {
        println!("  | {line}");
    }
    println!();
}

/// A server that greets everybody who connects.
fn serve(name: &str, listener: TcpListener) -> io::Result<Host> {
    let address = listener.local_addr()?;
    let name = name.to_owned();
    let greeting = format!("hello from {name}");
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.write_all(greeting.as_bytes());
        }
    });
    Ok(Host { name, address })
}

fn ask(address: SocketAddr) -> io::Result<String> {
    const PATIENCE: Duration = Duration::from_millis(500);
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut greeting = String::new();
    stream.read_to_string(&mut greeting)?;
    Ok(greeting)
}
