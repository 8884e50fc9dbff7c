//! What the runs came across, so that it is known that they came across it.

/// How often it happened.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) actions: usize,
    /// Spoken gaps, of the standalone stream and of those of calls.
    pub(super) gaps: [usize; 2],
    pub(super) farewells: usize,
    pub(super) nothing: usize,
    pub(super) displaced: usize,
    pub(super) stalled: usize,
    pub(super) retired: usize,
    pub(super) expired: usize,
    pub(super) deleted: usize,
    pub(super) found_ended: usize,
    pub(super) cancelled: usize,
    pub(super) ambiguous: usize,
    pub(super) refused_sessions: usize,
    pub(super) refused_calls: usize,
    pub(super) refused_messages: usize,
    /// Connections that a handler asked to leave.
    pub(super) closed: usize,
    /// Times that memory was short and somebody gave way.
    pub(super) relieved: usize,
    pub(super) shut_down: usize,
    pub(super) announced: usize,
    /// Updates of resources to which a client had subscribed, and of those after gaps.
    pub(super) updated: usize,
    pub(super) gap_updates: usize,
    pub(super) unsubscribed: usize,
    pub(super) subscriptions_refused: usize,
    /// Streams of which a client had all there was, at the end of a run.
    pub(super) whole: usize,
}

impl Counts {
    pub(super) fn add(&mut self, other: &Self) {
        for (sum, (_, count)) in self.each_mut().into_iter().zip(other.each()) {
            *sum += count;
        }
    }

    /// All counts, each with its name.
    pub(super) fn each(&self) -> [(&'static str, usize); 25] {
        [
            ("actions", self.actions),
            ("gaps of the standalone stream", self.gaps[0]),
            ("gaps of calls", self.gaps[1]),
            ("streams that are gone and told of", self.farewells),
            ("resumes with nothing to say", self.nothing),
            ("connections displaced", self.displaced),
            ("readers that stalled", self.stalled),
            ("streams retired by age", self.retired),
            ("sessions expired", self.expired),
            ("sessions deleted", self.deleted),
            ("ended sessions asked for", self.found_ended),
            ("calls cancelled", self.cancelled),
            ("ambiguous cancellations", self.ambiguous),
            ("sessions refused", self.refused_sessions),
            ("calls refused", self.refused_calls),
            ("messages refused", self.refused_messages),
            ("connections asked to leave", self.closed),
            ("reliefs of memory", self.relieved),
            ("shutdowns", self.shut_down),
            ("changes announced", self.announced),
            ("updates of resources", self.updated),
            ("resources told of in gaps", self.gap_updates),
            ("subscriptions ended", self.unsubscribed),
            ("subscriptions refused", self.subscriptions_refused),
            ("streams read to their end", self.whole),
        ]
    }

    fn each_mut(&mut self) -> [&mut usize; 25] {
        let [standalone, calls] = &mut self.gaps;
        [
            &mut self.actions,
            standalone,
            calls,
            &mut self.farewells,
            &mut self.nothing,
            &mut self.displaced,
            &mut self.stalled,
            &mut self.retired,
            &mut self.expired,
            &mut self.deleted,
            &mut self.found_ended,
            &mut self.cancelled,
            &mut self.ambiguous,
            &mut self.refused_sessions,
            &mut self.refused_calls,
            &mut self.refused_messages,
            &mut self.closed,
            &mut self.relieved,
            &mut self.shut_down,
            &mut self.announced,
            &mut self.updated,
            &mut self.gap_updates,
            &mut self.unsubscribed,
            &mut self.subscriptions_refused,
            &mut self.whole,
        ]
    }
}
