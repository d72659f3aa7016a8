//! Reading a file whose content, size and kind can be anything.

use std::fs;
use std::io::{self, ErrorKind, Read};
use std::path::Path;

use crate::problem::{Errors, Problem};
use crate::text::Text;

const MIB: u64 = 1024 * 1024;

/// Why a file could not be read.
#[derive(Debug)]
pub(crate) enum Unread {
    Missing,
    Wrong(String),
}

impl Unread {
    pub(crate) fn errors(&self, name: &str) -> Errors {
        let message = match self {
            Self::Missing => "there is no such file",
            Self::Wrong(message) => message,
        };
        Errors::of_one(Problem::of_all(name, message))
    }
}

impl From<io::Error> for Unread {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            ErrorKind::NotFound => Self::Missing,
            ErrorKind::PermissionDenied => {
                Self::Wrong("this process has no permission to read the file".to_owned())
            }
            _ => Self::Wrong(format!("the file cannot be read: {error}")),
        }
    }
}

/// Reads the file at that path, which messages call by that name, if it has at most that many MiB.
pub(crate) fn read(path: &Path, name: &str, limit: u64) -> Result<Text, Unread> {
    let wrong = |message: &str| Err(Unread::Wrong(message.to_owned()));
    // Before it is opened: opening a pipe waits for its writer.
    let about = fs::metadata(path)?;
    if about.is_dir() {
        return wrong("this is a directory; name a file in it");
    }
    if !about.is_file() {
        return wrong("this is no regular file");
    }
    let mut bytes = Vec::new();
    let largest = limit * MIB;
    if about.len() <= largest {
        fs::File::open(path)?.take(largest + 1).read_to_end(&mut bytes)?;
    }
    if about.len().max(bytes.len() as u64) > largest {
        return wrong(&format!("the file is larger than {limit} MiB"));
    }
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Text::file(name, text)),
        Err(error) => {
            let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
            let line = before.split(|byte| *byte == b'\n').count();
            wrong(&format!("the file is not UTF-8, first in line {line}"))
        }
    }
}
