//! Random runs of one stream against a model that is too simple to be wrong.

use super::*;

/// xorshift64*, so that a run is its seed.
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(seed))
    }

    pub(super) fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % limit
    }
}

/// All that was ever said, and how far the client has read.
#[derive(Default)]
struct Model {
    said: Vec<(Kind, String)>,
    cursor: usize,
}

impl Model {
    /// Whether the client may be given message `seq` next: all between must be progress.
    fn skips_only_progress(&self, seq: usize) -> bool {
        self.cursor < seq
            && self.said[self.cursor..seq - 1].iter().all(|(kind, _)| *kind == Kind::Progress)
    }
}

impl Model {
    /// A gap is an excuse only where something had to go.
    fn had_to_evict(&self, limits: &Limits) {
        let bytes: usize = self.said.iter().map(|(_, text)| text.len()).sum();
        let fits = self.said.len() <= limits.stream_messages && bytes <= limits.stream_bytes;
        assert!(!fits, "a gap where everything has room");
    }
}

/// A client that reads, drops and resumes at random gets every message once and in order, except
/// progress, or is told of a gap.
#[test]
fn delivery_is_whole_in_order_and_without_repetition_or_a_gap_is_spoken() {
    let (mut whole, mut gaps) = (0, 0);
    for seed in 1..=2000 {
        let mut random = Random::new(seed);
        match run(&mut random) {
            Outcome::Whole => whole += 1,
            Outcome::Gap => gaps += 1,
        }
    }
    // Both ends are reached often enough to mean something.
    assert!(whole > 200 && gaps > 200, "{whole} whole, {gaps} with a gap");
}

enum Outcome {
    Whole,
    Gap,
}

fn run(random: &mut Random) -> Outcome {
    let limits = Limits {
        stream_messages: 2 + random.below(10) as usize,
        stream_bytes: 30 + random.below(60) as usize,
        ..Limits::default()
    };
    let (_, session) = with_limits(limits.clone());
    let (ticket, post) = streaming(&session, 1);
    let mut connection = Some(post);
    let mut model = Model::default();
    for _ in 0..random.below(60) {
        match random.below(8) {
            0..=3 => {
                let kind = [Kind::Progress, Kind::Notification][random.below(2) as usize];
                let text = "m".repeat(1 + random.below(8) as usize);
                let sent = ticket.sender().send(kind, text.clone().into());
                match sent {
                    Sent::Logged => model.said.push((kind, text)),
                    // There was no room beside what nobody has taken yet.
                    Sent::Refused(Refused::Full) if kind == Kind::Notification => {}
                    other => panic!("{other:?}"),
                }
            }
            4 => drop(connection.take()),
            // While the old connection is there this is a takeover.
            5 => connection = Some(resume(&session, &format!("1-{}", model.cursor))),
            _ => {
                if take(&mut connection, random, &mut model) == Taken::Gap {
                    model.had_to_evict(&limits);
                    return Outcome::Gap;
                }
            }
        }
        assert!(session.bytes() <= limits.stream_bytes);
    }
    ticket.answer("answer".into());
    model.said.push((Kind::Answer, "answer".into()));
    let mut last = None;
    loop {
        last.get_or_insert_with(|| resume(&session, &format!("1-{}", model.cursor)));
        match take(&mut last, random, &mut model) {
            Taken::Gap => {
                model.had_to_evict(&limits);
                return Outcome::Gap;
            }
            Taken::End => break,
            Taken::Some => {}
        }
    }
    assert_eq!(model.cursor, model.said.len());
    Outcome::Whole
}

#[derive(PartialEq)]
enum Taken {
    Some,
    Gap,
    End,
}

/// Reads a few steps and checks each against the model. Now and then the client loses what it
/// was given: it resumes from before.
fn take(connection: &mut Option<Connection>, random: &mut Random, model: &mut Model) -> Taken {
    let Some(reader) = connection else { return Taken::Some };
    for _ in 0..1 + random.below(5) {
        match reader.poll(Waker::noop()) {
            Poll::Ready(Step::Event { id, message, kind }) => {
                let seq = id.seq as usize;
                assert!(model.skips_only_progress(seq), "{seq} after {}", model.cursor);
                assert_eq!((kind, message), {
                    let (kind, text) = &model.said[seq - 1];
                    (*kind, Bytes::from(text.clone()))
                });
                if kind != Kind::Answer && random.below(10) == 0 {
                    // Lost on the way; this connection is of no use any more.
                    *connection = None;
                    return Taken::Some;
                }
                model.cursor = seq;
            }
            Poll::Ready(Step::Prime(id)) => assert_eq!((id.seq, model.cursor), (0, 0)),
            Poll::Ready(Step::Gap(_)) => return Taken::Gap,
            Poll::Ready(Step::GapUpdate(_)) => panic!("an update on the stream of a call"),
            Poll::Ready(Step::End) => return Taken::End,
            Poll::Ready(Step::Displaced { .. }) => panic!("the newest connection is displaced"),
            Poll::Pending => return Taken::Some,
        }
    }
    Taken::Some
}
