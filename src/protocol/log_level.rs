//! The severities of log messages.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How severe a log message is: the levels of RFC 5424, section 6.2.1, which every revision of
/// the protocol uses (2026-07-28, Logging, Log Levels).
///
/// Levels order by severity, so `level >= LogLevel::Warning` reads as it should.
///
/// ```
/// use mcp_http::LogLevel;
///
/// let level: LogLevel = "warning".parse()?;
/// assert!(level > LogLevel::Info);
/// assert_eq!(level.to_string(), "warning");
/// # Ok::<(), mcp_http::UnknownLogLevel>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum LogLevel {
    /// Detailed debugging information.
    Debug,
    /// General informational messages.
    Info,
    /// Normal but significant events.
    Notice,
    /// Warning conditions.
    Warning,
    /// Error conditions.
    Error,
    /// Critical conditions.
    Critical,
    /// Action must be taken immediately.
    Alert,
    /// The system is unusable.
    Emergency,
}

/// The text names no log level.
///
/// ```
/// use mcp_http::LogLevel;
///
/// let error = "loud".parse::<LogLevel>().unwrap_err();
/// assert!(error.to_string().starts_with("not a log level"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a log level (known: debug, info, notice, warning, error, critical, alert, emergency)")]
#[non_exhaustive]
pub struct UnknownLogLevel;

impl LogLevel {
    /// All levels, the least severe first.
    pub const ALL: [LogLevel; 8] = [
        Self::Debug,
        Self::Info,
        Self::Notice,
        Self::Warning,
        Self::Error,
        Self::Critical,
        Self::Alert,
        Self::Emergency,
    ];

    /// The level's name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Notice => "notice",
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Critical => "critical",
            Self::Alert => "alert",
            Self::Emergency => "emergency",
        }
    }
}

impl fmt::Display for LogLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for LogLevel {
    type Err = UnknownLogLevel;

    fn from_str(text: &str) -> Result<Self, UnknownLogLevel> {
        Self::ALL.into_iter().find(|level| level.as_str() == text).ok_or(UnknownLogLevel)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_level_has_one_name_in_text_and_json() {
        for level in LogLevel::ALL {
            assert_eq!(level.as_str().parse(), Ok(level));
            assert_eq!(level.to_string(), level.as_str());
            let json = serde_json::to_string(&level).unwrap();
            assert_eq!(json, format!("\"{level}\""));
            assert_eq!(serde_json::from_str::<LogLevel>(&json).unwrap(), level);
        }
    }

    #[test]
    fn levels_order_by_severity() {
        assert!(LogLevel::ALL.is_sorted_by(|a, b| a < b));
        assert_eq!(LogLevel::ALL[0], LogLevel::Debug);
        assert_eq!(LogLevel::ALL[7], LogLevel::Emergency);
    }

    #[test]
    fn only_exact_names_are_levels() {
        for text in ["", "Info", "warn", "info ", "fatal", "7"] {
            assert_eq!(text.parse::<LogLevel>(), Err(UnknownLogLevel), "{text:?}");
            assert!(serde_json::from_value::<LogLevel>(text.into()).is_err(), "{text:?}");
        }
    }
}
