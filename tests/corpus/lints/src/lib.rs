//! Functions that the compiler or clippy has something to say about, and functions that neither must complain of.
#![warn(clippy::all, clippy::pedantic)]

/// The same with and without the attribute.
#[allow(dead_code, clippy::unnecessary_wraps)]
mod spoken {
    fn passes_on(level: u32, unused: u32) -> Option<u32> {
        if level == 0 { None } else { passes_on(level - 1, unused) }
    }

    fn converts(text: String) -> Result<String, String> {
        Ok(text.into())
    }

    fn converts_at_the_end(text: String) -> String {
        text.into()
    }

    fn converts_on_the_way(text: String) -> Result<usize, std::num::ParseIntError> {
        let number = String::from(text).parse::<usize>()?;
        Ok(number)
    }

    async fn converts_later(text: String) -> Result<String, String> {
        std::future::ready(()).await;
        Ok(text.into())
    }

    fn overwrites(mut number: u32) -> Option<u32> {
        number = 5;
        Some(1)
    }

    fn ignores(used: u32, unused: u32) -> Option<u32> {
        Some(used)
    }

    fn ignores_part((used, unused): (u32, u32)) -> Option<u32> {
        Some(used)
    }

    fn ignores_early(used: Option<u32>, unused: u32) -> Option<u32> {
        Some(used? + 1)
    }

    async fn ignores_later(used: u32, unused: u32) -> Option<u32> {
        std::future::ready(()).await;
        Some(used)
    }

    fn changes_nothing(mut number: u32) -> Option<u32> {
        Some(number)
    }

    fn underscores(_used: u32) -> Option<u32> {
        Some(_used)
    }

    fn diverges_within() -> Option<u32> {
        let number: u32 = std::process::exit(1);
    }

    fn binds_and_returns(number: u32) -> Option<u32> {
        let twice = Some(number * 2);
        twice
    }

    fn borrows_a_vec(all: &Vec<u8>) -> Option<usize> {
        Some(all.len())
    }

    fn borrows_a_box(one: &Box<u8>) -> Option<u8> {
        Some(**one)
    }

    fn has_many(a: u8, b: u8, c: u8, d: u8, e: u8, f: u8, g: u8, h: u8) -> Option<u8> {
        Some(a + b + c + d + e + f + g + h)
    }

    fn nests(number: u32) -> Option<u32> {
        if number > 3 {
            if number > 4 {
                return Some(1);
            }
        }
        None
    }

    fn asks(number: Option<u32>) -> Option<u32> {
        if number.is_none() {
            return None;
        }
        number
    }

    fn is_unreachable() -> Option<u32> {
        return None;
        Some(1)
    }

    #[must_use]
    fn must_be_used() -> Option<u32> {
        None
    }

    fn does_not_use() -> Option<u32> {
        must_be_used();
        None
    }

    struct Shelf(u32);

    impl Shelf {
        fn forgets_itself(&self, number: u32) -> Option<u32> {
            Some(number)
        }

        fn passes_itself_on(&self, level: u32) -> Option<u32> {
            if level == 0 { None } else { self.passes_itself_on(level - 1) }
        }
    }
}

mod dead {
    fn is_not_called() -> Option<u32> {
        None
    }
}

/// Silent with the attribute. The reasons are in `crates.toml`.
#[allow(dead_code)]
mod silent {
    #[allow(clippy::only_used_in_recursion)]
    fn never_ends(level: u32) -> Option<u32> {
        never_ends(level + 1)
    }

    fn keeps_pairs() -> Result<u8, std::num::ParseIntError> {
        let pairs: Vec<((u8, Option<Result<u8, u8>>), ((u8, u8), Option<Vec<Option<u8>>>))> = Vec::new();
        drop(pairs);
        "1".parse()
    }

    fn wraps() -> Option<u8> {
        Some(3)
    }

    /// Has a list:
    ///
    /// - one
    ///    that goes on
    fn documents() -> Result<u8, std::num::ParseIntError> {
        "1".parse()
    }

    fn only_reads(text: String) -> Result<usize, std::num::ParseIntError> {
        text.parse()
    }

    fn refers(ref text: String) -> Result<usize, std::num::ParseIntError> {
        text.parse()
    }

    fn returns_at_the_end(number: Result<u8, u8>) -> Result<u8, u8> {
        return number.map(|number| number + 1);
    }

    fn asks_at_the_end(number: Option<u8>) -> Option<u8> {
        Some(number?)
    }

    fn names_a_lifetime<'a>(text: &'a str) -> Option<&'a str> {
        text.get(1..)
    }

    async fn never_waits(number: Result<u8, u8>) -> Result<u8, u8> {
        number
    }

    fn passes_an_iterator(all: Vec<u8>) -> Option<Vec<u8>> {
        let mut more = vec![1];
        more.extend(all.into_iter());
        more.pop().map(|last| vec![last])
    }

    #[derive(Clone, Copy)]
    struct Shelf(u32);

    impl Default for Shelf {
        fn default() -> Self {
            Self(0)
        }
    }

    impl Shelf {
        fn is_owned(self) -> Option<bool> {
            "1".parse().ok()
        }

        fn comes_back(&self, level: u32) -> Option<u32> {
            if level == 0 {
                return None;
            }
            self.comes_back(level - 1)
        }
    }
}

/// Nothing is wrong here.
pub mod right {
    use std::cmp::Ordering;

    /// Its signature is its own affair.
    pub trait Pairs {
        /// Two pairs.
        ///
        /// # Errors
        ///
        /// More pairs.
        #[allow(clippy::type_complexity)]
        fn pairs(&self, early: bool) -> Result<((usize, u8), Option<u8>), ((usize, u8), (usize, Option<u8>))>;
    }

    impl Pairs for u8 {
        fn pairs(&self, early: bool) -> Result<((usize, u8), Option<u8>), ((usize, u8), (usize, Option<u8>))> {
            if early { Ok(((1, *self), None)) } else { Err(((1, 1), (2, None))) }
        }
    }

    impl Pairs for u16 {
        fn pairs(&self, early: bool) -> Result<((usize, u8), Option<u8>), ((usize, u8), (usize, Option<u8>))> {
            if early {
                return Ok(((1, 2), None));
            }
            Err(((1, 1), (2, None)))
        }
    }

    #[derive(PartialEq, Eq)]
    pub struct Version(u32);

    impl Ord for Version {
        fn cmp(&self, other: &Self) -> Ordering {
            self.0.cmp(&other.0)
        }
    }

    impl PartialOrd for Version {
        fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
            Some(self.cmp(other))
        }
    }

    #[allow(clippy::expl_impl_clone_on_copy)]
    impl Clone for Version {
        fn clone(&self) -> Self {
            *self
        }
    }

    impl Copy for Version {}

    impl Drop for Guard {
        fn drop(&mut self) {
            let () = self.0();
        }
    }

    pub struct Guard(pub fn());

    /// Takes what it does not need.
    #[must_use]
    pub fn takes(_: &str, (x, _y): (f64, f64), [first, ..]: [u8; 3]) -> Option<f64> {
        Some(x + f64::from(first)).filter(|sum| *sum > 1.0)
    }

    /// Never comes back.
    pub fn exits(code: i32) {
        std::process::exit(code)
    }

    /// Never comes back.
    #[must_use]
    pub fn loops() -> u32 {
        loop {
            std::thread::park();
        }
    }

    /// Is not done.
    ///
    /// # Errors
    ///
    /// Never.
    pub fn panics(number: u32) -> Result<u32, String> {
        unreachable!("{number}")
    }

    /// Ends in a call that does not.
    ///
    /// # Errors
    ///
    /// If it is not a number.
    pub async fn exits_later(number: &str) -> Result<u32, std::num::ParseIntError> {
        std::future::ready(number.parse::<u32>()?).await;
        std::process::exit(3)
    }
}
