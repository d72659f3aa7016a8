//! The secret that allows switching circuits.

use std::error::Error;
use std::fmt;
use std::str::FromStr;

use subtle::ConstantTimeEq as _;

/// The minimum length of a token, in bytes.
const SHORTEST: usize = 16;
/// The number of random bytes in a random token.
const RANDOM: usize = 24;

/// The secret that allows switching circuits: at least 16 visible ASCII characters.
///
/// It is compared in constant time, and `Debug` does not show it.
///
/// # Examples
///
/// ```
/// use breaker_dashboard::Token;
///
/// let token: Token = "correct-horse-battery".parse()?;
/// assert_eq!(format!("{token:?}"), "Token(..)");
/// assert!("1234".parse::<Token>().is_err());
/// # Ok::<(), breaker_dashboard::TokenError>(())
/// ```
#[derive(Clone)]
pub struct Token(Box<str>);

impl Token {
    /// Makes a token from your own secret, for example from the environment.
    ///
    /// # Errors
    ///
    /// A [`TokenError`] if it has fewer than 16 characters, or characters other than visible ASCII.
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_dashboard::Token;
    ///
    /// let token = Token::new("correct-horse-battery")?;
    /// assert_eq!(token.reveal(), "correct-horse-battery");
    /// assert!(Token::new("correct horse battery").is_err());
    /// # Ok::<(), breaker_dashboard::TokenError>(())
    /// ```
    pub fn new(secret: impl Into<String>) -> Result<Self, TokenError> {
        let secret = secret.into();
        if secret.len() < SHORTEST {
            return Err(TokenError("must have at least 16 characters"));
        }
        if !secret.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(TokenError("must be made of visible ASCII characters, without spaces"));
        }
        Ok(Self(secret.into()))
    }

    /// Makes a random token, for programs that print it when they start.
    ///
    /// # Errors
    ///
    /// A [`TokenError`] if the system provides no random numbers.
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_dashboard::Token;
    ///
    /// let token = Token::random()?;
    /// println!("token: {}", token.reveal());
    /// assert_ne!(token.reveal(), Token::random()?.reveal());
    /// # Ok::<(), breaker_dashboard::TokenError>(())
    /// ```
    pub fn random() -> Result<Self, TokenError> {
        let secret = random_text::<RANDOM>()
            .ok_or(TokenError("needs random numbers, and the system gives none"))?;
        Ok(Self(secret.into()))
    }

    /// The secret.
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_dashboard::Token;
    ///
    /// let token: Token = "correct-horse-battery".parse()?;
    /// assert_eq!(token.reveal(), "correct-horse-battery");
    /// # Ok::<(), breaker_dashboard::TokenError>(())
    /// ```
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Compares in constant time. Only the length can leak.
    pub(crate) fn is(&self, guess: &[u8]) -> bool {
        self.0.as_bytes().ct_eq(guess).into()
    }
}

impl FromStr for Token {
    type Err = TokenError;

    fn from_str(secret: &str) -> Result<Self, TokenError> {
        Self::new(secret)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(..)")
    }
}

/// Text that cannot be a [`Token`]. The error does not contain the secret.
///
/// # Examples
///
/// ```
/// use breaker_dashboard::Token;
///
/// let error = Token::new("1234").unwrap_err();
/// assert_eq!(error.to_string(), "a token must have at least 16 characters");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenError(&'static str);

impl fmt::Display for TokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a token {}", self.0)
    }
}

impl Error for TokenError {}

/// N random bytes as visible ASCII.
pub(crate) fn random_text<const BYTES: usize>() -> Option<String> {
    let mut bytes = [0; BYTES];
    getrandom::fill(&mut bytes).ok()?;
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.map(|digit| char::from_digit(digit.into(), 16)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn h06_a_token_is_only_itself() {
        let token = Token::new("0123456789abcdef").unwrap();
        assert!(token.is(b"0123456789abcdef"));
        for guess in ["", "0123456789abcde", "0123456789abcdeF", "0123456789abcdef0"] {
            assert!(!token.is(guess.as_bytes()));
        }
    }

    #[test]
    fn a_secret_that_is_easily_guessed_or_cannot_be_sent_is_no_token() {
        for secret in
            ["", "fifteen-letters", "sixteen letters!", "0123456789abcde\n", "0123456789abcdeü"]
        {
            let error = Token::new(secret).unwrap_err().to_string();
            assert!(
                error.starts_with("a token must") && (secret.is_empty() || !error.contains(secret))
            );
        }
    }

    #[test]
    fn a_random_token_is_one() {
        assert!(Token::new(Token::random().unwrap().reveal()).is_ok());
    }
}
