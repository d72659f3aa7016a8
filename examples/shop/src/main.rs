//! A shop on the loopback, with all that it depends on.
//!
//! ```text
//! cargo run --manifest-path examples/shop/Cargo.toml
//! ```
//!
//! It prints its address, and tells its story again and again until Ctrl+C. Open the address in a browser.
//!
//! * `--port 4040` takes another port, and 0 any that is free.
//! * `--seconds 15` tells the story once, in about so long. It fails if a chapter does not come true.

use std::time::{Duration, Instant};
use std::{env, io};

use breaker_runtime::registry;
use breaker_shop::server::Server;
use breaker_shop::story::{self, CHAPTERS};
use breaker_shop::timeline::Timeline;
use breaker_shop::world::{BoxError, Redis, World};
use tokio::signal;

/// How long a chapter takes, if nobody says so.
const CHAPTER: Duration = Duration::from_secs(10);
/// Enough pieces that they are never sold out.
const PIECES: u32 = 1_000_000_000;
/// A shutdown with an open page must not take longer.
const AT_ONCE: Duration = Duration::from_secs(1);

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let options = Options::read()?;
    let world = World::start(Redis::start().await?, PIECES).await?;
    let server = Server::start(&world, options.port).await?;
    let url = server.url();
    println!("The shop is open, and shows its circuits: {url}");
    println!("It asks three HTTP hosts, a gRPC server and {}.\n", world.redis.name());

    let timeline = Timeline::begin();
    let following = timeline.follow_circuits();
    tokio::select! {
        told = tell(&options, &world, &url, timeline) => told?,
        ended = told_to_end() => ended?,
    }
    drop(following);
    close(server, timeline).await?;
    println!("\n{}", registry().snapshot());
    Ok(())
}

/// Once in the time that was asked for, or again and again.
async fn tell(
    options: &Options,
    world: &World,
    shop: &str,
    timeline: Timeline,
) -> Result<(), BoxError> {
    if let Some(seconds) = options.seconds {
        let length = Duration::from_secs(seconds) / u32::try_from(CHAPTERS.len())?;
        return Ok(story::tell(world, shop, length, timeline).await?);
    }
    loop {
        story::tell(world, shop, CHAPTER, timeline).await?;
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
