//! The protocol's revisions and the two eras that they fall into.

use std::fmt;

/// A published revision of the Model Context Protocol that this crate serves.
///
/// Revisions order by date, so `version >= ProtocolVersion::V2025_06_18` reads as it should.
///
/// ```
/// use mcp_http::{Era, ProtocolVersion};
///
/// let version: ProtocolVersion = "2025-11-25".parse()?;
/// assert_eq!(version, ProtocolVersion::V2025_11_25);
/// assert_eq!(version.era(), Era::Legacy);
/// assert_eq!(ProtocolVersion::LATEST.to_string(), "2026-07-28");
/// # Ok::<(), mcp_http::UnknownVersion>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ProtocolVersion {
    /// 2025-03-26: the first revision with Streamable HTTP; the only one with batches.
    V2025_03_26,
    /// 2025-06-18: the version header, structured results, no batches.
    V2025_06_18,
    /// 2025-11-25: priming events and polling of streams.
    V2025_11_25,
    /// 2026-07-28: stateless; no sessions, no GET, no resumption.
    V2026_07_28,
}

/// The two shapes of the protocol (2026-07-28, "Versioning and Compatibility", Terminology).
///
/// A tool rarely needs it: one handler serves both.
///
/// ```
/// use mcp_http::{Context, Era};
///
/// fn can_resume(cx: &Context) -> bool {
///     cx.protocol_version().era() == Era::Legacy
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Era {
    /// Sessions opened by `initialize`: 2025-03-26, 2025-06-18 and 2025-11-25.
    Legacy,
    /// Stateless requests that carry their own metadata: 2026-07-28.
    Modern,
}

/// The text names no revision that this crate serves.
///
/// ```
/// use mcp_http::ProtocolVersion;
///
/// let error = "2024-11-05".parse::<ProtocolVersion>().unwrap_err();
/// assert!(error.to_string().starts_with("not a supported MCP protocol version"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a supported MCP protocol version (supported: 2026-07-28, 2025-11-25, 2025-06-18, 2025-03-26)"
)]
#[non_exhaustive]
pub struct UnknownVersion;

impl ProtocolVersion {
    /// All revisions served, newest first: the order in which they are announced.
    pub const ALL: [ProtocolVersion; 4] =
        [Self::V2026_07_28, Self::V2025_11_25, Self::V2025_06_18, Self::V2025_03_26];

    /// The newest revision.
    pub const LATEST: ProtocolVersion = Self::V2026_07_28;

    /// The newest revision of the legacy era: the answer to an `initialize` that asks for a
    /// revision which `initialize` cannot open (2025-11-25, Lifecycle, Version Negotiation).
    pub const LATEST_LEGACY: ProtocolVersion = Self::V2025_11_25;

    /// The revision's name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V2025_03_26 => "2025-03-26",
            Self::V2025_06_18 => "2025-06-18",
            Self::V2025_11_25 => "2025-11-25",
            Self::V2026_07_28 => "2026-07-28",
        }
    }

    /// The revision of that name.
    pub(crate) fn named(name: &[u8]) -> Option<Self> {
        Some(match name {
            b"2025-03-26" => Self::V2025_03_26,
            b"2025-06-18" => Self::V2025_06_18,
            b"2025-11-25" => Self::V2025_11_25,
            b"2026-07-28" => Self::V2026_07_28,
            _ => return None,
        })
    }

    /// The era that the revision belongs to.
    pub const fn era(self) -> Era {
        match self {
            Self::V2025_03_26 | Self::V2025_06_18 | Self::V2025_11_25 => Era::Legacy,
            Self::V2026_07_28 => Era::Modern,
        }
    }
}

impl fmt::Display for ProtocolVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for ProtocolVersion {
    type Err = UnknownVersion;

    fn from_str(text: &str) -> Result<Self, UnknownVersion> {
        Self::named(text.as_bytes()).ok_or(UnknownVersion)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_version_round_trips_and_all_is_newest_first() {
        for version in ProtocolVersion::ALL {
            assert_eq!(version.as_str().parse(), Ok(version));
            assert_eq!(version.to_string(), version.as_str());
        }
        assert!(ProtocolVersion::ALL.is_sorted_by(|a, b| a > b));
        assert_eq!(ProtocolVersion::ALL[0], ProtocolVersion::LATEST);
    }

    #[test]
    fn only_exact_names_are_versions() {
        for text in ["", "2025-11-25 ", "2025-11-5", "2024-11-05", "2026-07-29", "DRAFT-2026-v1"] {
            assert_eq!(text.parse::<ProtocolVersion>(), Err(UnknownVersion), "{text:?}");
        }
    }

    #[test]
    fn latest_legacy_is_the_newest_of_the_legacy_era() {
        let newest = ProtocolVersion::ALL.into_iter().find(|v| v.era() == Era::Legacy);
        assert_eq!(newest, Some(ProtocolVersion::LATEST_LEGACY));
        assert_eq!(ProtocolVersion::LATEST.era(), Era::Modern);
    }
}
