//! The engine for Redis 7 and Valkey: one connection, one script, and a channel that says when to look.

#[cfg(all(test, unix))]
mod differential;

use std::fmt;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use redis::aio::{MultiplexedConnection, SendError};
use redis::{
    AsyncConnectionConfig, Client, IntoConnectionInfo as _, ProtocolVersion, PushInfo, PushKind,
    RedisError, RedisResult, Value, cmd, pipe,
};
use tokio::sync::Notify;

use super::{
    Ask, Beat, Engine, EngineError, LONGEST_TEXT, Leased, Posted, Record, Report, Stand, What, Word,
};
use crate::inbox::lock;
use crate::member::MOST_RECORDS;

/// The version of what is stored. Members of another version use other keys, and never meet.
const VERSION: u32 = 1;
/// Numbers up to this are exact in the server's scripts, also as text.
const MOST: u64 = 1 << 46;

/// Redis 7 or later, or Valkey. [`Fleet::redis`](crate::Fleet::redis) makes it.
///
/// # Examples
///
/// ```
/// use breaker_fleet::{Fleet, FleetBuilder, Redis};
///
/// let builder: FleetBuilder<Redis> = Fleet::redis("redis://127.0.0.1/");
/// # drop(builder);
/// ```
pub struct Redis {
    /// The address without a password.
    shown: String,
    prefix: String,
    /// The text of the script, and the name that servers give it.
    script: String,
    script_name: OnceLock<String>,
    client: Client,
    config: AsyncConnectionConfig,
    /// A call takes it, and puts it back when it has an answer that makes sense. After an error or a cancelled call,
    /// the next call reconnects. So it never reads a late answer to an earlier one.
    connection: Mutex<Option<MultiplexedConnection>>,
    changed: Arc<Notify>,
}

impl Redis {
    /// Checks the address. The connection is made by the first call.
    pub(crate) fn new(url: &str, namespace: &str) -> Result<Self, String> {
        // The error may quote the address, and with it a password.
        let wrong = |_| "the address must be a URL such as \"redis://127.0.0.1/\"".to_owned();
        let info = url.into_connection_info().map_err(wrong)?;
        let shown = format!("redis at {}", info.addr());
        let settings = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
        let client = Client::open(info.set_redis_settings(settings))
            .map_err(|error| format!("the address cannot be used: {}", error.category()))?;
        let changed = Arc::new(Notify::new());
        let heard = Arc::clone(&changed);
        let config = AsyncConnectionConfig::new()
            // No limits here: each caller has its own.
            .set_connection_timeout(None)
            .set_response_timeout(None)
            // Also notified when the connection is lost.
            .set_push_sender(move |push: PushInfo| -> Result<(), SendError> {
                if matches!(push.kind, PushKind::Message | PushKind::Disconnection) {
                    heard.notify_one();
                }
                Ok(())
            });
        Ok(Self {
            shown,
            prefix: format!("breaker:{{{namespace}}}:{VERSION}:"),
            script: include_str!("redis.lua").to_owned(),
            script_name: OnceLock::new(),
            client,
            config,
            connection: Mutex::default(),
            changed,
        })
    }

    /// Runs the script once for each call: a verb, and what it takes. Makes sense of the answers with `read`.
    async fn run<T>(
        &self,
        calls: &[Vec<String>],
        read: impl FnOnce(Vec<Value>) -> Option<T>,
    ) -> Result<T, EngineError> {
        let known = lock(&self.connection).take();
        let mut connection = match known {
            Some(connection) => connection,
            None => self.connect().await.map_err(|error| problem(&error))?,
        };
        let mut commands = pipe();
        for call in calls {
            commands.cmd("EVALSHA").arg(self.script_name.get()).arg(1).arg(&self.prefix).arg(call);
        }
        // So that each error keeps its code.
        let answers = commands.ignore_errors().query_async::<Vec<_>>(&mut connection).await;
        let answers: RedisResult<Vec<_>> = answers.and_then(|them| them.into_iter().collect());
        let answers = answers.map_err(|error| problem(&error))?;
        let nonsense = || EngineError::new("the engine answered nonsense");
        let read = read(answers).ok_or_else(nonsense)?;
        *lock(&self.connection) = Some(connection);
        Ok(read)
    }

    async fn connect(&self) -> RedisResult<MultiplexedConnection> {
        let config = &self.config;
        let mut to = self.client.get_multiplexed_async_connection_with_config(config).await?;
        // When many members come back at once, the text would be most of what they send.
        let is_there = match self.script_name.get() {
            Some(name) => cmd("SCRIPT").arg("EXISTS").arg(name).query_async(&mut to).await?,
            None => [false],
        };
        if is_there == [false] {
            let name = cmd("SCRIPT").arg("LOAD").arg(&self.script).query_async(&mut to).await?;
            let _ = self.script_name.set(name);
        }
        to.subscribe(format!("{}changed", self.prefix)).await?;
        Ok(to)
    }
}

impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redis").field("at", &self.shown).finish_non_exhaustive()
    }
}

/// The error without the server's text: that is input, and may quote a command.
fn problem(error: &RedisError) -> EngineError {
    let is_word = |code: &&str| code.len() <= 16 && code.bytes().all(|it| it.is_ascii_uppercase());
    let code = error.code().filter(is_word);
    let what = match code {
        Some("NOAUTH" | "WRONGPASS") => "authentication failed",
        Some("NOPERM") => "no permission",
        Some("OOM") => "out of memory",
        _ if error.is_connection_refusal() => "connection refused",
        _ if error.is_connection_dropped() => "connection lost",
        _ => error.category(),
    };
    EngineError::new(format!("{what}{}", code.map(|it| format!(" ({it})")).unwrap_or_default()))
}

fn millis(duration: Duration) -> String {
    duration.as_millis().min(MOST.into()).to_string()
}

impl Engine for Redis {
    fn describe(&self) -> String {
        self.shown.clone()
    }

    async fn beat(&self, beat: Beat<'_>) -> Result<Report, EngineError> {
        let Beat { member, alive_for, life, version } = beat;
        // A server without memory takes the last one as the number of its life.
        let numbers = [life, version.min(MOST), fastrand::u64(1..MOST)].map(|it| it.to_string());
        let [life, version, spare] = numbers;
        let call = ["beat".into(), member.into(), millis(alive_for), life, version, spare];
        self.run(&[call.into()], |answers| report(only(answers)?)).await
    }

    async fn tell(&self, words: &[Word]) -> Result<(), EngineError> {
        let calls: Vec<_> = words.iter().map(call).collect();
        self.run(&calls, |_| Some(())).await
    }

    async fn lease(&self, ask: Ask<'_>) -> Result<Leased, EngineError> {
        let call = ["lease".into(), ask.member.into(), ask.circuit.into(), millis(ask.lasts)];
        self.run(&[call.into()], |answers| leased(only(answers)?)).await
    }

    async fn changed(&self) {
        self.changed.notified().await;
    }
}

/// What a member says about a circuit, as the script takes it.
fn call(word: &Word) -> Vec<String> {
    let Word { member, circuit, what } = word;
    let (verb, more) = match what {
        What::Vote { lasts, reopenings, settings, rule } => {
            let (reopenings, settings) = (reopenings.to_string(), format!("{settings:016x}"));
            let rule = [rule.at_least, rule.per_mille].map(|it| it.to_string());
            ("vote", [&[millis(*lasts), reopenings, settings], &rule[..]].concat())
        }
        What::Withdraw => ("withdraw", Vec::new()),
        What::Recovered => ("recovered", Vec::new()),
        // The line break keeps the two apart.
        What::Order { what, lasts, by } => {
            ("order", vec![what.replace('\n', " "), millis(*lasts), by.clone()])
        }
    };
    [vec![verb.to_owned(), member.clone(), circuit.clone()], more].concat()
}

fn only(answers: Vec<Value>) -> Option<Value> {
    let [answer] = answers.try_into().ok()?;
    Some(answer)
}

fn report(answer: Value) -> Option<Report> {
    let [life, version, is_whole, members, records, orders] = fields(answer)?;
    Some(Report {
        life: text(life)?.parse().ok()?,
        version: number(&version)?,
        is_whole: number(&is_whole)? == 1,
        members: small(&members)?,
        // What cannot be read is left out: any member can write there, and must not cut off the others.
        records: list(records)?.into_iter().filter_map(record).collect(),
        orders: list(orders)?.into_iter().filter_map(posted).collect(),
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
