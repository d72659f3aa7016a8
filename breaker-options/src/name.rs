//! Checks of a circuit's name in the attribute.
//!
//! The macro checks literals and the compiler checks constants. Both call this function, so both give the
//! same messages.

/// The maximum length of a name, in bytes.
pub const LONGEST_NAME: usize = 128;

/// What is wrong with that name, if anything. With keys, a circuit's name is `name/key`.
#[must_use]
pub const fn problem_of_name(name: &str, has_keys: bool) -> Option<&'static str> {
    if name.is_empty() {
        Some("must not be empty")
    } else if is_blank(name) {
        Some("must not be blank")
    } else if name.len() > LONGEST_NAME {
        Some("must be at most 128 bytes long")
    } else if holds_control(name) {
        Some("must not hold control characters")
    } else if has_keys && holds_slash(name) {
        Some("must not hold `/` where there are keys: their circuits are named `name/key`")
    } else {
        None
    }
}

/// Whether it is all white space. Constants cannot iterate over characters, so this compares UTF-8.
const fn is_blank(text: &str) -> bool {
    let mut rest = text.as_bytes();
    loop {
        rest = match rest {
            [] => return true,
            [b'\t'..=b'\r' | b' ', rest @ ..]
            | [0xC2, 0x85 | 0xA0, rest @ ..]
            | [0xE1, 0x9A, 0x80, rest @ ..]
            | [0xE2, 0x80, 0x80..=0x8A | 0xA8 | 0xA9 | 0xAF, rest @ ..]
            | [0xE2, 0x81, 0x9F, rest @ ..]
            | [0xE3, 0x80, 0x80, rest @ ..] => rest,
            _ => return false,
        };
    }
}

const fn holds_control(text: &str) -> bool {
    let mut rest = text.as_bytes();
    loop {
        rest = match rest {
            [] => return false,
            [0..=0x1F | 0x7F, ..] | [0xC2, 0x80..=0x9F, ..] => return true,
            [_, rest @ ..] => rest,
        };
    }
}

const fn holds_slash(text: &str) -> bool {
    let mut rest = text.as_bytes();
    while let [first, others @ ..] = rest {
        if *first == b'/' {
            return true;
        }
        rest = others;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_are_blank_or_control_as_the_standard_library_says() {
        for char in '\0'..=char::MAX {
            let text = char.to_string();
            assert_eq!(is_blank(&text), char.is_whitespace(), "{char:?}");
            assert_eq!(holds_control(&text), char.is_control(), "{char:?}");
        }
    }

    #[test]
    fn one_character_decides_wherever_it_stands() {
        assert!(is_blank(" \u{a0}\u{2003}"));
        assert!(!is_blank(" a "));
        assert!(holds_control("a\u{85}"));
        assert_eq!(problem_of_name("a/b", true).map(|it| &it[..17]), Some("must not hold `/`"));
        assert_eq!(problem_of_name("a/b", false), None);
        assert_eq!(problem_of_name(&"n".repeat(LONGEST_NAME), true), None);
        assert!(problem_of_name(&"n".repeat(LONGEST_NAME + 1), true).is_some());
    }
}
