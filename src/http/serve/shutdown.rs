//! The begin of a shutdown, told to everything that holds a connection open.

use std::{
    fmt,
    pin::Pin,
    sync::{Arc, OnceLock, PoisonError, Weak},
    task::{Context, Poll, Waker},
    time::Duration,
};

use tokio::{
    sync::{Notify, futures::OwnedNotified, watch},
    time::Instant,
};

use super::{connections::Connections, deadlines::after};
use crate::http::service::Shared;
use crate::protocol::sync::{AtomicBool, Mutex, MutexGuard, Ordering};

/// How long a shutdown may take unless it is said: Cloud Run kills 10 s after SIGTERM.
pub(super) const GRACE: Duration = Duration::from_secs(8);

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
#[derive(Clone)]
pub struct ShutdownSignal(Arc<Inner>);

struct Inner {
    grace: Duration,
    triggered: AtomicBool,
    notify: Arc<Notify>,
    /// When it was triggered, and until when the shutdown is to be done.
    span: OnceLock<(Instant, Instant)>,
    /// The services that drain with it.
    services: Mutex<Vec<Weak<Shared>>>,
    /// What the listener counts that it belongs to.
    connections: Connections,
    /// How much goes on without a connection that a shutdown waits for.
    held: watch::Sender<usize>,
}

/// That a shutdown waits, as it does for connections: something goes on that came by one and no
/// longer has one. Its drop ends that.
pub(crate) struct Hold(ShutdownSignal);

impl Drop for Hold {
    fn drop(&mut self) {
        self.0.0.held.send_modify(|held| *held -= 1);
    }
}

impl Default for ShutdownSignal {
    fn default() -> Self {
        Self::with_grace(GRACE)
    }
}

impl ShutdownSignal {
    /// A signal whose shutdown is to be done within `grace` after it is triggered; 8 s by
    /// `default`. Calls that are not done a little before that are answered with an error.
    pub fn with_grace(grace: Duration) -> Self {
        Self(Arc::new(Inner {
            grace,
            triggered: AtomicBool::new(false),
            notify: Arc::default(),
            span: OnceLock::new(),
            services: Mutex::default(),
            connections: Connections::default(),
            held: watch::Sender::new(0),
        }))
    }

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
        self.trigger_until(after(Instant::now(), self.0.grace));
    }

    /// Begins a shutdown that is to be done at a given moment.
    pub(crate) fn trigger_until(&self, deadline: Instant) {
        // The time first: who sees the begin sees its end.
        self.0.span.get_or_init(|| (Instant::now(), deadline));
        self.0.triggered.store(true, Ordering::Release);
        self.0.notify.notify_waiters();
        // What it brings about must not run under the lock.
        let services = std::mem::take(&mut *self.services());
        for service in services {
            if let Some(service) = service.upgrade() {
                service.drain.listener_ends();
            }
        }
    }

    /// How long the shutdown may take.
    pub(crate) fn grace(&self) -> Duration {
        self.0.grace
    }

    /// When the shutdown began and when it is to be done.
    pub(crate) fn span(&self) -> Option<(Instant, Instant)> {
        self.0.span.get().copied()
    }

    /// When the shutdown is to be done, once it has begun.
    pub fn deadline(&self) -> Option<Instant> {
        self.span().map(|(_, deadline)| deadline)
    }

    /// Has a service drain with this. If it was triggered already, at once.
    pub(crate) fn take_along(&self, service: &Arc<Shared>) {
        {
            let mut services = self.services();
            services.retain(|known| known.strong_count() > 0);
            services.push(Arc::downgrade(service));
        }
        if self.is_triggered() {
            let triggered = std::mem::take(&mut *self.services());
            drop(triggered);
            service.drain.listener_ends();
        }
    }

    /// Has the shutdown wait until this is dropped, or its time is up.
    pub(crate) fn hold(&self) -> Hold {
        self.0.held.send_modify(|held| *held += 1);
        Hold(self.clone())
    }

    /// Waits until nothing holds the shutdown up.
    pub(super) async fn until_free(&self) {
        let freed = self.0.held.subscribe().wait_for(|&held| held == 0).await.is_ok();
        debug_assert!(freed, "the sender is here");
    }

    /// What tells this one from any other that is alive.
    pub(crate) fn address(&self) -> usize {
        Arc::as_ptr(&self.0).addr()
    }

    /// What the listener counts.
    pub(crate) fn connections(&self) -> &Connections {
        &self.0.connections
    }

    fn services(&self) -> MutexGuard<'_, Vec<Weak<Shared>>> {
        self.0.services.lock().unwrap_or_else(PoisonError::into_inner)
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

impl ShutdownWait {
    /// What is waited for.
    pub(crate) fn signal(&self) -> &ShutdownSignal {
        &self.signal
    }
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

    /// What a trigger wakes may do as it likes, also trigger once more.
    #[tokio::test]
    async fn a_service_that_drains_runs_the_code_of_others_without_a_lock() {
        struct Again(ShutdownSignal);
        impl Wake for Again {
            fn wake(self: Arc<Self>) {
                self.0.trigger();
            }
        }
        let server = crate::server::Server::builder("again", "1").build().unwrap();
        let service = crate::http::service::McpService::builder(server).build().unwrap();
        let signal = ShutdownSignal::default();
        service.link(&signal);
        let mut begun = service.shared().drain.begun(None).wait();
        let waker = Waker::from(Arc::new(Again(signal.clone())));
        assert!(Pin::new(&mut begun).poll(&mut Context::from_waker(&waker)).is_pending());
        let (done, finished) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            signal.trigger();
            done.send(()).expect("it is waited for");
        });
        finished.recv_timeout(Duration::from_secs(20)).expect("no lock is held");
    }
}
