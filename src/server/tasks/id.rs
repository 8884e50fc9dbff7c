//! The id of a task: what a client asks for its task by.

use std::borrow::Borrow;
use std::fmt;
use std::hash::{Hash, Hasher};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

/// The id of a task: 192 bits of the operating system's randomness, as 32 characters that may stand
/// in a header.
///
/// Where callers are anonymous, whoever knows it has the task: `Debug` does not show it, and it
/// belongs in no log (ext-tasks, Security Considerations, Task ID unguessability).
///
/// ```
/// use std::collections::HashMap;
/// use mcp_http::{Task, TaskId};
///
/// fn find<'a>(tasks: &'a HashMap<TaskId, Task>, id: &str) -> Option<&'a Task> {
///     tasks.get(id)
/// }
/// ```
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TaskId(Box<str>);

impl TaskId {
    /// How many random bytes an id is made of.
    pub(crate) const BYTES: usize = 24;

    /// Makes an id. The bytes must come from a cryptographically secure source.
    pub(crate) fn from_random(bytes: [u8; Self::BYTES]) -> Self {
        Self(URL_SAFE_NO_PAD.encode(bytes).into())
    }

    /// The id as messages carry it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Hash for TaskId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // As a `str` does, so that one can be looked for.
        self.0.hash(state);
    }
}

impl Borrow<str> for TaskId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TaskId(..)")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    /// ext-tasks, Security Considerations: "Servers MUST generate them with sufficient entropy that
    /// a third party cannot enumerate or guess them."
    #[test]
    fn every_random_bit_of_an_id_counts_and_there_are_at_least_128() {
        let base = TaskId::from_random([0; TaskId::BYTES]);
        let mut seen = HashSet::from([base.clone()]);
        for bit in 0..TaskId::BYTES * 8 {
            let mut bytes = [0; TaskId::BYTES];
            bytes[bit / 8] |= 1 << (bit % 8);
            assert!(seen.insert(TaskId::from_random(bytes)));
        }
        assert!(seen.len() > 128 && seen.contains(base.as_str()));
        assert!(base.as_str().bytes().all(|byte| byte.is_ascii_graphic()));
    }

    #[test]
    fn debug_does_not_show_it() {
        assert_eq!(format!("{:?}", TaskId::from_random([7; TaskId::BYTES])), "TaskId(..)");
    }
}
