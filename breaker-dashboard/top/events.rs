//! Server-sent events, out of the bytes of a response.

/// The longest event. The dashboard's are at most 1 MiB and a few fields.
const LONGEST: usize = 8 * 1024 * 1024;

/// An event with its name, which is `message` if it has none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) name: String,
    pub(crate) data: Vec<u8>,
}

/// An event that is too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooLong;

/// The part of a stream that is not a whole event yet.
#[derive(Debug, Default)]
pub(crate) struct Events {
    line: Vec<u8>,
    name: Vec<u8>,
    data: Vec<u8>,
}

impl Events {
    /// Takes the next bytes, and returns the events that end in them.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Result<Vec<Event>, TooLong> {
        let mut events = Vec::new();
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend_from_slice(part);
            if self.line.len() + self.data.len() > LONGEST {
                return Err(TooLong);
            }
            if self.line.ends_with(b"\n") {
                let line = std::mem::take(&mut self.line);
                events.extend(self.take(line.trim_ascii_end()));
            }
        }
        Ok(events)
    }

    fn take(&mut self, line: &[u8]) -> Option<Event> {
        if line.is_empty() {
            let (name, data) = (std::mem::take(&mut self.name), std::mem::take(&mut self.data));
            let name = if name.is_empty() { b"message".to_vec() } else { name };
            let name = String::from_utf8_lossy(&name).into_owned();
            return (!data.is_empty()).then_some(Event { name, data });
        }
        let colon = line.iter().position(|byte| *byte == b':').unwrap_or(line.len());
        let (field, value) = line.split_at(colon);
        let value = value.strip_prefix(b":").unwrap_or(value);
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match field {
            b"event" => self.name = value.to_vec(),
            b"data" => {
                if !self.data.is_empty() {
                    self.data.push(b'\n');
                }
                self.data.extend_from_slice(value);
            }
            // Comments, and fields that are not needed here.
            _ => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(name: &str, data: &str) -> Event {
        Event { name: name.to_owned(), data: data.as_bytes().to_vec() }
    }

    #[test]
    fn events_are_the_same_however_the_stream_is_cut() {
        let stream = "retry: 1000\n\n: a comment\nevent: snapshot\ndata: {\"a\":1}\n\n\
                      event: changes\r\ndata:{}\r\n\r\ndata: a\ndata: b\n\n";
        let expected =
            [event("snapshot", "{\"a\":1}"), event("changes", "{}"), event("message", "a\nb")];
        for length in 1..=stream.len() {
            let mut events = Events::default();
            let parts = stream.as_bytes().chunks(length);
            let all: Vec<_> = parts.flat_map(|part| events.push(part).unwrap()).collect();
            assert_eq!(all, expected, "in parts of {length}");
        }
    }

    #[test]
    fn an_event_without_an_end_does_not_fill_the_memory() {
        let mut events = Events::default();
        let mebibyte = vec![b'x'; 1024 * 1024];
        let taken = (0..9).map(|_| events.push(&mebibyte)).take_while(Result::is_ok).count();
        assert_eq!(taken, 8);
        let mut events = Events::default();
        let line = [b"data: ".as_slice(), &mebibyte, b"\n"].concat();
        assert!((0..9).any(|_| events.push(&line) == Err(TooLong)), "many lines are one event");
    }
}
