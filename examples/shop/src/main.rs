//! A shop on the loopback, with all that it depends on.
//!
//! ```text
//! cargo run --manifest-path examples/shop/Cargo.toml
//! ```
//!
//! It prints its address, and tells its story again and again until Ctrl+C. Open the address in a browser: the page
//! tells the same story, beside the dashboard. It has buttons to stay at a step, to go on, and to begin again.
//!
//! * `--port 4040` takes another port, and 0 any that is free.
//! * `--seconds 15` tells the story once, in about so long. It fails if a step does not come true.

use std::time::{Duration, Instant};
use std::{env, io};

use breaker_runtime::registry;
use breaker_shop::server::Server;
use breaker_shop::story::{STEPS, Story, Teller};
use breaker_shop::timeline::Timeline;
use breaker_shop::world::{BoxError, Redis, World};
use tokio::signal;

/// How long a step takes, if nobody says so: enough to read it, and to look.
const STEP: Duration = Duration::from_secs(20);
/// How long the end stays before the story begins again.
const REST: Duration = Duration::from_secs(30);
/// Enough pieces that they are never sold out.
const PIECES: u32 = 1_000_000_000;
/// A shutdown with an open page must not take longer.
const AT_ONCE: Duration = Duration::from_secs(1);

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let options = Options::read()?;
    let world = World::start(Redis::start().await?, PIECES).await?;
    let story = Story::default();
    let server = Server::start(&world, story.clone(), options.port).await?;
    let url = server.url();
    println!("The shop is open, and tells its story: {url}");
    println!("It asks three HTTP hosts, a gRPC server and {}.\n", world.redis.name());

    let timeline = Timeline::begin();
    let following = timeline.follow_circuits();
    tokio::select! {
        told = tell(options.seconds, Teller::new(&story, &world, &url, timeline), timeline) => told?,
        ended = told_to_end() => ended?,
    }
    drop(following);
    close(server, timeline).await?;
    println!("\n{}", registry().snapshot());
    Ok(())
}

/// Once in the time that was asked for, or again and again.
async fn tell(
    seconds: Option<u64>,
    mut teller: Teller<'_>,
    timeline: Timeline,
) -> Result<(), BoxError> {
    if let Some(seconds) = seconds {
        // What comes before takes half as long as a step.
        let halves = 2 * u32::try_from(STEPS.len())? + 1;
        return Ok(teller.tell(Duration::from_secs(seconds) * 2 / halves).await?);
    }
    loop {
        // A visitor's machine may have slept in the middle of a step. The page says what was wrong.
        if let Err(untrue) = teller.tell(STEP).await {
            timeline.say(untrue);
        }
        teller.rest(REST).await;
    }
}

/// Waits for Ctrl+C, or for the signal by which an orchestrator ends a service.
#[cfg(unix)]
async fn told_to_end() -> io::Result<()> {
    let mut terminate = signal::unix::signal(signal::unix::SignalKind::terminate())?;
    tokio::select! {
        pressed = signal::ctrl_c() => pressed,
        _ = terminate.recv() => Ok(()),
    }
}

/// Waits for Ctrl+C.
#[cfg(not(unix))]
async fn told_to_end() -> io::Result<()> {
    signal::ctrl_c().await
}

/// Closes the shop while somebody looks at its page.
async fn close(server: Server, timeline: Timeline) -> Result<(), BoxError> {
    let mut page = reqwest::get(format!("{}/breakers/api/events", server.url())).await?;
    page.chunk().await?;
    let began = Instant::now();
    server.stop().await?;
    let took = began.elapsed();
    timeline.say(format_args!("The shop closed in {} ms, with its page open.", took.as_millis()));
    if took < AT_ONCE { Ok(()) } else { Err("the shop took too long to close".into()) }
}

struct Options {
    port: u16,
    seconds: Option<u64>,
}

impl Options {
    fn read() -> Result<Self, BoxError> {
        let mut options = Self { port: 3030, seconds: None };
        let mut args = env::args().skip(1);
        while let Some(arg) = args.next() {
            let mut value = || args.next().ok_or(format!("`{arg}` needs a value"));
            match arg.as_str() {
                "--port" => options.port = value()?.parse()?,
                "--seconds" => options.seconds = Some(value()?.parse()?),
                _ => return Err(format!("`{arg}` is not --port or --seconds").into()),
            }
        }
        Ok(options)
    }
}
