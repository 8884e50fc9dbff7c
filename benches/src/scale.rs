//! How much is measured.

use std::time::Duration;

use crate::load::Window;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// Whether everything works: seconds.
    Smoke,
    /// Figures to go on with: minutes.
    Quick,
    /// Figures to publish: a quarter of an hour.
    Full,
}

impl Scale {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Smoke => "smoke",
            Self::Quick => "quick",
            Self::Full => "full",
        }
    }

    /// One of three values.
    pub fn of<T>(self, smoke: T, quick: T, full: T) -> T {
        match self {
            Self::Smoke => smoke,
            Self::Quick => quick,
            Self::Full => full,
        }
    }

    /// How many rounds each server has.
    pub fn rounds(self) -> usize {
        self.of(1, 3, 5)
    }

    pub fn window(self) -> Window {
        let (warm, measured) = self.of((5, 30), (50, 300), (200, 800));
        Window { warm: Duration::from_millis(warm), measured: Duration::from_millis(measured) }
    }
}
