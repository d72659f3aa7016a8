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

/// A key that becomes text without `Display`. To find a circuit takes three times as long with `Display`.
pub trait TextKey {
    /// What `Display` would show.
    fn text<'t>(&'t self, digits: &'t mut Digits) -> &'t str;
}

macro_rules! text_keys {
    ($($text:ty)* ; $($number:ty)*) => {
        $(impl TextKey for $text {
            #[inline]
            fn text<'t>(&'t self, _: &'t mut Digits) -> &'t str {
                self
            }
        })*
        $(impl TextKey for $number {
            #[inline]
            fn text<'t>(&'t self, digits: &'t mut Digits) -> &'t str {
                digits.format(*self)
            }
        })*
    };
}

text_keys! {
    str String Cow<'_, str> Box<str> Rc<str> Arc<str>;
    u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize
}

impl<K: TextKey + ?Sized> TextKey for &K {
    #[inline]
    fn text<'t>(&'t self, digits: &'t mut Digits) -> &'t str {
        (**self).text(digits)
    }
}

/// Finds by its type whether a key is a [`TextKey`]. As with [`KindOf`](super::KindOf), method lookup goes on to
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

impl<'k, K: TextKey + ?Sized> KeyOf<'k, K> {
    /// Its text.
    #[inline]
    #[must_use]
    pub fn __breaker_text(&self, digits: &'k mut Digits) -> Option<&'k str> {
        let OtherKey(key) = self.0;
        Some(key.text(digits))
    }
}

impl<'k, K: ?Sized> OtherKey<'k, K> {
    /// `None`: use `Display`.
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
    macro_rules! text_of {
        ($key:expr) => {
            key_of(&$key).__breaker_text(&mut Digits::new()).map(str::to_owned)
        };
    }

    #[test]
    fn text_and_whole_numbers_are_text_as_they_are_shown() {
        let (text, number) = ("alpha", -17_i64);
        let (owned, boxed) = (text.to_owned(), Box::<str>::from(text));
        let of_text = [
            text_of!(text),
            text_of!(*text),
            text_of!(&&text),
            text_of!(owned),
            text_of!(&owned),
            text_of!(boxed),
            text_of!(Cow::from(text)),
            text_of!(Arc::<str>::from(text)),
            text_of!(Rc::<str>::from(text)),
        ];
        assert_eq!(of_text.map(Option::unwrap), ["alpha"; 9]);
        let of_numbers = [text_of!(number), text_of!(&&number), text_of!(7), text_of!(u8::MAX)];
        assert_eq!(of_numbers.map(Option::unwrap), ["-17", "-17", "7", "255"]);
    }

    #[test]
    fn other_keys_are_shown() {
        fn of_any(key: impl Display) -> Option<String> {
            text_of!(key)
        }
        assert_eq!(
            [text_of!('x'), text_of!(1.5), text_of!(true), of_any("alpha")],
            [const { None }; 4]
        );
    }
}
