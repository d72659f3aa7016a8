//! Three processes that act as one: a dependency dies, two members find out, the third hears of it, and one of them
//! probes for all.
//!
//! Run it with `cargo run --example fleet`. It starts `redis-server` on a free port, and three processes that meet
//! there. Without `redis-server`, three members meet in memory, in one process.

use std::env;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use breaker_fleet::{Engine, Fleet, FleetBuilder, Memory, Policy};
use breaker_runtime::{CallError, Config, EventKind, Registry};

const NAMES: [&str; 3] = ["anna", "bert", "cleo"];
const COOLDOWN: Duration = Duration::from_secs(2);
/// The dependency is down from the first of these times to the second.
const DOWN: [Duration; 2] = [Duration::from_secs(1), Duration::from_millis(4500)];
const END: Duration = Duration::from_secs(9);

type Error = Box<dyn std::error::Error>;

fn main() -> Result<(), Error> {
    match env::args().skip(1).collect::<Vec<_>>().as_slice() {
        [] => stage(),
        [name, redis, dependency] => play(name, redis, dependency.parse()?),
        _ => Err("usage: fleet".into()),
    }
}

/// Starts everything, and prints what happens in order.
fn stage() -> Result<(), Error> {
    let dependency = Dependency::start()?;
    let (tell, told) = channel();
    let began = Instant::now();
    let _actors = if let Some(redis) = Redis::start()? {
        println!("{} processes meet in redis-server on port {}", NAMES.len(), redis.port);
        Actors::processes(redis, dependency.address, &tell)?
    } else {
        println!("there is no redis-server, so {} members meet in memory", NAMES.len());
        Actors::in_memory(dependency.address, &tell)
    };
    println!("cleo makes the fewest calls, so cleo would find out last\n");
    drop(tell);
    dependency.follow_the_plot(
        began,
        move |line| println!("{:>5} ms  {line}", began.elapsed().as_millis()),
        &told,
    );
    println!("\n{} calls reached the dependency while it was down", dependency.failed());
    Ok(())
}

/// One process: a member that calls the dependency again and again.
#[tokio::main(flavor = "current_thread")]
async fn play(name: &str, redis: &str, dependency: SocketAddr) -> Result<(), Error> {
    let fleet = Fleet::redis(redis).namespace("example");
    member(name, fleet, dependency, |line| println!("{line}")).await
}

/// A member. It calls the dependency, and says what its circuit does.
async fn member<E: Engine>(
    name: &str,
    fleet: FleetBuilder<E>,
    dependency: SocketAddr,
    say: impl Fn(String) + Clone + Send + Sync + 'static,
) -> Result<(), Error> {
    let registry = Arc::new(Registry::new());
    let config = Config::new().failure_threshold(3).cooldown(COOLDOWN).success_threshold(2);
    let circuit = registry.circuit("payments", config)?;
    let (actor, tell) = (name.to_owned(), say.clone());
    let _listening = registry.subscribe_to_changes(move |event| match &event.kind {
        EventKind::ProbeWanted => tell(format!("{actor}: asks the fleet to probe")),
        EventKind::Transition(transition) => tell(format!("{actor}: {transition}")),
        _ => {}
    });
    let fleet = fleet.member(name).policy("payments", Policy::Quorum);
    let _fleet = fleet.registry(Arc::clone(&registry)).join().await?;
    let pause = Duration::from_millis(if name == "cleo" { 150 } else { 40 });
    let began = Instant::now();
    while began.elapsed() < END {
        let answer = circuit.call_async(|| async { ask(dependency) }).await;
        if let Err(CallError::Failed(_)) = answer {
            say(format!("{name}: a call failed"));
        }
        tokio::time::sleep(pause).await;
    }
    say(format!("{name}: {}", circuit.snapshot().explain()));
    Ok(())
}

/// One call of the dependency, on loopback.
fn ask(dependency: SocketAddr) -> std::io::Result<()> {
    let mut stream = TcpStream::connect(dependency)?;
    stream.read_exact(&mut [0; 2])
}

/// The members: processes, or tasks of this one.
#[derive(Default)]
struct Actors {
    processes: Vec<Child>,
    _redis: Option<Redis>,
}

impl Actors {
    fn processes(
        redis: Redis,
        dependency: SocketAddr,
        tell: &Sender<String>,
    ) -> Result<Self, Error> {
        let mut processes = Vec::new();
        for name in NAMES {
            let url = format!("redis://127.0.0.1:{}/", redis.port);
            let mut process = Command::new(env::current_exe()?)
                .args([name, &url, &dependency.to_string()])
                .stdout(Stdio::piped())
                .spawn()?;
            let lines = process.stdout.take().ok_or("it has an output")?;
            let tell = tell.clone();
            thread::spawn(move || {
                BufReader::new(lines).lines().map_while(Result::ok).try_for_each(|it| tell.send(it))
            });
            processes.push(process);
        }
        Ok(Self { processes, _redis: Some(redis) })
    }

    fn in_memory(dependency: SocketAddr, tell: &Sender<String>) -> Self {
        let tell = tell.clone();
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async {
                let engine = Memory::new();
                let play = |name: &'static str| {
                    let (engine, tell) = (engine.clone(), tell.clone());
                    member(name, Fleet::on(engine), dependency, move |line| drop(tell.send(line)))
                };
                let [anna, bert, cleo] = NAMES.map(play);
                let (anna, bert, cleo) = tokio::join!(anna, bert, cleo);
                anna.and(bert).and(cleo).map_err(|error| std::io::Error::other(error.to_string()))
            })
        });
        Self::default()
    }
}

impl Drop for Actors {
    fn drop(&mut self) {
        for process in &mut self.processes {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

/// A `redis-server` of our own.
struct Redis {
    process: Child,
    port: u16,
}

impl Redis {
    /// `None` if there is no such program.
    fn start() -> Result<Option<Self>, Error> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let started = Command::new("redis-server")
            .args([
                "--port",
                &port.to_string(),
                "--bind",
                "127.0.0.1",
                "--save",
                "",
                "--appendonly",
                "no",
            ])
            .stdout(Stdio::null())
            .spawn();
        let Ok(process) = started else { return Ok(None) };
        let redis = Self { process, port };
        let deadline = Instant::now() + Duration::from_secs(5);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            if Instant::now() > deadline {
                return Err("redis-server does not answer".into());
            }
            thread::sleep(Duration::from_millis(10));
        }
        Ok(Some(redis))
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A server that answers each call, or closes the connection while it is down.
struct Dependency {
    address: SocketAddr,
    is_down: Arc<AtomicBool>,
    failed: Arc<AtomicU32>,
}

impl Dependency {
    fn start() -> Result<Self, Error> {
        let server = TcpListener::bind("127.0.0.1:0")?;
        let address = server.local_addr()?;
        let (is_down, failed) = (Arc::<AtomicBool>::default(), Arc::<AtomicU32>::default());
        let (down, counter) = (Arc::clone(&is_down), Arc::clone(&failed));
        thread::spawn(move || {
            for mut call in server.incoming().flatten() {
                if down.load(Ordering::Relaxed) {
                    counter.fetch_add(1, Ordering::Relaxed);
                } else {
                    let _ = call.write_all(b"ok");
                }
            }
        });
        Ok(Self { address, is_down, failed })
    }

    /// Goes down and comes back, while the members tell what they do.
    fn follow_the_plot(
        &self,
        began: Instant,
        print: impl Fn(&str),
        told: &std::sync::mpsc::Receiver<String>,
    ) {
        let mut plot = [(DOWN[0], true), (DOWN[1], false)].into_iter().peekable();
        while began.elapsed() < END + Duration::from_secs(1) {
            if let Some((_, is_down)) = plot.next_if(|(at, _)| began.elapsed() >= *at) {
                self.is_down.store(is_down, Ordering::Relaxed);
                print(if is_down { "the dependency dies" } else { "the dependency is back" });
            }
            match told.recv_timeout(Duration::from_millis(10)) {
                Ok(line) => print(&line),
                Err(std::sync::mpsc::RecvTimeoutError::Timeout) => {}
                Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => break,
            }
        }
    }

    /// The calls that it did not answer.
    fn failed(&self) -> u32 {
        self.failed.load(Ordering::Relaxed)
    }
}
