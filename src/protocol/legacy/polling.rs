//! Which revisions let a stream be polled: primed at its start and ended before its answer.

use crate::protocol::version::ProtocolVersion;

/// How a session's revision lets its streams begin and end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Polling {
    /// A priming event comes first, and the server may end a connection early after a `retry`
    /// hint (2025-11-25, Transports, Sending Messages to the Server, 6).
    Primed,
    /// Ids stand on real messages only: older clients break on empty data and expect the answer
    /// on the stream (2025-06-18, Transports, Sending Messages to the Server, 6: "The server
    /// SHOULD NOT close the SSE stream before sending the JSON-RPC response").
    Unprimed,
}

impl From<ProtocolVersion> for Polling {
    fn from(version: ProtocolVersion) -> Self {
        if version >= ProtocolVersion::V2025_11_25 { Self::Primed } else { Self::Unprimed }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2025-11-25, Transports, Sending Messages to the Server, 6; 2025-06-18 and 2025-03-26 at
    /// the same place.
    #[test]
    fn polling_began_with_2025_11_25() {
        assert_eq!(Polling::from(ProtocolVersion::V2025_03_26), Polling::Unprimed);
        assert_eq!(Polling::from(ProtocolVersion::V2025_06_18), Polling::Unprimed);
        assert_eq!(Polling::from(ProtocolVersion::V2025_11_25), Polling::Primed);
    }
}
