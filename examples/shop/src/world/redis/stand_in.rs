//! The few commands of Redis that the shop needs. While it fails, it drops its connections.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use super::Health;

type Values = Arc<Mutex<HashMap<String, String>>>;

#[derive(Debug)]
pub(super) struct StandIn {
    pub(super) port: u16,
}

impl StandIn {
    pub(super) async fn start(health: Health) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        let values = Values::default();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(converse(stream, Arc::clone(&values), health.clone()));
            }
        });
        Ok(Self { port })
    }
}

async fn converse(stream: TcpStream, values: Values, health: Health) -> io::Result<()> {
    // Otherwise an answer waits until the client has acknowledged the one before.
    stream.set_nodelay(true)?;
    let mut stream = BufReader::new(stream);
    while let Some(command) = read(&mut stream).await? {
        if !health.works().await {
            break;
        }
        let answer = answer(&command, &values);
        stream.write_all(answer.as_bytes()).await?;
    }
    Ok(())
}

/// A command is an array of texts. `None` at the end.
async fn read(stream: &mut BufReader<TcpStream>) -> io::Result<Option<Vec<String>>> {
    let Some(count) = number(stream, '*').await? else { return Ok(None) };
    let mut words = Vec::new();
    for _ in 0..count {
        let length = number(stream, '$').await?.ok_or(io::ErrorKind::UnexpectedEof)?;
        let mut word = vec![0; length + 2]; // with the end of the line
        stream.read_exact(&mut word).await?;
        word.truncate(length);
        words.push(String::from_utf8(word).map_err(io::Error::other)?);
    }
    Ok(Some(words))
}

async fn number(stream: &mut BufReader<TcpStream>, sign: char) -> io::Result<Option<usize>> {
    let mut line = String::new();
    if stream.read_line(&mut line).await? == 0 {
        return Ok(None);
    }
    let number = line.trim_end().strip_prefix(sign).and_then(|number| number.parse().ok());
    number.map(Some).ok_or(io::ErrorKind::InvalidData.into())
}

fn answer(command: &[String], values: &Values) -> String {
    let mut values = values.lock().unwrap_or_else(PoisonError::into_inner);
    let words: Vec<&str> = command.iter().map(String::as_str).collect();
    match words[..] {
        ["GET", key] => match values.get(key) {
            Some(value) => format!("${}\r\n{value}\r\n", value.len()),
            None => "$-1\r\n".to_owned(),
        },
        ["SET", key, value] => {
            values.insert(key.to_owned(), value.to_owned());
            "+OK\r\n".to_owned()
        }
        ["INCRBY", key, by] => {
            let old = values.get(key).map_or("0", String::as_str);
            match (old.parse::<i64>(), by.parse::<i64>()) {
                (Ok(old), Ok(by)) => {
                    let new = old.saturating_add(by);
                    values.insert(key.to_owned(), new.to_string());
                    format!(":{new}\r\n")
                }
                _ => "-ERR value is not an integer or out of range\r\n".to_owned(),
            }
        }
        ["CLIENT", ..] => "+OK\r\n".to_owned(),
        _ => "-ERR unknown command\r\n".to_owned(),
    }
}
