//! What many members cost one Redis, and how long they take to agree.
//!
//! `cargo run -p breaker-benches --release --features redis --bin scale -- 1000 4` starts `redis-server` and 1,000
//! members in four processes, each with a registry, a connection and a task of its own. `docs/fleet.md` has what it
//! said.

#[allow(dead_code, reason = "shared with the tests, which need more of it")]
#[path = "../../../breaker-fleet/tests/redis/server.rs"]
mod server;

use std::collections::BTreeMap;
use std::env;
use std::error::Error;
use std::io::{BufRead as _, BufReader, Lines, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use breaker_fleet::{Fleet, Policy, Rule};
use breaker_runtime::{Cause, CircuitBreaker, Config, EventKind, Registry, State, TripKind};
use server::Server;
use tokio::time::sleep;

type Failed = Box<dyn Error + Send + Sync>;

/// How often each member calls.
const PAUSE: Duration = Duration::from_millis(50);
const COOLDOWN: Duration = Duration::from_secs(3);
/// How long each phase is measured: some beats, or some rounds of probes.
const MEASURED: Duration = Duration::from_secs(15);

fn main() -> Result<(), Failed> {
    let words: Vec<_> = env::args().skip(1).collect();
    if let [word, url, first, last, sick] = &words[..]
        && word == "serve"
    {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        return runtime.block_on(serve(url, first.parse()?, last.parse()?, sick.parse()?));
    }
    let number = |at: usize, default: u32| words.get(at).map_or(Ok(default), |word| word.parse());
    measure(number(0, 1_000)?, number(1, 4)?)
}

/// What the members are to do.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Phase {
    Idle,
    /// The calls of just enough members fail. The others make none.
    Dies,
    /// The calls of all members fail.
    Dead,
    /// The calls of all members succeed.
    Well,
}

static PHASE: AtomicU8 = AtomicU8::new(Phase::Idle as u8);

/// What happened to members of this process: when, which, and what.
type Heard = Arc<Mutex<Vec<String>>>;

/// Members `first` to `last`, as a process of their own. The first `sick` of all are those that find out.
async fn serve(url: &str, first: u32, last: u32, sick: u32) -> Result<(), Failed> {
    let heard = Heard::default();
    let joins = (first..last).map(|number| {
        tokio::spawn(join(url.to_owned(), number, number < sick, Arc::clone(&heard)))
    });
    for join in joins.collect::<Vec<_>>() {
        join.await??;
    }
    println!("joined");
    let told = tokio::task::spawn_blocking(move || {
        for line in std::io::stdin().lines().map_while(Result::ok) {
            let phase = match line.as_str() {
                "dies" => Phase::Dies,
                "dead" => Phase::Dead,
                "well" => Phase::Well,
                _ => {
                    heard.lock().unwrap().drain(..).for_each(|line| println!("{line}"));
                    println!("end");
                    continue;
                }
            };
            PHASE.store(phase as u8, Ordering::Relaxed);
        }
    });
    told.await?;
    // The members do not say goodbye: this process ends at once.
    std::process::exit(0);
}

async fn join(url: String, number: u32, is_sick: bool, heard: Heard) -> Result<(), Failed> {
    let registry = Arc::new(Registry::new());
    let config = Config::new().failure_threshold(3).cooldown(COOLDOWN).success_threshold(1);
    let circuit = registry.circuit("payments", config)?;
    let listening = registry.subscribe_to_changes(move |event| {
        if let EventKind::Transition(transition) = &event.kind {
            let own = !matches!(transition.cause, Cause::Tripped(it) if it.kind == TripKind::Fleet);
            let at = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_micros();
            let line = format!("{at} {number} {} {} {own}", transition.from, transition.to);
            heard.lock().unwrap().push(line);
        }
    });
    let fleet = Fleet::redis(url)
        .namespace("scale")
        .policy("payments", Policy::Quorum)
        .member(format!("member-{number}"))
        .registry(Arc::clone(&registry))
        .join()
        .await?;
    while !fleet.status().connected {
        sleep(PAUSE).await;
    }
    tokio::spawn(async move {
        let _held = (fleet, listening, registry);
        // Members that began together do not call together.
        sleep(PAUSE.mul_f64(fastrand::f64())).await;
        loop {
            call(&circuit, is_sick);
            sleep(PAUSE).await;
        }
    });
    Ok(())
}

fn call(circuit: &CircuitBreaker, is_sick: bool) {
    let phase = PHASE.load(Ordering::Relaxed);
    let calls = phase >= Phase::Dead as u8 || (phase == Phase::Dies as u8 && is_sick);
    if !calls {
        return;
    }
    if let Ok(permit) = circuit.try_acquire() {
        if phase == Phase::Well as u8 { permit.success() } else { permit.failure() }
    }
}

struct Process {
    child: Child,
    tells: ChildStdin,
    says: Lines<BufReader<ChildStdout>>,
}

impl Process {
    fn start(words: &[String]) -> Result<Self, Failed> {
        let mut command = Command::new(env::current_exe()?);
        let command = command.args(words).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn()?;
        let tells = child.stdin.take().ok_or("no pipe")?;
        let says = BufReader::new(child.stdout.take().ok_or("no pipe")?).lines();
        Ok(Self { child, tells, says })
    }

    fn tell(&mut self, word: &str) -> Result<(), Failed> {
        Ok(writeln!(self.tells, "{word}")?)
    }

    fn wait_for(&mut self, word: &str) -> Result<Vec<String>, Failed> {
        let mut lines = Vec::new();
        for line in self.says.by_ref() {
            match line? {
                line if line == word => return Ok(lines),
                line => lines.push(line),
            }
        }
        Err("a process ended".into())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A change of one member's circuit.
struct Change {
    at: Duration,
    member: u32,
    from: String,
    to: String,
    is_own: bool,
}

fn changes(processes: &mut [Process]) -> Result<Vec<Change>, Failed> {
    let mut changes = Vec::new();
    for process in processes {
        process.tell("report")?;
        for line in process.wait_for("end")? {
            let words: Vec<_> = line.split(' ').collect();
            let [at, member, from, to, is_own] = words[..] else { return Err(line.into()) };
            changes.push(Change {
                at: Duration::from_micros(at.parse()?),
                member: member.parse()?,
                from: from.to_owned(),
                to: to.to_owned(),
                is_own: is_own.parse()?,
            });
        }
    }
    changes.sort_by_key(|change| change.at);
    Ok(changes)
}

fn tell(processes: &mut [Process], word: &str) -> Result<(), Failed> {
    processes.iter_mut().try_for_each(|process| process.tell(word))
}

/// What the server has done since it started.
#[derive(Clone, Copy)]
struct Used {
    at: Instant,
    scripts: f64,
    bytes_in: f64,
    bytes_out: f64,
    seconds: f64,
}

fn used(server: &Server) -> Result<Used, Failed> {
    let info: String = redis::cmd("INFO").arg("everything").query(&mut server.connect())?;
    let info: BTreeMap<_, _> = info.lines().filter_map(|line| line.split_once(':')).collect();
    let number = |name: &str| info.get(name).and_then(|it| it.parse().ok()).unwrap_or(0.0);
    let calls = info.get("cmdstat_evalsha").and_then(|it| it.strip_prefix("calls="));
    let scripts = calls.and_then(|it| it.split(',').next()?.parse().ok()).unwrap_or(0.0);
    Ok(Used {
        at: Instant::now(),
        scripts,
        bytes_in: number("total_net_input_bytes"),
        bytes_out: number("total_net_output_bytes"),
        seconds: number("used_cpu_user") + number("used_cpu_sys"),
    })
}

fn show_used(what: &str, from: Used, to: Used) {
    let seconds = (to.at - from.at).as_secs_f64();
    let rate = |part: fn(Used) -> f64| (part(to) - part(from)) / seconds;
    println!(
        "{what:<22} {:>8.0} scripts/s {:>9.1} kB/s in {:>9.1} kB/s out {:>6.1} % of a processor; {:.0} us a script",
        rate(|it| it.scripts),
        rate(|it| it.bytes_in) / 1000.0,
        rate(|it| it.bytes_out) / 1000.0,
        rate(|it| it.seconds) * 100.0,
        (to.seconds - from.seconds) * 1e6 / (to.scripts - from.scripts),
    );
}

fn show_times(what: &str, mut times: Vec<Duration>) {
    times.sort();
    let share = |per_cent: usize| times[(times.len() * per_cent / 100).min(times.len() - 1)];
    println!(
        "{what:<44} p50 {:>7.1?}  p99 {:>7.1?}  last {:>7.1?}  ({} members)",
        share(50),
        share(99),
        times[times.len() - 1],
        times.len()
    );
}

fn measure(members: u32, processes: u32) -> Result<(), Failed> {
    let Some(server) = Server::start(&[]) else { return Ok(()) };
    let needed = Rule::QUORUM.needed(members);
    // A few more, so that one that is late does not count.
    let sick = needed + needed / 50;
    let began = Instant::now();
    let share = |number: u32| (members * number / processes).to_string();
    let mut processes = (0..processes)
        .map(|it| {
            let words = ["serve", &server.url(), &share(it), &share(it + 1), &sick.to_string()];
            Process::start(&words.map(str::to_owned))
        })
        .collect::<Result<Vec<_>, _>>()?;
    for process in &mut processes {
        process.wait_for("joined")?;
    }
    println!("{members} members joined in {:.1?}; {needed} votes are needed", began.elapsed());
    let processes = &mut processes[..];

    // What happens at the start is not rest.
    thread::sleep(Duration::from_secs(6));
    let before = used(&server)?;
    thread::sleep(MEASURED);
    show_used("at rest", before, used(&server)?);

    let before = used(&server)?;
    tell(processes, "dies")?;
    thread::sleep(COOLDOWN / 2);
    show_used("while it dies", before, used(&server)?);
    let changes_so_far = changes(processes)?;
    let is_opening = |it: &&Change| it.from == "closed" && it.to == "open";
    let mut own = changes_so_far.iter().filter(is_opening).filter(|it| it.is_own);
    let quorum = own.nth(needed as usize - 1).ok_or("no quorum")?.at;
    let told = changes_so_far.iter().filter(is_opening).filter(|it| !it.is_own);
    show_times(
        "from the quorum to those that the fleet opens",
        told.map(|it| it.at.saturating_sub(quorum)).collect(),
    );
    let opened = changes_so_far.iter().filter(is_opening).count();
    println!("{opened} of {members} are open");

    tell(processes, "dead")?;
    let before = used(&server)?;
    thread::sleep(MEASURED);
    show_used("during the outage", before, used(&server)?);
    let rounds = changes(processes)?;
    let probes = rounds.iter().filter(|it| it.from == "open" && it.to == "half_open");
    let failures = rounds.iter().filter(|it| it.from == "half_open" && it.to == "open");
    println!("{} probes began and {} failed in {MEASURED:?}", probes.count(), failures.count());

    tell(processes, "well")?;
    let before = used(&server)?;
    thread::sleep(COOLDOWN * 2);
    show_used("while it recovers", before, used(&server)?);
    let closings = changes(processes)?;
    let mut closings = closings.iter().filter(|it| it.to == State::Closed.as_str());
    let first = closings.next().ok_or("nobody closed")?;
    let others = closings.filter(|it| it.member != first.member);
    show_times(
        "from the first that closes to the others",
        others.map(|it| it.at.saturating_sub(first.at)).collect(),
    );
    Ok(())
}
