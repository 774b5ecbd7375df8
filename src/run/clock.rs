//! Points in time as people read them, and names of runs that sort by it.

use std::{
    fmt,
    str::FromStr,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde::{Deserialize, Serialize};

/// A point in time, to the millisecond. Written as RFC 3339 in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Moment {
    millis: u64,
}

/// A text that is no point in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a point in time is written like 2026-11-22T19:15:00.000Z")]
pub struct MomentError;

impl Moment {
    /// Returns the present.
    pub fn now() -> Self {
        SystemTime::now().into()
    }

    /// Returns how long after `earlier` this is; nothing where it is not after it.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.millis.saturating_sub(earlier.millis))
    }

    // Year, month, day, and the seconds of the day.
    const fn civil(self) -> (u64, u64, u64, u64) {
        let seconds = self.millis / 1000;
        // Days are counted from 0000-03-01, so that a leap day is the last of its year.
        let days = seconds / 86400 + 719_468;
        let (era, day) = (days / 146_097, days % 146_097);
        let year = (day - day / 1460 + day / 36524 - day / 146_096) / 365;
        let day = day - (365 * year + year / 4 - year / 100);
        let month = (5 * day + 2) / 153;
        let day = day - (153 * month + 2) / 5 + 1;
        let (month, next) = if month < 10 {
            (month + 3, 0)
        } else {
            (month - 9, 1)
        };
        (year + era * 400 + next, month, day, seconds % 86400)
    }
}

impl From<SystemTime> for Moment {
    fn from(time: SystemTime) -> Self {
        let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
        Self {
            millis: u64::try_from(since.as_millis()).unwrap_or(u64::MAX),
        }
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day, second) = self.civil();
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{:03}Z",
            second / 3600,
            second / 60 % 60,
            second % 60,
            self.millis % 1000
        )
    }
}

impl FromStr for Moment {
    type Err = MomentError;

    fn from_str(text: &str) -> Result<Self, MomentError> {
        let part = |from: usize, to: usize| -> Result<u64, MomentError> {
            let digits = text.get(from..to).ok_or(MomentError)?;
            if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
                return Err(MomentError);
            }
            digits.parse().map_err(|_| MomentError)
        };
        let (year, month, day) = (part(0, 4)?, part(5, 7)?, part(8, 10)?);
        let (hour, minute, second) = (part(11, 13)?, part(14, 16)?, part(17, 19)?);
        let (from_march, year) = if month > 2 {
            (month - 3, year)
        } else {
            (month + 9, year.saturating_sub(1))
        };
        let of_year = (153 * from_march + 2) / 5 + day.saturating_sub(1);
        let (era, year) = (year / 400, year % 400);
        let days = (era * 146_097 + year * 365 + year / 4 - year / 100 + of_year)
            .checked_sub(719_468)
            .ok_or(MomentError)?;
        let seconds = days * 86400 + hour * 3600 + minute * 60 + second;
        let moment = Self {
            millis: seconds * 1000 + part(20, 23)?,
        };
        if moment.to_string() == text {
            Ok(moment)
        } else {
            Err(MomentError)
        }
    }
}

impl TryFrom<String> for Moment {
    type Error = MomentError;

    fn try_from(text: String) -> Result<Self, MomentError> {
        text.parse()
    }
}

impl From<Moment> for String {
    fn from(moment: Moment) -> Self {
        moment.to_string()
    }
}

/// The name of a run: `20261122-191500-ab12`. Later runs sort after earlier ones.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RunId(String);

/// A text that names no run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no run: one is named like 20261122-191500-ab12")]
pub struct RunIdError(pub String);

impl RunId {
    /// Returns a new name. It sorts behind those that were made before, also in the same second.
    pub fn new() -> Self {
        Self::at(SystemTime::now())
    }

    fn at(time: SystemTime) -> Self {
        let (year, month, day, second) = Moment::from(time).civil();
        let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
        // The second in 65,536 parts.
        let part = (u64::from(since.subsec_nanos()) << 16) / 1_000_000_000;
        Self(format!(
            "{year:04}{month:02}{day:02}-{:02}{:02}{:02}-{:04x}",
            second / 3600,
            second / 60 % 60,
            second % 60,
            part
        ))
    }

    /// Returns the name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for RunId {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for RunId {
    type Err = RunIdError;

    // A name becomes part of paths and references: nothing but this shape may.
    fn from_str(text: &str) -> Result<Self, RunIdError> {
        let shape = "dddddddd-dddddd-xxxx";
        let fits = text.len() == shape.len()
            && text
                .bytes()
                .zip(shape.bytes())
                .all(|(byte, kind)| match kind {
                    b'd' => byte.is_ascii_digit(),
                    b'x' => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
                    other => byte == other,
                });
        if fits {
            Ok(Self(text.to_owned()))
        } else {
            Err(RunIdError(text.to_owned()))
        }
    }
}

impl TryFrom<String> for RunId {
    type Error = RunIdError;

    fn try_from(text: String) -> Result<Self, RunIdError> {
        text.parse()
    }
}

impl From<RunId> for String {
    fn from(run: RunId) -> Self {
        run.0
    }
}

#[cfg(test)]
mod tests {
    use super::{Duration, Moment, RunId, UNIX_EPOCH};

    #[test]
    fn moments_read_back_as_written() {
        for (millis, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (1_709_251_199_999, "2024-02-29T23:59:59.999Z"),
            (1_709_251_200_000, "2024-03-01T00:00:00.000Z"),
            (1_795_372_500_123, "2026-11-22T18:35:00.123Z"),
            (4_102_444_799_000, "2099-12-31T23:59:59.000Z"),
        ] {
            let moment = Moment { millis };
            assert_eq!(moment.to_string(), text);
            assert_eq!(text.parse(), Ok(moment));
        }
        for text in [
            "",
            "2026-02-30T00:00:00.000Z",
            "2026-11-22 18:35:00.123Z",
            "2026-11-22T18:35:00Z",
        ] {
            assert!(text.parse::<Moment>().is_err(), "{text}");
        }
    }

    #[test]
    fn the_names_of_runs_sort_by_their_beginning() {
        let start = UNIX_EPOCH + Duration::from_secs(1_764_000_001);
        let later = [0, 20, 1_000, 999_999, 1_000_000].map(Duration::from_micros);
        let names = later.map(|later| RunId::at(start + later));
        assert!(names.is_sorted_by(|one, next| one < next), "{names:?}");
    }

    #[test]
    fn a_run_is_named_so_that_it_can_stand_in_paths() {
        assert_eq!(
            RunId::new()
                .as_str()
                .parse::<RunId>()
                .unwrap()
                .as_str()
                .len(),
            20
        );
        for text in [
            "",
            "..",
            "20261122-191500-AB12",
            "20261122-191500-ab1/",
            "20261122-191500-ab123",
        ] {
            assert!(text.parse::<RunId>().is_err(), "{text}");
        }
    }
}
