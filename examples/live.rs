//! A shop whose five dependencies fail and recover, and the live page of their circuits.
//!
//! ```text
//! cargo run --example live
//! ```
//!
//! It prints the address of the page, <http://127.0.0.1:3030>, and the token that lets you switch circuits.
//!
//! * `--port 4040` takes another port, and `--seconds 30` ends after so long.
//! * `--odd` adds circuits with names that a careless page would stumble over.
//! * `--many 1000` adds that many circuits, some of which change all the time.
//! * `BREAKER_TOKEN` in the environment is the token, instead of a random one.

use std::env;
use std::error::Error;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::OnceLock;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use breaker_dashboard::{Dashboard, Token};
use breaker_runtime::{Config, Rejected, TimedOut, circuit_breaker, registry};
use tokio::net::TcpListener;
use tokio::signal;
use tokio::sync::watch;
use tokio::time::{Instant, interval, sleep, timeout};

/// Every illness comes again after so long.
const ROUND: Duration = Duration::from_secs(60);

#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error("connection refused")]
    Down,
    #[error(transparent)]
    Refused(#[from] Rejected),
    #[error(transparent)]
    TimedOut(#[from] TimedOut),
}

/// Three failures in a row open it.
#[circuit_breaker(name = "payments", failure_threshold = 3, cooldown = "5s", success_threshold = 2)]
async fn pay() -> Result<(), Trouble> {
    work(Duration::from_millis(8)).await;
    if is_ill(3..14) { Err(Trouble::Down) } else { Ok(()) }
}

/// Half of the calls of the last five seconds open it. Orders go on without an answer.
#[circuit_breaker(name = "inventory", failure_rate = 0.5, window = "5s", minimum_calls = 20, cooldown = "4s",
                  cooldown_multiplier = 1.5, cooldown_jitter = 0.2, fallback = Ok(0))]
async fn stock() -> Result<u32, Trouble> {
    work(Duration::from_millis(5)).await;
    if is_ill(18..28) && one_in(3, 2) { Err(Trouble::Down) } else { Ok(7) }
}

/// It gets slow rather than wrong. The page shows how long its calls take.
#[circuit_breaker(
    name = "search",
    slow_call = "120ms",
    slow_call_rate = 0.4,
    window = 50,
    call_timeout = "1s",
    cooldown = "6s",
    probe_timeout = "3s",
    timings = true
)]
async fn search() -> Result<Vec<&'static str>, Trouble> {
    work(Duration::from_millis(if is_ill(30..40) { 240 } else { 30 })).await;
    Ok(vec!["teapot"])
}

/// At most four at once. When it stalls, the others are refused instead of piling up.
#[circuit_breaker(
    name = "mail",
    max_concurrent = 4,
    max_wait = "20ms",
    failure_threshold = 8,
    cooldown = "3s",
    timings = true
)]
async fn send_mail() -> Result<(), Trouble> {
    work(Duration::from_millis(if is_ill(40..48) { 400 } else { 15 })).await;
    if is_ill(46..50) { Err(Trouble::Down) } else { Ok(()) }
}

/// Each carrier has a circuit of its own.
#[circuit_breaker(name = "carriers", key = carrier, failure_threshold = 4, cooldown = "4s")]
async fn ship(carrier: &str) -> Result<(), Trouble> {
    work(Duration::from_millis(12)).await;
    let is_down =
        carrier == "gull.example" && is_ill(8..24) || carrier == "owl.example" && is_ill(50..58);
    if is_down && one_in(10, 9) { Err(Trouble::Down) } else { Ok(()) }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let options = Options::read()?;
    let token = match env::var("BREAKER_TOKEN") {
        Ok(secret) => Token::new(secret)?,
        Err(_) => Token::random()?,
    };
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, options.port));
    let listener = TcpListener::bind(address).await?;
    println!("page:  http://{}", listener.local_addr()?);
    println!("token: {}", token.reveal());

    beginning();
    options.add_circuits()?;
    for customer in 0..6 {
        tokio::spawn(shop(customer));
    }
    // The page is at the root here, beside the service's own paths; `nest_service` puts it anywhere else.
    let (end, ending) = watch::channel(());
    let ended = |mut ending: watch::Receiver<()>| async move {
        let _ = ending.changed().await;
    };
    tokio::spawn(async move {
        ends(options.seconds).await;
        drop(end); // which all receivers notice
    });
    let dashboard = Dashboard::new().title("checkout, pod 7").version(env!("CARGO_PKG_VERSION"));
    let dashboard = dashboard.show_process().with_controls(token);
    let dashboard = dashboard.until(ended(ending.clone())).into_router();
    let service = Router::new().route("/checkout", get(checkout)).fallback_service(dashboard);
    let service = service.into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, service).with_graceful_shutdown(ended(ending)).await?;
    Ok(())
}

/// Waits for Ctrl+C, for that many seconds at most.
async fn ends(seconds: Option<u64>) {
    let longest = seconds.map_or(Duration::MAX, Duration::from_secs);
    if let Ok(Err(error)) = timeout(longest, signal::ctrl_c()).await {
        eprintln!("Ctrl+C cannot be caught: {error}");
        sleep(longest).await;
    }
}

/// What a request to the shop does.
async fn checkout() -> String {
    let answers =
        (search().await, stock().await, pay().await, ship("owl.example").await, send_mail().await);
    format!("{answers:?}\n")
}

/// A customer who never sleeps.
async fn shop(customer: u64) {
    let mut often = interval(Duration::from_millis(40 + 7 * customer));
    loop {
        often.tick().await;
        // Refusals and failures are what the page is there to show.
        let _ = search().await;
        let _ = stock().await;
        let _ = pay().await;
        let _ = ship(["gull.example", "owl.example", "kite.example"][fastrand::usize(..3)]).await;
        tokio::spawn(send_mail());
    }
}

async fn work(time: Duration) {
    sleep(time.mul_f64(0.5 + fastrand::f64())).await;
}

fn beginning() -> Instant {
    static BEGINNING: OnceLock<Instant> = OnceLock::new();
    *BEGINNING.get_or_init(Instant::now)
}

/// Whether these seconds of a round are now.
fn is_ill(seconds: std::ops::Range<u64>) -> bool {
    seconds.contains(&(beginning().elapsed().as_secs() % ROUND.as_secs()))
}

/// Says so `times` of `of` times.
fn one_in(of: u32, times: u32) -> bool {
    fastrand::u32(..of) < times
}

struct Options {
    port: u16,
    seconds: Option<u64>,
    has_odd_names: bool,
    many: usize,
}

impl Options {
    fn read() -> Result<Self, Box<dyn Error>> {
        let mut options = Self { port: 3030, seconds: None, has_odd_names: false, many: 0 };
        let mut args = env::args().skip(1);
        while let Some(arg) = args.next() {
            let mut value = || args.next().ok_or(format!("`{arg}` needs a value"));
            match arg.as_str() {
                "--port" => options.port = value()?.parse()?,
                "--seconds" => options.seconds = Some(value()?.parse()?),
                "--odd" => options.has_odd_names = true,
                "--many" => options.many = value()?.parse()?,
                _ => {
                    return Err(format!("`{arg}` is not --port, --seconds, --odd or --many").into());
                }
            }
        }
        Ok(options)
    }

    fn add_circuits(&self) -> Result<(), Box<dyn Error>> {
        let odd = [
            "<script>alert(1)</script>",
            "\"onload=\"alert(1)",
            "\u{202e}gnp.exe",
            "zero\u{200b}width",
            "line\u{2028}separator",
            "Payments",
            "..",
            "a/b?c#d%2f",
        ];
        for name in odd.into_iter().filter(|_| self.has_odd_names) {
            registry().get_or_create(name, Config::new())?.try_acquire()?.success();
        }
        for number in 0..self.many {
            let name = format!("service-{number:05}");
            let circuit = registry().get_or_create(&name, Config::new().failure_threshold(50))?;
            if number % 10 == 0 {
                tokio::spawn(async move {
                    let mut often = interval(Duration::from_millis(500));
                    loop {
                        often.tick().await;
                        let _ = circuit.call(|| if one_in(8, 1) { Err("down") } else { Ok(()) });
                    }
                });
            }
        }
        Ok(())
    }
}
