//! The begin of a shutdown, told to everything that holds a connection open.

use std::{
    fmt,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Waker},
};

use tokio::sync::{Notify, futures::OwnedNotified};

/// Tells that [`serve()`](crate::serve()) has begun to shut down.
///
/// `serve()` puts one into the extensions of every request. A response body that runs until
/// something stops it (an SSE stream, a long poll) waits for it and ends itself; otherwise it
/// holds the shutdown up until its deadline cuts it.
///
/// ```
/// use mcp_http::ShutdownSignal;
///
/// async fn until_the_server_stops(request: http::Request<()>) {
///     if let Some(signal) = request.extensions().get::<ShutdownSignal>() {
///         signal.wait().await;
///     }
/// }
/// ```
#[derive(Clone, Default)]
pub struct ShutdownSignal(Arc<Inner>);

#[derive(Default)]
struct Inner {
    triggered: AtomicBool,
    notify: Arc<Notify>,
}

impl ShutdownSignal {
    /// Whether the shutdown has begun.
    pub fn is_triggered(&self) -> bool {
        self.0.triggered.load(Ordering::Acquire)
    }

    /// Waits for the begin of the shutdown; ready at once when it has begun.
    ///
    /// The future owns what it needs, so that a body can keep it.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    pub fn wait(&self) -> ShutdownWait {
        ShutdownWait { signal: self.clone(), registered: None }
    }

    /// Begins the shutdown. Once is enough; later calls do nothing.
    ///
    /// Whoever mounts the service in a server of their own makes a signal with `default`, puts a
    /// clone into the extensions of every request, and triggers it before the server is told to
    /// finish: standalone streams then end with a hint to come back.
    pub fn trigger(&self) {
        self.0.triggered.store(true, Ordering::Release);
        self.0.notify.notify_waiters();
    }
}

impl fmt::Debug for ShutdownSignal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ShutdownSignal").field("triggered", &self.is_triggered()).finish()
    }
}

/// The future of [`ShutdownSignal::wait`].
///
/// Polling it again from the same task costs one atomic load: a body may poll it with every
/// frame.
///
/// ```
/// use std::pin::Pin;
/// use std::task::{Context, Poll};
/// use mcp_http::ShutdownWait;
///
/// struct Ticks {
///     shutdown: ShutdownWait,
/// }
///
/// impl Ticks {
///     /// Whether the stream is to end here.
///     fn is_over(&mut self, cx: &mut Context<'_>) -> bool {
///         Pin::new(&mut self.shutdown).poll(cx).is_ready()
///     }
/// }
/// ```
#[must_use = "futures do nothing unless polled"]
pub struct ShutdownWait {
    signal: ShutdownSignal,
    registered: Option<(Pin<Box<OwnedNotified>>, Waker)>,
}

impl Future for ShutdownWait {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        if this.signal.is_triggered() {
            return Poll::Ready(());
        }
        // `Notified` takes a lock that all waiters share each time it is polled. While the waker
        // is the one it knows there is nothing to tell it.
        if this.registered.as_ref().is_some_and(|(_, waker)| waker.will_wake(cx.waker())) {
            return Poll::Pending;
        }
        let mut notified = match this.registered.take() {
            Some((notified, _)) => notified,
            None => Box::pin(Arc::clone(&this.signal.0.notify).notified_owned()),
        };
        // A wake-up counts from the creation of `notified`. A trigger that came between the check
        // above and the creation is seen by this one.
        if notified.as_mut().poll(cx).is_ready() || this.signal.is_triggered() {
            return Poll::Ready(());
        }
        this.registered = Some((notified, cx.waker().clone()));
        Poll::Pending
    }
}

impl fmt::Debug for ShutdownWait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ShutdownWait").field(&self.signal).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;
    use std::task::Wake;

    use super::*;

    #[derive(Default)]
    struct Wakes(AtomicUsize);
    impl Wake for Wakes {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn poll(wait: &mut ShutdownWait, wakes: &Arc<Wakes>) -> Poll<()> {
        let waker = Waker::from(Arc::clone(wakes));
        Pin::new(wait).poll(&mut Context::from_waker(&waker))
    }

    #[test]
    fn every_waiter_is_woken_once_by_its_latest_waker() {
        let signal = ShutdownSignal::default();
        let (first, second) = (Arc::new(Wakes::default()), Arc::new(Wakes::default()));
        let (mut moved, mut still) = (signal.wait(), signal.wait());
        assert!(poll(&mut moved, &first).is_pending());
        assert!(poll(&mut moved, &second).is_pending(), "the future moved to another task");
        assert!(poll(&mut still, &first).is_pending());
        assert!(poll(&mut still, &first).is_pending());

        signal.trigger();
        assert_eq!(first.0.load(Ordering::Relaxed), 1);
        assert_eq!(second.0.load(Ordering::Relaxed), 1);
        assert!(poll(&mut moved, &second).is_ready());
        assert!(poll(&mut still, &first).is_ready());
    }

    #[test]
    fn a_wait_that_comes_after_the_trigger_is_ready_at_once() {
        let signal = ShutdownSignal::default();
        assert!(!signal.is_triggered());
        signal.clone().trigger();
        assert!(signal.is_triggered());
        assert!(poll(&mut signal.wait(), &Arc::default()).is_ready());
    }
}
