//! What it costs to be looked at.
//!
//! `cargo run -p breaker-benches --release --bin watched` measures calls while the dashboard looks and while it
//! does not, in turns; then a process with 1,000 circuits, of which 100 are called all the time, without a
//! page and with 50 of them. Only for Linux: the figures of a process come from `/proc`.

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
use breaker_runtime::{Config, registry};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{interval, sleep};

const ROUNDS: usize = 9;
const CALLS: u32 = 20_000_000;
const CIRCUITS: usize = 1_000;
const PAGES: usize = 50;
const MEASURED: Duration = Duration::from_secs(10);
/// Clock ticks of a second, as `/proc` counts them.
const TICKS: f64 = 100.0;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<(), Box<dyn Error>> {
    if std::env::args().nth(1).as_deref() == Some("serve") {
        return serve().await;
    }
    calls().await?;
    pages().await
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
            let client = if is_watched { Some(open(&address.to_string()).await?) } else { None };
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

async fn open(address: &str) -> Result<TcpStream, Box<dyn Error>> {
    let mut client = TcpStream::connect(address).await?;
    client.write_all(b"GET /api/events HTTP/1.1\r\nhost: localhost\r\n\r\n").await?;
    Ok(client)
}

/// A process with many circuits.
async fn serve() -> Result<(), Box<dyn Error>> {
    for number in 0..CIRCUITS {
        let name = format!("service-{number:05}");
        let circuit = registry().get_or_create(&name, Config::new().failure_threshold(50))?;
        if number % 10 == 0 {
            tokio::spawn(async move {
                let mut often = interval(Duration::from_millis(20));
                loop {
                    often.tick().await;
                    let _ = circuit.call(|| Ok::<_, ()>(()));
                }
            });
        }
    }
    let server = Dashboard::new().bind("127.0.0.1:0").await?;
    println!("{}", server.address());
    server.run().await;
    Ok(())
}

async fn pages() -> Result<(), Box<dyn Error>> {
    let mut child =
        Command::new(std::env::current_exe()?).arg("serve").stdout(Stdio::piped()).spawn()?;
    let mut address = String::new();
    BufReader::new(child.stdout.take().ok_or("no output")?).read_line(&mut address)?;
    let read = Arc::new(AtomicU64::new(0));
    for open_pages in [0, PAGES] {
        for _ in 0..open_pages {
            let (mut client, read) = (open(address.trim()).await?, Arc::clone(&read));
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
        #[allow(clippy::cast_precision_loss, reason = "a figure that people read")]
        let sent = (read.load(Ordering::Relaxed) - bytes) as f64 / seconds / 1e6;
        let resident = resident_of(child.id())?;
        println!(
            "{CIRCUITS} circuits, {open_pages} pages: {resident} KiB resident, {busy:.1} % of one core, {sent:.2} MB/s"
        );
    }
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
