//! Money as an exact decimal.

use std::{fmt, ops, str::FromStr};

use serde::{Deserialize, Serialize};

/// An amount in United States dollars, exact to a millionth. Written as a decimal string.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(try_from = "String", into = "String")]
pub struct Usd {
    /// Millionths of a dollar.
    pub micros: u64,
}

/// A text that is no amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an amount is a decimal such as \"15.00\", with at most six digits behind the point")]
pub struct UsdError;

impl Usd {
    /// No money.
    pub const ZERO: Self = Self { micros: 0 };

    /// Returns the amount nearest to `dollars`, as a client reports it; negative and non-finite
    /// amounts are zero.
    pub fn from_estimate(dollars: f64) -> Self {
        let micros = (dollars * 1e6).round();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "the cast saturates, and what is not positive is zero"
        )]
        let micros = if micros > 0.0 { micros as u64 } else { 0 };
        Self { micros }
    }

    /// Returns the sum, or the largest amount where that is not an amount any more.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self {
            micros: self.micros.saturating_add(other.micros),
        }
    }

    /// Returns what is left of `self` after `spent`, zero when it was more.
    #[must_use]
    pub const fn less(self, spent: Self) -> Self {
        Self {
            micros: self.micros.saturating_sub(spent.micros),
        }
    }
}

impl ops::AddAssign for Usd {
    fn add_assign(&mut self, other: Self) {
        *self = self.plus(other);
    }
}

impl fmt::Display for Usd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, rest) = (self.micros / 1_000_000, self.micros % 1_000_000);
        if rest % 10_000 == 0 {
            write!(f, "{whole}.{:02}", rest / 10_000)
        } else {
            let digits = format!("{rest:06}");
            write!(f, "{whole}.{}", digits.trim_end_matches('0'))
        }
    }
}

impl FromStr for Usd {
    type Err = UsdError;

    fn from_str(text: &str) -> Result<Self, UsdError> {
        let (whole, rest) = text.split_once('.').unwrap_or((text, "0"));
        let digits =
            |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(whole) || !digits(rest) || rest.len() > 6 {
            return Err(UsdError);
        }
        let dollars: u64 = whole.parse().map_err(|_| UsdError)?;
        let millionths: u64 = format!("{rest:0<6}").parse().map_err(|_| UsdError)?;
        let micros = dollars
            .checked_mul(1_000_000)
            .and_then(|micros| micros.checked_add(millionths))
            .ok_or(UsdError)?;
        Ok(Self { micros })
    }
}

impl TryFrom<String> for Usd {
    type Error = UsdError;

    fn try_from(text: String) -> Result<Self, UsdError> {
        text.parse()
    }
}

impl From<Usd> for String {
    fn from(amount: Usd) -> Self {
        amount.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::Usd;

    #[test]
    fn amounts_read_back_as_written() {
        for text in ["0.00", "15.00", "0.30", "0.000001", "12.345"] {
            assert_eq!(text.parse::<Usd>().unwrap().to_string(), text);
        }
        for text in [
            "",
            "1.",
            ".5",
            "-1",
            "1e3",
            "0.0000001",
            "1,50",
            "99999999999999999999",
        ] {
            assert!(text.parse::<Usd>().is_err(), "{text}");
        }
        assert_eq!("3".parse(), Ok(Usd { micros: 3_000_000 }));
    }
}
