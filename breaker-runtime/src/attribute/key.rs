//! Keys: how they become a part of a circuit's name.

use std::borrow::Cow;
use std::fmt::Display;
use std::ops::Deref;
use std::rc::Rc;
use std::sync::Arc;

/// Room for the digits of a number.
pub use itoa::Buffer as Digits;

/// A value of the option `key`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a key: it does not implement `Display`",
    label = "the key is part of a circuit's name, so it must be text or become text",
    note = "name a part of it that can be shown, or write the key with `format!`"
)]
pub trait Key {
    /// The key as it appears in the circuit's name.
    fn shown(&self) -> impl Display;
}

#[diagnostic::do_not_recommend]
impl<K: Display + ?Sized> Key for K {
    fn shown(&self) -> impl Display {
        self
    }
}

/// A key that becomes text without `Display`, which takes several times as long as the rest of finding its circuit.
pub trait AtHand {
    /// What `Display` would show.
    fn text<'t>(&'t self, digits: &'t mut Digits) -> &'t str;
}

macro_rules! at_hand {
    ($($text:ty)* ; $($number:ty)*) => {
        $(impl AtHand for $text {
            #[inline]
            fn text<'t>(&'t self, _: &'t mut Digits) -> &'t str {
                self
            }
        })*
        $(impl AtHand for $number {
            #[inline]
            fn text<'t>(&'t self, digits: &'t mut Digits) -> &'t str {
                digits.format(*self)
            }
        })*
    };
}

at_hand! {
    str String Cow<'_, str> Box<str> Rc<str> Arc<str>;
    u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize
}

impl<K: AtHand + ?Sized> AtHand for &K {
    #[inline]
    fn text<'t>(&'t self, digits: &'t mut Digits) -> &'t str {
        (**self).text(digits)
    }
}

/// Finds by its type whether a key is [`AtHand`]. As with [`KindOf`](super::KindOf), method lookup goes on to
/// [`OtherKey`] if it is not.
#[derive(Debug)]
pub struct KeyOf<'k, K: ?Sized>(OtherKey<'k, K>);

/// Any other key.
#[derive(Debug)]
pub struct OtherKey<'k, K: ?Sized>(&'k K);

/// The key of a call.
#[inline]
#[must_use]
pub const fn key_of<K: ?Sized>(key: &K) -> KeyOf<'_, K> {
    KeyOf(OtherKey(key))
}

impl<'k, K: AtHand + ?Sized> KeyOf<'k, K> {
    /// Its text.
    #[inline]
    #[must_use]
    pub fn __breaker_text(&self, digits: &'k mut Digits) -> Option<&'k str> {
        let OtherKey(key) = self.0;
        Some(key.text(digits))
    }
}

impl<'k, K: ?Sized> OtherKey<'k, K> {
    /// It must be asked for it by `Display`.
    #[inline]
    #[must_use]
    pub const fn __breaker_text(&self, _: &'k mut Digits) -> Option<&'k str> {
        None
    }
}

impl<'k, K: ?Sized> Deref for KeyOf<'k, K> {
    type Target = OtherKey<'k, K>;

    #[inline]
    fn deref(&self) -> &OtherKey<'k, K> {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the circuit's name gets without `Display`.
    macro_rules! at_hand {
        ($key:expr) => {
            key_of(&$key).__breaker_text(&mut Digits::new()).map(str::to_owned)
        };
    }

    #[test]
    fn text_and_whole_numbers_are_at_hand_as_they_are_shown() {
        let (text, number) = ("alpha", -17_i64);
        let (owned, boxed) = (text.to_owned(), Box::<str>::from(text));
        let of_text = [
            at_hand!(text),
            at_hand!(*text),
            at_hand!(&&text),
            at_hand!(owned),
            at_hand!(&owned),
            at_hand!(boxed),
            at_hand!(Cow::from(text)),
            at_hand!(Arc::<str>::from(text)),
            at_hand!(Rc::<str>::from(text)),
        ];
        assert_eq!(of_text.map(Option::unwrap), ["alpha"; 9]);
        let of_numbers = [at_hand!(number), at_hand!(&&number), at_hand!(7), at_hand!(u8::MAX)];
        assert_eq!(of_numbers.map(Option::unwrap), ["-17", "-17", "7", "255"]);
    }

    #[test]
    fn other_keys_are_shown() {
        fn of_any(key: impl Display) -> Option<String> {
            at_hand!(key)
        }
        assert_eq!(
            [at_hand!('x'), at_hand!(1.5), at_hand!(true), of_any("alpha")],
            [const { None }; 4]
        );
    }
}
