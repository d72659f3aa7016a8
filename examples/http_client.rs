//! An HTTP client behind a circuit: which answers are failures, and which are not the server's fault.
//!
//! * An answer of 500 to 599 came, so it is an `Ok`. It is a failure all the same: `failure_if` says so.
//! * An error about 400 to 499 is an `Err`, but the server works: `ignore_if` lets it count for nothing.
//!
//! The client and the server are written by hand, on the loopback interface.
//!
//! Run it with `cargo run --example http_client`.

use std::error::Error;
use std::fmt;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use breaker_runtime::{Rejected, circuit_breaker, registry};

/// What a server answered.
#[derive(Debug)]
struct Response {
    status: u16,
    body: String,
}

#[derive(Debug)]
enum HttpError {
    /// The request was at fault.
    Client(u16),
    /// There was no answer.
    Io(io::Error),
    /// The circuit refused the call.
    Refused(Rejected),
}

impl HttpError {
    fn is_callers_fault(&self) -> bool {
        matches!(self, Self::Client(_))
    }
}

impl From<io::Error> for HttpError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<Rejected> for HttpError {
    fn from(rejected: Rejected) -> Self {
        Self::Refused(rejected)
    }
}

impl fmt::Display for HttpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Client(status) => write!(f, "the request was at fault: {status}"),
            Self::Io(error) => write!(f, "no answer: {}", error.kind()),
            Self::Refused(rejected) => rejected.fmt(f),
        }
    }
}

/// With `failure_if`, what it does not call a failure is a success. So it must name the errors too.
fn is_failure(result: &Result<Response, HttpError>) -> bool {
    result.as_ref().map_or(true, |response| response.status >= 500)
}

#[circuit_breaker(
    name = "catalogue",
    failure_threshold = 3,
    cooldown = "10s",
    failure_if = is_failure,
    ignore_if = HttpError::is_callers_fault
)]
fn get(server: SocketAddr, path: &str) -> Result<Response, HttpError> {
    let response = exchange(server, path)?;
    match response.status {
        status @ 400..=499 => Err(HttpError::Client(status)),
        _ => Ok(response),
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let server = serve()?;
    println!("The server is well. Answers of 404 are ignored, however many:");
    for path in ["/books/1", "/books/7", "/books/8", "/books/9", "/books/1"] {
        show(path, &get(server, path));
    }
    explain()?;

    println!("Answers of 503 are failures, though they are answers:");
    for path in ["/broken", "/broken", "/broken", "/books/1"] {
        show(path, &get(server, path));
    }
    explain()?;

    let calls = registry().get("catalogue").ok_or("no such circuit")?.snapshot().calls;
    println!("good {}, failed {}, ignored {}", calls.success, calls.failure, calls.ignored);
    if (calls.success, calls.failure, calls.ignored) == (2, 3, 3) {
        Ok(())
    } else {
        Err("expected 2, 3 and 3".into())
    }
}

fn show(path: &str, result: &Result<Response, HttpError>) {
    match result {
        Ok(response) => println!("  {path:<9} {} {}", response.status, response.body),
        Err(error) => println!("  {path:<9} {error}"),
    }
}

fn explain() -> Result<(), Box<dyn Error>> {
    let catalogue = registry().get("catalogue").ok_or("no such circuit")?;
    println!("  {}\n", catalogue.snapshot().explain());
    Ok(())
}

/// Sends a `GET`, and reads the answer.
fn exchange(server: SocketAddr, path: &str) -> io::Result<Response> {
    const PATIENCE: Duration = Duration::from_millis(500);
    let mut stream = TcpStream::connect_timeout(&server, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {server}\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let malformed = || io::Error::new(io::ErrorKind::InvalidData, "not HTTP");
    let (head, body) = answer.split_once("\r\n\r\n").ok_or_else(malformed)?;
    let status = head.split_whitespace().nth(1).ok_or_else(malformed)?;
    let status = status.parse().map_err(|_| malformed())?;
    Ok(Response { status, body: body.to_owned() })
}

/// A server with one book, and one path that is broken.
fn serve() -> io::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let _ = answer(stream);
        }
    });
    Ok(address)
}

fn answer(mut stream: TcpStream) -> io::Result<()> {
    let mut lines = BufReader::new(&stream).lines();
    let request = lines.next().unwrap_or_else(|| Ok(String::new()))?;
    while lines.next().transpose()?.is_some_and(|line| !line.is_empty()) {}
    let (status, body) = match request.split_whitespace().nth(1) {
        Some("/books/1") => ("200 OK", "a book"),
        Some("/broken") => ("503 Service Unavailable", "come back later"),
        _ => ("404 Not Found", ""),
    };
    let length = body.len();
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
}
