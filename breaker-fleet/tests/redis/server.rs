//! A server of its own for each test: `redis-server` or `valkey-server`, on a free port, ended with the test.

use std::io::Write as _;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, io, thread};

const BINARIES: [&str; 2] = ["redis-server", "valkey-server"];
/// Far longer than a server takes to start.
const PATIENCE: Duration = Duration::from_secs(20);

/// A running server without anything in it.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    binary: &'static str,
    port: u16,
    options: Vec<String>,
}

impl Server {
    /// Starts a server. Without the binary, says which test is left out, and returns `None`.
    pub(crate) fn start(options: &[&str]) -> Option<Self> {
        let Some(binary) = BINARIES.into_iter().find(|binary| is_installed(binary)) else {
            leave_out();
            return None;
        };
        let options: Vec<_> = options.iter().map(|&option| option.to_owned()).collect();
        let began = Instant::now();
        loop {
            let port = free_port();
            let mut child = spawn(binary, port, &options);
            if is_ready(&mut child, port) {
                return Some(Self { child, binary, port, options });
            }
            assert!(began.elapsed() < PATIENCE, "{binary} does not start with {options:?}");
        }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/", self.port)
    }

    /// Kills it. What it knew is lost.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("it is our child");
        self.child.wait().expect("it is our child");
    }

    /// Starts it again, empty, on the same port.
    pub(crate) fn start_again(&mut self) {
        self.child = spawn(self.binary, self.port, &self.options);
        assert!(is_ready(&mut self.child, self.port), "{} does not start again", self.binary);
    }

    /// Halts it: connections stay open, and nothing is answered.
    pub(crate) fn halt(&self) {
        signal(&self.child, "-STOP");
    }

    /// Lets it go on.
    pub(crate) fn go_on(&self) {
        signal(&self.child, "-CONT");
    }

    /// A connection for commands that no member would send.
    pub(crate) fn connect(&self) -> redis::Connection {
        let client = redis::Client::open(self.url()).expect("the address is right");
        client.get_connection().expect("it runs")
    }

    /// Sends a command, word by word.
    #[track_caller]
    pub(crate) fn command(&self, words: &[&str]) -> redis::Value {
        let mut command = redis::cmd(words[0]);
        words[1..].iter().for_each(|word| {
            command.arg(*word);
        });
        command.query(&mut self.connect()).unwrap_or_else(|error| panic!("{words:?}: {error}"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends a signal to a process that is a child of this one.
pub(crate) fn signal(child: &Child, signal: &str) {
    let sent = Command::new("kill").args([signal, &child.id().to_string()]).status();
    assert!(sent.expect("`kill` is everywhere").success());
}

/// A port that nothing listens on.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("there is a free port");
    listener.local_addr().expect("it is bound").port()
}

fn is_installed(binary: &str) -> bool {
    let version = Command::new(binary).arg("--version").stdout(Stdio::null()).status();
    version.is_ok_and(|status| status.success())
}

/// Not captured, as what is printed by a test that passes would be.
fn leave_out() {
    let [redis, valkey] = BINARIES;
    let required = env::var_os("BREAKER_REQUIRE_REDIS").is_some_and(|value| value == "1");
    assert!(!required, "neither {redis} nor {valkey} is installed");
    let current = thread::current();
    let test = current.name().unwrap_or("a test");
    let _ = writeln!(io::stderr(), "left out: {test} needs {redis} or {valkey}");
}

fn spawn(binary: &str, port: u16, options: &[String]) -> Child {
    Command::new(binary)
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1"])
        .args(["--save", "", "--appendonly", "no"])
        .args(options)
        .current_dir(env::temp_dir())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap_or_else(|error| panic!("{binary}: {error}"))
}

/// Waits until it listens. False if it ended, as when its port was taken.
fn is_ready(child: &mut Child, port: u16) -> bool {
    let began = Instant::now();
    while began.elapsed() < PATIENCE {
        if child.try_wait().expect("it is our child").is_some() {
            return false;
        }
        if TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return true;
        }
        thread::sleep(Duration::from_millis(5));
    }
    false
}
