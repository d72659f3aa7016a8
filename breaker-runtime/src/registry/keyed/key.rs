//! Keys as text: on the way in, and in the map.

use std::borrow::Borrow;
use std::fmt::{self, Write as _};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use crate::settings::LONGEST;

/// The end of a full name. Only the key is hashed: what comes before it is the same for all.
#[derive(Debug)]
pub(super) struct Key {
    name: Arc<str>,
    start: usize,
}

impl Key {
    /// The last `length` bytes of the name.
    pub(super) fn in_name(name: Arc<str>, length: usize) -> Self {
        let start = name.len().saturating_sub(length);
        Self { name, start }
    }
}

impl Borrow<str> for Key {
    fn borrow(&self) -> &str {
        self.name.get(self.start..).unwrap_or_default()
    }
}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Borrow::<str>::borrow(self).hash(state);
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        Borrow::<str>::borrow(self) == Borrow::<str>::borrow(other)
    }
}

impl Eq for Key {}

/// A number that most keys have for themselves. No hash: who knows the keys can make it the same for all.
#[inline]
pub(super) fn spread(key: &[u8]) -> usize {
    // 2^64 over the golden ratio: Knuth's multiplicative hashing.
    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
    let mix = |all: u64, part: u64| (all.rotate_left(5) ^ part).wrapping_mul(FACTOR);
    let (words, rest) = key.as_chunks();
    let all = words.iter().fold(0, |all, word| mix(all, u64::from_le_bytes(*word)));
    let rest = rest.iter().fold(0, |all, byte| all << 8 | u64::from(*byte));
    let [.., low, high] = mix(all, rest).to_le_bytes();
    usize::from(u16::from_le_bytes([low, high]) >> 5)
}

/// How many bytes a key may take if the full name begins like that.
#[inline]
pub(super) fn room_after(prefix: &str) -> usize {
    LONGEST.saturating_sub(prefix.len() + 1)
}

/// Room for one key or name, so that a known one is found, and another one refused, without allocating.
pub(super) struct KeyBuffer {
    bytes: [u8; LONGEST],
    /// How many bytes it may take.
    room: usize,
    /// `None` when a text did not fit: what came after it must not make another key.
    length: Option<usize>,
}

impl KeyBuffer {
    /// For a key whose full name begins like that.
    #[inline]
    pub(super) fn after(prefix: &str) -> Self {
        Self { room: room_after(prefix), ..Self::for_a_name() }
    }

    #[inline]
    pub(super) fn for_a_name() -> Self {
        Self { bytes: [0; LONGEST], room: LONGEST, length: Some(0) }
    }

    /// Takes the text. Says whether it could be shown, and fits.
    #[inline]
    pub(super) fn take(&mut self, key: &dyn fmt::Display) -> bool {
        write!(self, "{key}").is_ok() && self.length.is_some()
    }

    #[inline]
    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.length.unwrap_or(0)]
    }

    pub(super) fn as_str(&self) -> &str {
        // Only whole texts were written.
        std::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }
}

impl fmt::Write for KeyBuffer {
    #[inline]
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let start = self.length.take().ok_or(fmt::Error)?;
        let end = start + text.len();
        let room = self.bytes[..self.room].get_mut(start..end).ok_or(fmt::Error)?;
        room.copy_from_slice(text.as_bytes());
        self.length = Some(end);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_in_a_name_is_found_as_text() {
        let key = Key::in_name("hosts/alpha".into(), "alpha".len());
        assert_eq!(Borrow::<str>::borrow(&key), "alpha");
        let all = std::collections::HashMap::from([(key, 1)]);
        assert_eq!((all.get("alpha"), all.get("hosts/alpha")), (Some(&1), None));
    }

    #[test]
    fn keys_that_are_alike_are_spread() {
        let spread_of = |key: &dyn Fn(usize) -> String| {
            let numbers = (0..1_000).map(|number| spread(key(number).as_bytes()) % 16);
            numbers.fold([0; 16], |mut counts, number| {
                counts[number] += 1;
                counts
            })
        };
        for counts in [
            spread_of(&|number| number.to_string()),
            spread_of(&|number| format!("tenant-{number}")),
            spread_of(&|number| format!("host-{number}.example.com")),
        ] {
            assert!(counts.iter().all(|count| (30..100).contains(count)), "{counts:?}");
        }
    }
}
