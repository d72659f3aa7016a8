//! The recipes of the guide to errors, as doctests with the crates that they are about, and what these need for a test.
#![doc = include_str!("../../../docs/guide/errors.md")]

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

use breaker_runtime::{Calls, registry};
use sqlx::error::{DatabaseError, ErrorKind};

/// The calls of an annotated function's circuit.
///
/// # Panics
///
/// If there is no such circuit.
#[must_use]
pub fn calls(name: &str) -> Calls {
    registry().snapshot_of(name).expect("a circuit").calls
}

/// Has a circuit refuse every call.
///
/// # Panics
///
/// If there is no such circuit.
pub fn force_open(name: &str) {
    registry().get(name).expect("a circuit").force_open();
}

/// The error of a database that refuses a second row with the same key.
#[must_use]
pub fn violation() -> sqlx::Error {
    Duplicate.into()
}

#[derive(Debug)]
struct Duplicate;

impl fmt::Display for Duplicate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())
    }
}

impl Error for Duplicate {}

impl DatabaseError for Duplicate {
    fn message(&self) -> &'static str {
        "duplicate key"
    }

    fn code(&self) -> Option<Cow<'_, str>> {
        Some("23505".into())
    }

    fn as_error(&self) -> &(dyn Error + Send + Sync + 'static) {
        self
    }

    fn as_error_mut(&mut self) -> &mut (dyn Error + Send + Sync + 'static) {
        self
    }

    fn into_error(self: Box<Self>) -> Box<dyn Error + Send + Sync + 'static> {
        self
    }

    fn kind(&self) -> ErrorKind {
        ErrorKind::UniqueViolation
    }
}

/// The address of a server on the loopback that answers "OK" to everything, and drops its first connection when that
/// asks for a key: as if it had restarted.
///
/// # Panics
///
/// If no port can be had.
#[must_use]
pub fn redis_that_restarts() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    thread::spawn(move || {
        for (number, client) in listener.incoming().enumerate() {
            thread::spawn(move || answer(client?, number > 0));
        }
    });
    format!("redis://{address}")
}

fn answer(mut client: TcpStream, is_alive: bool) -> io::Result<()> {
    let mut read = [0; 1024];
    loop {
        let count = client.read(&mut read)?;
        let text = String::from_utf8_lossy(&read[..count]);
        if count == 0 || !is_alive && text.contains("GET") {
            return Ok(());
        }
        // Each command is an array.
        let commands = text.lines().filter(|line| line.starts_with('*')).count();
        client.write_all("+OK\r\n".repeat(commands).as_bytes())?;
    }
}
