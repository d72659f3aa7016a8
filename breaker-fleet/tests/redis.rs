//! Members that meet in a real server, which each test starts on a free port. Without `redis-server` or
//! `valkey-server`, these tests say that they are left out. With `BREAKER_REQUIRE_REDIS=1` they fail then.
#![cfg(all(unix, feature = "redis", feature = "tracing"))]

#[path = "redis/dependency.rs"]
mod dependency;
#[path = "redis/faults.rs"]
mod faults;
#[path = "redis/lies.rs"]
mod lies;
#[path = "redis/log.rs"]
mod log;
#[path = "redis/member.rs"]
mod member;
#[path = "redis/process.rs"]
mod process;
#[path = "redis/processes.rs"]
mod processes;
#[path = "redis/proxy.rs"]
mod proxy;
#[path = "redis/server.rs"]
mod server;
