//! What stops a call, as those see it who only pass that on.

/// What stops the handler of a call.
pub(crate) trait Cancel: Send + Sync {
    /// Asks the handler to stop. No lock is held; it may be called from any thread, once.
    fn cancel(&self);
}

impl<F: Fn() + Send + Sync> Cancel for F {
    fn cancel(&self) {
        self();
    }
}
