//! The keys that seal the state of requests.

use std::fmt;

use chacha20poly1305::{KeyInit, XChaCha20Poly1305};

/// At most so many keys open states.
const MAX_KEYS: usize = 8;

/// The keys that seal `requestState`, the state that a client carries between the rounds of a
/// request that asks it for input (2026-07-28).
///
/// Without any, a service draws a key of its own when it is built: then a state that one instance
/// sealed is refused by every other, and after a restart. Instances behind one load balancer share
/// keys:
///
/// ```
/// use mcp_http::{McpService, Server, StateKeys};
///
/// # fn secret(name: &str) -> [u8; 32] { [name.len() as u8; 32] }
/// let keys = StateKeys::new(secret("state-key-2026-11")) // seals, and opens
///     .with_previous(secret("state-key-2026-10"));       // opens what was sealed before
/// let server = Server::builder("weather", "1.0.0").build()?;
/// let service = McpService::builder(server).state_keys(keys).build()?;
/// # Ok::<(), mcp_http::BuildError>(())
/// ```
///
/// To rotate: give every instance the new key as a previous one, then let it seal and keep the old
/// one as a previous one for as long as a state is fresh
/// ([`McpServiceBuilder::input_timeout`](crate::McpServiceBuilder::input_timeout)), then leave the
/// old one out.
///
/// A key is 32 bytes of randomness. The states are sealed with XChaCha20-Poly1305.
pub struct StateKeys {
    /// The first one seals.
    keys: Vec<XChaCha20Poly1305>,
}

impl Clone for StateKeys {
    fn clone(&self) -> Self {
        let mut keys = Vec::with_capacity(MAX_KEYS);
        keys.extend(self.keys.iter().cloned());
        Self { keys }
    }
}

impl StateKeys {
    /// One key, which seals and opens.
    pub fn new(key: [u8; 32]) -> Self {
        // It never grows: what a vector leaves behind when it does is not wiped.
        let mut keys = Vec::with_capacity(MAX_KEYS);
        keys.push(XChaCha20Poly1305::new(&key.into()));
        Self { keys }
    }

    /// Adds a key that opens what was sealed with it, and seals nothing.
    ///
    /// # Panics
    ///
    /// If there are 8 keys already.
    #[must_use]
    pub fn with_previous(mut self, key: [u8; 32]) -> Self {
        assert!(self.keys.len() < MAX_KEYS, "at most {MAX_KEYS} keys can be tried for each state");
        self.keys.push(XChaCha20Poly1305::new(&key.into()));
        self
    }

    /// The key that seals.
    pub(super) fn sealing(&self) -> &XChaCha20Poly1305 {
        &self.keys[0]
    }

    /// All keys, in the order in which they are tried.
    pub(super) fn all(&self) -> &[XChaCha20Poly1305] {
        &self.keys
    }
}

impl fmt::Debug for StateKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StateKeys").field("keys", &self.keys.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_never_shown() {
        assert_eq!(format!("{:?}", StateKeys::new([7; 32])), "StateKeys { keys: 1, .. }");
    }

    /// DESIGN, decision 8: everything has a limit and a test at the limit.
    #[test]
    #[should_panic(expected = "at most 8 keys")]
    fn keys_are_no_more_than_eight() {
        let keys =
            (1..MAX_KEYS).fold(StateKeys::new([0; 32]), |keys, _| keys.with_previous([1; 32]));
        assert_eq!(keys.all().len(), MAX_KEYS);
        let _ = keys.with_previous([2; 32]);
    }
}
