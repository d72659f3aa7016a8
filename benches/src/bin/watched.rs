//! What it costs to be looked at.
//!
//! `cargo run -p breaker-benches --release --features dashboard --bin watched` measures calls while the dashboard looks
//! and while it does not, in turns. Then it measures processes with 1,000 and 10,000 circuits, without a page and with
//! some. A tenth of the circuits is called all the time. These calls succeed, or open and close their circuits.
//! `watched pages` only does the second. Only for Linux: the figures of a process come from `/proc`.

use std::error::Error;
use std::fs;
use std::hint::black_box;
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use breaker_benches::guarded;
use breaker_dashboard::Dashboard;
use breaker_runtime::{CircuitBreaker, Config, registry};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{interval, sleep};

const ROUNDS: usize = 9;
const CALLS: u32 = 20_000_000;
/// Circuits, and pages that look at them.
const SIZES: [(usize, usize); 2] = [(1_000, 50), (10_000, 10)];
/// What the calls do.
const WELL: &str = "well";
const SICK: &str = "sick";
/// Every circuit whose number is a multiple of this is called all the time.
const CALLED: usize = 10;
const MEASURED: Duration = Duration::from_secs(10);
/// Clock ticks of a second, as `/proc` counts them.
const TICKS: f64 = 100.0;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<_> = std::env::args().skip(1).collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["serve", circuits, calls] => return serve(circuits.parse()?, calls == &SICK).await,
        ["pages"] => {}
        _ => calls().await?,
    }
    for (circuits, most) in SIZES {
        let cases = [(0, "none"), (1, "identity"), (1, "gzip"), (most, "gzip")];
        for calls in [WELL, SICK] {
            for (pages, encoding) in cases {
                pages_of(circuits, calls, pages, encoding).await?;
            }
        }
    }
    Ok(())
}

async fn calls() -> Result<(), Box<dyn Error>> {
    let queue = registry().get("benches.sync").ok_or("the function is gone")?;
    for what in ["closed", "refused"] {
        let mut times = [Vec::new(), Vec::new()];
        for round in 0..ROUNDS * 2 {
            let server = Dashboard::new().bind("127.0.0.1:0").await?;
            let address = server.address();
            let is_watched = round % 2 == 1;
            let page = is_watched.then(|| tokio::spawn(server.run()));
            let client =
                if is_watched { Some(open(&address.to_string(), "identity").await?) } else { None };
            if what == "refused" {
                queue.trip();
            }
            times[round % 2].push(nanos_per_call());
            drop(client);
            queue.reset();
            if let Some(page) = page {
                page.abort();
            }
        }
        let [alone, watched] = times.map(median);
        println!(
            "a {what} call: {alone:.2} ns alone, {watched:.2} ns watched, {:.2} of it",
            watched / alone
        );
    }
    Ok(())
}

fn nanos_per_call() -> f64 {
    let began = Instant::now();
    for _ in 0..CALLS {
        let _ = black_box(guarded(black_box(false)));
    }
    began.elapsed().as_secs_f64() * 1e9 / f64::from(CALLS)
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

async fn open(address: &str, encoding: &str) -> Result<TcpStream, Box<dyn Error>> {
    let mut client = TcpStream::connect(address).await?;
    let head = format!(
        "GET /api/events HTTP/1.1\r\nhost: localhost\r\naccept-encoding: {encoding}\r\n\r\n"
    );
    client.write_all(head.as_bytes()).await?;
    Ok(client)
}

/// A process with many circuits.
async fn serve(circuits: usize, are_sick: bool) -> Result<(), Box<dyn Error>> {
    let sick = Config::new().failure_threshold(5).cooldown(Duration::from_secs(1));
    let config = if are_sick { sick } else { Config::new().failure_threshold(50) };
    for number in 0..circuits {
        let circuit = registry().get_or_create(&format!("service-{number:05}"), config)?;
        if number % CALLED == 0 {
            tokio::spawn(call(circuit, number as u64, are_sick));
        }
    }
    let server = Dashboard::new().bind("127.0.0.1:0").await?;
    println!("{}", server.address());
    server.run().await;
    Ok(())
}

/// Calls at a pace of its own. Calls that are sick fail for two seconds of four, each circuit at its own time.
async fn call(circuit: Arc<CircuitBreaker>, number: u64, is_sick: bool) {
    let pace = Duration::from_millis(20 + number * 7 % 180);
    let (mut often, mut random) = (interval(pace), number + 1);
    let began = Instant::now();
    loop {
        often.tick().await;
        // A generator of random numbers that is good enough for this.
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let is_down = is_sick && (began.elapsed().as_secs() + number) % 4 < 2;
        let fails = is_down || random >> 60 == 0;
        for _ in 0..=random >> 62 {
            let _ = circuit.call(|| if fails { Err(()) } else { Ok(()) });
        }
    }
}

async fn pages_of(
    circuits: usize,
    calls: &str,
    pages: usize,
    encoding: &str,
) -> Result<(), Box<dyn Error>> {
    let mut child = Command::new(std::env::current_exe()?)
        .args(["serve", &circuits.to_string(), calls])
        .stdout(Stdio::piped())
        .spawn()?;
    let mut address = String::new();
    BufReader::new(child.stdout.take().ok_or("no output")?).read_line(&mut address)?;
    let read = Arc::new(AtomicU64::new(0));
    for _ in 0..pages {
        let (mut client, read) = (open(address.trim(), encoding).await?, Arc::clone(&read));
        tokio::spawn(async move {
            let mut buffer = vec![0; 1 << 20];
            while let Ok(bytes @ 1..) = client.read(&mut buffer).await {
                read.fetch_add(bytes as u64, Ordering::Relaxed);
            }
        });
    }
    sleep(Duration::from_secs(3)).await;
    let (ticks, bytes) = (ticks_of(child.id())?, read.load(Ordering::Relaxed));
    sleep(MEASURED).await;
    let seconds = MEASURED.as_secs_f64();
    let busy = (ticks_of(child.id())? - ticks) / TICKS / seconds * 100.0;
    #[allow(clippy::cast_precision_loss, reason = "figures that people read")]
    let [first, each] = [bytes, read.load(Ordering::Relaxed) - bytes]
        .map(|bytes| bytes as f64 / pages.max(1) as f64 / 1e3);
    let each = each / seconds;
    let resident = resident_of(child.id())?;
    println!(
        "{circuits} circuits, a tenth called and {calls}, {pages} pages, {encoding}: {resident} KiB resident, \
         {busy:.1} % of one core; a page gets {first:.0} KB in 3 s, then {each:.1} KB/s"
    );
    child.kill()?;
    child.wait()?;
    Ok(())
}

/// The time that a process has run, on all cores.
fn ticks_of(process: u32) -> Result<f64, Box<dyn Error>> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
    // The name of the program, in brackets, may hold spaces.
    let fields = stat.rsplit_once(") ").ok_or("no fields")?.1.split(' ');
    let times: Result<Vec<f64>, _> = fields.skip(11).take(2).map(str::parse).collect();
    Ok(times?.iter().sum())
}

fn resident_of(process: u32) -> Result<u64, Box<dyn Error>> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}
