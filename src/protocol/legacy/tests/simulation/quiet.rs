//! The end of a run: everyone is answered, every client comes back, everything is accounted for.

use std::time::Duration;

use super::world::{World, trace};

/// More than any stream of a run can have to say.
const PLENTY: usize = 10_000;

impl World {
    /// Nothing new comes. Each handler finishes, each client resumes until its streams are over.
    pub(super) fn quiesce(&mut self) {
        trace!(self, "quiet");
        for at in 0..self.work.len() {
            if self.random.once_in(6) {
                self.step(|world| world.abandon(at));
            } else {
                self.step(|world| world.answer(at));
            }
        }
        while let Some(at) = self.seats.len().checked_sub(1) {
            self.step(|world| {
                let over = world.poll(at, PLENTY);
                let open = world.seats[at].stream == 0 || over;
                assert!(open, "a stream whose calls are over goes on");
            });
            self.step(|world| world.cut_cleanly(at));
        }
        for peer in 0..self.peers.len() {
            self.come_back(peer);
            self.count_kept(peer);
        }
        self.expire();
    }

    /// One step, with all that holds before and after it.
    pub(super) fn step<R>(&mut self, step: impl FnOnce(&mut Self) -> R) -> R {
        self.tick += 1;
        self.observe();
        let result = step(self);
        self.observe();
        self.check();
        result
    }

    fn cut_cleanly(&mut self, at: usize) {
        let cursors = self.peers[self.seats[at].peer].cursors.clone();
        let peer = self.seats[at].peer;
        self.cut(at);
        self.peers[peer].cursors = cursors;
    }

    /// The client asks for what it lacks until there is nothing more.
    fn come_back(&mut self, peer: usize) {
        let cursors = self.peers[peer].cursors.clone();
        for (stream, first) in cursors {
            for time in 0.. {
                assert!(time < 4, "the client asks for ever");
                let cursor = self.peers[peer].cursors.get(&stream).copied().unwrap_or(first);
                if !self.step(|world| world.resume(peer, cursor)) {
                    self.counts.whole += 1;
                    break;
                }
                let at = self.seats.len() - 1;
                let over = self.step(|world| world.poll(at, PLENTY));
                self.step(|world| world.cut_cleanly(at));
                // The standalone stream has no end; of what is lost the client knows now.
                if !over || self.peers[peer].cursors.get(&stream) == Some(&cursor) {
                    break;
                }
            }
        }
        // A client without a cursor comes with a plain GET.
        let seats = self.seats.len();
        self.step(|world| world.get(peer));
        if self.seats.len() > seats {
            let over = self.step(|world| world.poll(seats, PLENTY));
            assert!(!over, "the standalone stream ends with the session");
            self.step(|world| world.cut_cleanly(seats));
        }
    }

    /// Decision 4: so many finished streams are kept, and so many messages of each.
    fn count_kept(&mut self, peer: usize) {
        let account = &self.peers[peer].account;
        if account.ended || !account.primed {
            return;
        }
        let mut kept = 0;
        for stream in 1..=account.posts() {
            let beginning = format!("{stream}-0").parse().expect("an event id");
            let named = self.peers[peer].account.streams[&stream].ids.contains_key(&0);
            if !named || !self.step(|world| world.resume(peer, beginning)) {
                continue;
            }
            let at = self.seats.len() - 1;
            self.given = [0; 2];
            self.step(|world| world.poll(at, PLENTY));
            self.step(|world| world.cut_cleanly(at));
            let [answers, messages] = self.given;
            kept += usize::from(answers + messages > 0);
            assert!(messages <= self.limits.stream_messages, "a log of {messages} messages");
        }
        let most = self.limits.finished_streams;
        assert!(kept <= most, "{kept} finished streams are kept");
    }

    /// Left alone, all sessions expire.
    fn expire(&mut self) {
        let limits = &self.limits;
        let most = limits.idle.max(limits.idle_uninitialized) + 3 * limits.sweep_period;
        let most = most.max(limits.retention + 3 * limits.sweep_period);
        let mut passed = Duration::ZERO;
        while passed < most {
            let period = self.limits.sweep_period;
            self.step(|world| world.sweep(period));
            passed += period;
        }
        assert_eq!(self.registry.len(), 0, "sessions that nobody uses stay");
    }
}
