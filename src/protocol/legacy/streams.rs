//! The streams of one session, and what they hold together.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::Duration;

use super::limits::Limits;
use super::rising::Rising;
use super::stream::Stream;
use crate::protocol::budget::Budget;
use crate::protocol::sse::StreamId;
use crate::protocol::time::Millis;

/// The streams. None of the steps that a call takes walks all of them: their sums are kept as they
/// change.
///
/// They are boxed, so that the list of them is short, and little is moved when one goes.
#[derive(Debug, Default)]
pub(super) struct Streams {
    standalone: Option<Box<Stream>>,
    posts: Rising<Box<Stream>>,
    sum: Weight,
}

/// What one stream holds, or all of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Weight {
    /// Bytes of messages.
    bytes: usize,
    /// The same without answers.
    counted_bytes: usize,
    /// POST streams of which no call is open and which nobody reads.
    settled: usize,
    /// Those of them that some connection was given whole.
    given: usize,
}

/// A stream that may change. What it then holds is noted at the end.
pub(super) struct StreamMut<'a> {
    stream: &'a mut Stream,
    before: Weight,
    sum: &'a mut Weight,
}

impl Streams {
    pub(super) fn get(&self, id: StreamId) -> Option<&Stream> {
        match id {
            StreamId::STANDALONE => self.standalone.as_deref(),
            post => self.posts.get(post.number()).map(Box::as_ref),
        }
    }

    pub(super) fn get_mut(&mut self, id: StreamId) -> Option<StreamMut<'_>> {
        let stream = match id {
            StreamId::STANDALONE => self.standalone.as_deref_mut(),
            post => self.posts.get_mut(post.number()).map(Box::as_mut),
        };
        stream.map(|stream| StreamMut::new(stream, &mut self.sum))
    }

    /// The standalone stream, which begins with whatever needs it first.
    pub(super) fn standalone_mut(&mut self, budget: &Arc<Budget>) -> StreamMut<'_> {
        let stream = self.standalone.get_or_insert_with(|| Box::new(Stream::standalone(budget)));
        StreamMut::new(stream, &mut self.sum)
    }

    /// Adds the POST stream of this number, which is the next.
    pub(super) fn add(&mut self, number: u64, stream: Stream) {
        self.sum.add(Weight::of(&stream));
        self.posts.insert(number, Box::new(stream));
    }

    /// Takes a POST stream out.
    pub(super) fn remove(&mut self, number: u64) -> Option<Box<Stream>> {
        let stream = self.posts.remove(number)?;
        self.sum.subtract(Weight::of(&stream));
        Some(stream)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Stream> {
        self.posts.iter().map(|(_, stream)| &**stream).chain(self.standalone.as_deref())
    }

    /// Changes all of them.
    pub(super) fn for_each(&mut self, mut change: impl FnMut(&mut Stream)) {
        let posts = self.posts.iter_mut().map(|(_, stream)| &mut **stream);
        for stream in posts.chain(self.standalone.as_deref_mut()) {
            change(&mut StreamMut::new(stream, &mut self.sum));
        }
    }

    /// The settled POST streams of which this is true, oldest first.
    pub(super) fn settled(&self, which: impl Fn(&Stream) -> bool) -> Vec<u64> {
        self.posts.keys_where(|stream| stream.is_settled() && which(stream)).collect()
    }

    /// The POST streams that were kept for their time.
    pub(super) fn due(&mut self, now: Millis, retention: Duration) -> Vec<u64> {
        let posts = self.posts.iter_mut();
        posts.filter_map(|(number, it)| it.is_due(now, retention).then_some(number)).collect()
    }

    /// The settled stream that is to go first, if so many more bytes need room or there are more
    /// than are kept: one that a connection was given whole. The last one that was not stays
    /// however large its answer is, or a client that was away could never have it.
    pub(super) fn victim(&self, needed: usize, limits: &Limits) -> Option<u64> {
        debug_assert_eq!(self.sum, self.weighed(), "the sums are those of the streams");
        let crowded = self.sum.bytes + needed > limits.session_bytes;
        if !crowded && self.posts.len() <= limits.finished_streams {
            return None;
        }
        let Weight { settled, given, .. } = self.sum;
        let spare = settled > 1 || given > 0;
        if settled <= limits.finished_streams && !(crowded && spare) {
            return None;
        }
        let goes = |stream: &Stream| stream.is_settled() && (given == 0 || stream.is_given());
        self.posts.keys_where(|stream| goes(stream)).next()
    }

    /// Drops those that nobody reads.
    pub(super) fn drop_detached(&mut self) {
        self.posts.retain(|stream| stream.is_attached());
        self.standalone.take_if(|stream| !stream.is_attached());
        self.sum = self.weighed();
    }

    /// Gives back what a list keeps that was emptied.
    pub(super) fn give_back(&mut self) {
        self.posts.give_back();
    }

    /// Bytes of messages in all logs.
    pub(super) fn bytes(&self) -> usize {
        self.sum.bytes
    }

    /// The same, but for answers and for what one of them holds.
    pub(super) fn counted_bytes_beside(&self, id: StreamId) -> usize {
        let own = self.get(id).map_or(0, |stream| stream.log().counted_bytes());
        self.sum.counted_bytes - own
    }

    fn weighed(&self) -> Weight {
        let mut sum = Weight::default();
        self.iter().for_each(|stream| sum.add(Weight::of(stream)));
        sum
    }
}

impl<'a> StreamMut<'a> {
    fn new(stream: &'a mut Stream, sum: &'a mut Weight) -> Self {
        Self { before: Weight::of(stream), stream, sum }
    }
}

impl Deref for StreamMut<'_> {
    type Target = Stream;

    fn deref(&self) -> &Stream {
        self.stream
    }
}

impl DerefMut for StreamMut<'_> {
    fn deref_mut(&mut self) -> &mut Stream {
        self.stream
    }
}

impl Drop for StreamMut<'_> {
    fn drop(&mut self) {
        self.sum.subtract(self.before);
        self.sum.add(Weight::of(self.stream));
    }
}

impl Weight {
    fn of(stream: &Stream) -> Self {
        let settled = stream.is_post() && stream.is_settled();
        Self {
            bytes: stream.log().bytes(),
            counted_bytes: stream.log().counted_bytes(),
            settled: usize::from(settled),
            given: usize::from(settled && stream.is_given()),
        }
    }

    fn add(&mut self, other: Self) {
        self.bytes += other.bytes;
        self.counted_bytes += other.counted_bytes;
        self.settled += other.settled;
        self.given += other.given;
    }

    fn subtract(&mut self, other: Self) {
        self.bytes -= other.bytes;
        self.counted_bytes -= other.counted_bytes;
        self.settled -= other.settled;
        self.given -= other.given;
    }
}
