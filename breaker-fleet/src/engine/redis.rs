//! The engine for Redis 7 and Valkey: one connection, one script, and a channel that says when to look.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{
    Client, IntoConnectionInfo as _, ProtocolVersion, PushInfo, PushKind, RedisError, Script, Value,
};
use tokio::sync::Notify;

use super::{Ask, Beat, Engine, EngineError, Leased, Posted, Record, Report, Stand, What, Word};
use crate::member::MOST_RECORDS;

/// The version of what is stored. Members of another version use other keys, and never meet.
const VERSION: u32 = 1;
/// The longest text that is read from the server, in bytes.
const LONGEST_TEXT: usize = 512;
/// The longest that a connection may take. A call that waits for it was given up long before.
const CONNECT: Duration = Duration::from_secs(2);
/// Numbers up to this are exact in the server's scripts.
const MOST: u64 = 1 << 53;

/// Redis 7 or later, or Valkey. [`Fleet::redis`](crate::Fleet::redis) makes it.
pub struct Redis {
    /// The address without a password, and the namespace.
    shown: String,
    prefix: String,
    script: Script,
    connection: ConnectionManager,
    pushed: Arc<Pushed>,
    /// What a server without memory takes as the number of its life.
    spare_life: u64,
}

/// What comes from the server unasked.
#[derive(Debug, Default)]
struct Pushed {
    changed: Notify,
    is_subscribed: AtomicBool,
}

impl Pushed {
    /// Runs on the task that reads the connection.
    fn take(&self, push: &PushInfo) {
        if push.kind == PushKind::Disconnection {
            self.is_subscribed.store(false, Ordering::Release);
        }
        self.changed.notify_one();
    }
}

impl Redis {
    /// Checks the address. The connection is made by the first call.
    pub(crate) fn new(url: &str, namespace: &str) -> Result<Self, String> {
        // The error may quote the address, and with it a password.
        let wrong = |_| "the address must be a URL such as \"redis://127.0.0.1/\"".to_owned();
        let info = url.into_connection_info().map_err(wrong)?;
        let shown = format!("redis at {}", info.addr());
        let settings = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
        let client =
            Client::open(info.set_redis_settings(settings)).map_err(|error: RedisError| {
                format!("the address cannot be used: {}", error.category())
            })?;
        let pushed = Arc::new(Pushed::default());
        let heard = Arc::clone(&pushed);
        let config = ConnectionManagerConfig::new()
            .set_number_of_retries(0)
            .set_connection_timeout(Some(CONNECT))
            .set_response_timeout(Some(CONNECT))
            .set_push_sender(move |push: PushInfo| -> Result<(), redis::aio::SendError> {
                heard.take(&push);
                Ok(())
            })
            .set_automatic_resubscription();
        let connection = ConnectionManager::new_lazy_with_config(client, config)
            .map_err(|error| format!("the address cannot be used: {}", error.category()))?;
        Ok(Self {
            shown,
            prefix: format!("breaker:{{{namespace}}}:{VERSION}:"),
            script: Script::new(include_str!("redis.lua")),
            connection,
            pushed,
            spare_life: fastrand::u64(1..MOST),
        })
    }

    async fn run(&self, verb: &str, arguments: &[&str]) -> Result<Value, EngineError> {
        let mut connection = self.connection.clone();
        let mut call = self.script.prepare_invoke();
        call.key(&self.prefix).arg(verb);
        for argument in arguments {
            call.arg(*argument);
        }
        call.invoke_async(&mut connection).await.map_err(|error| problem(&error))
    }

    /// Listens for changes, again after each loss of the connection.
    async fn subscribe(&self) -> Result<(), EngineError> {
        if !self.pushed.is_subscribed.load(Ordering::Acquire) {
            let mut connection = self.connection.clone();
            let channel = format!("{}changed", self.prefix);
            connection.subscribe(channel).await.map_err(|error| problem(&error))?;
            self.pushed.is_subscribed.store(true, Ordering::Release);
        }
        Ok(())
    }
}

impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redis").field("at", &self.shown).finish_non_exhaustive()
    }
}

/// What went wrong, without what the server said: that is input, and may quote a command.
fn problem(error: &RedisError) -> EngineError {
    let code = error.code().filter(|code| code.len() <= 16).map(|code| format!(" ({code})"));
    EngineError::new(format!("{}{}", error.category(), code.unwrap_or_default()))
}

fn millis(duration: Duration) -> String {
    duration.as_millis().min(MOST.into()).to_string()
}

impl Engine for Redis {
    fn describe(&self) -> String {
        self.shown.clone()
    }

    async fn beat(&self, beat: Beat<'_>) -> Result<Report, EngineError> {
        self.subscribe().await?;
        let version = beat.version.min(MOST).to_string();
        let numbers =
            [millis(beat.alive_for), beat.life.to_string(), version, self.spare_life.to_string()];
        let [alive_for, life, version, spare] = numbers.each_ref().map(String::as_str);
        let answer = self.run("beat", &[beat.member, alive_for, life, version, spare]).await?;
        report(answer).ok_or_else(nonsense)
    }

    async fn tell(&self, words: &[Word]) -> Result<(), EngineError> {
        for Word { member, circuit, what } in words {
            let (member, circuit) = (member.as_str(), circuit.as_str());
            match what {
                What::Vote { lasts, reopenings, settings, rule } => {
                    let (at_least, share) = (rule.at_least.to_string(), rule.per_mille.to_string());
                    let (lasts, reopenings) = (millis(*lasts), reopenings.to_string());
                    let settings = format!("{settings:016x}");
                    let arguments =
                        [member, circuit, &lasts, &reopenings, &settings, &at_least, &share];
                    self.run("vote", &arguments).await?
                }
                What::Withdraw => self.run("withdraw", &[member, circuit]).await?,
                What::Recovered => self.run("recovered", &[member, circuit]).await?,
                What::Order { what, lasts, by } => {
                    // The line break keeps the two apart.
                    let what = what.replace('\n', " ");
                    self.run("order", &[member, circuit, &what, &millis(*lasts), by]).await?
                }
            };
        }
        Ok(())
    }

    async fn lease(&self, ask: Ask<'_>) -> Result<Leased, EngineError> {
        let answer = self.run("lease", &[ask.member, ask.circuit, &millis(ask.lasts)]).await?;
        leased(answer).ok_or_else(nonsense)
    }

    async fn changed(&self) {
        self.pushed.changed.notified().await;
    }
}

fn nonsense() -> EngineError {
    EngineError::new("the engine answered nonsense")
}

fn report(answer: Value) -> Option<Report> {
    let [life, version, is_whole, members, records, orders] = fields(answer)?;
    Some(Report {
        life: text(life)?.parse().ok()?,
        version: number(&version)?,
        is_whole: number(&is_whole)? == 1,
        members: small(&members)?,
        records: list(records)?.into_iter().map(record).collect::<Option<_>>()?,
        orders: list(orders)?.into_iter().map(posted).collect::<Option<_>>()?,
    })
}

fn record(value: Value) -> Option<Record> {
    let [
        circuit,
        round,
        stand,
        left,
        votes,
        needed,
        among,
        has_voted,
        reopenings,
        holder,
        lease,
        settings,
    ] = fields(value)?;
    let (holder, lease) = (text(holder)?, duration(&lease)?);
    Some(Record {
        circuit: text(circuit)?,
        round: number(&round)?,
        stand: match text(stand)?.as_str() {
            "counting" => Stand::Counting,
            "open" => Stand::Open,
            "recovered" => Stand::Recovered,
            "withdrawn" => Stand::Withdrawn,
            _ => return None,
        },
        left: duration(&left)?,
        votes: small(&votes)?,
        needed: small(&needed)?,
        members: small(&among)?,
        has_voted: number(&has_voted)? == 1,
        reopenings: small(&reopenings)?,
        prober: (!holder.is_empty()).then_some((holder, lease)),
        settings: small(&settings)?,
    })
}

fn posted(value: Value) -> Option<Posted> {
    let [circuit, count, what, by, left] = fields(value)?;
    Some(Posted {
        circuit: text(circuit)?,
        number: number(&count)?,
        what: text(what)?,
        by: text(by)?,
        left: duration(&left)?,
    })
}

fn leased(answer: Value) -> Option<Leased> {
    let [what, holder, left] = fields(answer)?;
    let left = duration(&left)?;
    Some(match text(what)?.as_str() {
        "granted" => Leased::Granted,
        "held" => Leased::Held(text(holder)?, left),
        "not_due" => Leased::NotDue(left),
        "unneeded" => Leased::Unneeded,
        _ => return None,
    })
}

fn fields<const N: usize>(value: Value) -> Option<[Value; N]> {
    list(value)?.try_into().ok()
}

fn list(value: Value) -> Option<Vec<Value>> {
    match value {
        Value::Array(values) if values.len() <= MOST_RECORDS => Some(values),
        _ => None,
    }
}

fn text(value: Value) -> Option<String> {
    match value {
        Value::BulkString(bytes) if bytes.len() <= LONGEST_TEXT => String::from_utf8(bytes).ok(),
        Value::SimpleString(text) if text.len() <= LONGEST_TEXT => Some(text),
        _ => None,
    }
}

fn number(value: &Value) -> Option<u64> {
    match value {
        Value::Int(number) => u64::try_from(*number).ok(),
        _ => None,
    }
}

fn small(value: &Value) -> Option<u32> {
    number(value)?.try_into().ok()
}

fn duration(value: &Value) -> Option<Duration> {
    number(value).map(Duration::from_millis)
}
