//! Random runs of calls that ask, against a model that is too simple to be wrong.

use std::time::Duration;

use super::asking::{Ear, answer, ask, cancels};
use super::model::Random;
use super::*;
use crate::protocol::legacy::requests::Heard;

const TIMEOUT: u64 = 20;

/// A request, and what is to become of it.
struct Asked {
    id: u64,
    ear: Arc<Ear>,
    /// Its call, and its place among what that has said.
    call: usize,
    at: usize,
    /// Whether any connection was given it.
    given: bool,
    /// The sweep that first saw it, in seconds.
    since: Option<u64>,
    open: bool,
}

/// A call, its client's reading, and all that was said on its stream.
struct Call {
    ticket: Option<Ticket>,
    request: u64,
    connection: Option<Connection>,
    /// What the client has, and the ids of it.
    seen: Vec<(String, String)>,
    /// What it is to have in the end; none for what was taken back.
    said: Vec<Option<String>>,
}

struct World {
    registry: Registry,
    session: Arc<Session>,
    seconds: u64,
    calls: Vec<Call>,
    asked: Vec<Asked>,
    answered: usize,
    timed_out: usize,
    taken_back: usize,
    retracted: usize,
}

/// DESIGN, decision 14: "a client that disconnects in between and resumes still gets its question,
/// and its answer counts, once each".
#[test]
fn whatever_happens_a_question_is_given_once_and_has_one_outcome() {
    let mut counts = [0; 4];
    for seed in 1..=500 {
        let mut random = Random::new(seed);
        let world = run(&mut random);
        let World { answered, timed_out, taken_back, retracted, .. } = world;
        for (sum, count) in counts.iter_mut().zip([answered, timed_out, taken_back, retracted]) {
            *sum += count;
        }
    }
    // Each is reached often enough to mean something.
    assert!(counts.iter().all(|&count| count > 100), "{counts:?}");
}

fn run(random: &mut Random) -> World {
    let day = Duration::from_secs(24 * 60 * 60);
    let (registry, session) = with_limits(Limits {
        input_timeout: Duration::from_secs(TIMEOUT),
        retention: day,
        stall: day,
        ..Limits::default()
    });
    session.set_initialized();
    let mut world = World {
        registry,
        session,
        seconds: 0,
        calls: Vec::new(),
        asked: Vec::new(),
        answered: 0,
        timed_out: 0,
        taken_back: 0,
        retracted: 0,
    };
    world.begin();
    for _ in 0..10 + random.below(60) {
        let call = random.below(world.calls.len() as u64) as usize;
        match random.below(16) {
            0 if world.calls.len() < 4 => world.begin(),
            0..=3 => world.ask(call),
            4 => world.say(call),
            5..=8 => world.poll(call),
            9 => world.cut(call, random),
            10 | 11 => world.resume(call),
            12 | 13 => world.answer(random),
            14 => world.sweep(),
            _ => world.end(call, random),
        }
    }
    world.quiesce(random);
    world
}

impl World {
    fn begin(&mut self) {
        let request = self.calls.len() as u64 + 1;
        let (ticket, connection) = streaming(&self.session, request);
        self.calls.push(Call {
            ticket: Some(ticket),
            request,
            connection: Some(connection),
            seen: Vec::new(),
            said: Vec::new(),
        });
    }

    fn ask(&mut self, call: usize) {
        let it = &mut self.calls[call];
        let Some(ticket) = &it.ticket else { return };
        let (ear, id) = ask(ticket);
        assert_eq!(id, self.asked.len() as u64 + 1);
        let at = it.said.len();
        it.said.push(Some(format!("ask {id}")));
        self.asked.push(Asked { id, ear, call, at, given: false, since: None, open: true });
    }

    fn say(&mut self, call: usize) {
        let it = &mut self.calls[call];
        let Some(ticket) = &it.ticket else { return };
        let text = format!("say {}", it.said.len());
        say(ticket, &text);
        it.said.push(Some(text));
    }

    fn poll(&mut self, call: usize) {
        let it = &mut self.calls[call];
        let Some(connection) = &mut it.connection else { return };
        match connection.poll(Waker::noop()) {
            Poll::Ready(Step::Event { id, message, .. }) => {
                let text = match cancels(&message) {
                    Some(id) => format!("cancelled {id}"),
                    None => String::from_utf8(message.to_vec()).unwrap(),
                };
                if let Some(asked) =
                    self.asked.iter_mut().find(|asked| text == format!("ask {}", asked.id))
                {
                    assert_eq!(asked.call, call, "a question on a stream of others");
                    asked.given = true;
                }
                it.seen.push((id.to_string(), text));
            }
            Poll::Ready(Step::End) => it.connection = None,
            Poll::Ready(Step::Prime(_)) | Poll::Pending => {}
            Poll::Ready(other) => panic!("{other:?}"),
        }
    }

    /// The connection breaks, and perhaps the client loses some of what it was given last.
    fn cut(&mut self, call: usize, random: &mut Random) {
        let it = &mut self.calls[call];
        it.connection = None;
        let lost = random.below(3) as usize;
        it.seen.truncate(it.seen.len().saturating_sub(lost));
    }

    fn resume(&mut self, call: usize) {
        let it = &mut self.calls[call];
        let cursor = it.seen.last().map_or(format!("{}-0", call + 1), |(id, _)| id.clone());
        match self.session.resume(cursor.parse().unwrap(), NOW) {
            Resumed::Attached(connection) => it.connection = Some(connection),
            Resumed::Nothing => it.connection = None,
            Resumed::Ended => panic!("the session lives"),
        }
    }

    fn answer(&mut self, random: &mut Random) {
        let id = 1 + random.below(self.asked.len() as u64 + 1);
        let heard = answer(&self.session, id, "1");
        let open = self.asked.iter_mut().find(|asked| asked.id == id && asked.open);
        assert_eq!(heard == Heard::Yes, open.is_some(), "{id}");
        if let Some(asked) = open {
            asked.open = false;
            assert_eq!(asked.ear.heard(), ["1"]);
            self.answered += 1;
        }
    }

    fn sweep(&mut self) {
        self.seconds += 15;
        let swept = self.registry.sweep(Millis(self.seconds * 1000));
        let mut due = Vec::new();
        for (index, asked) in self.asked.iter_mut().enumerate().filter(|(_, asked)| asked.open) {
            if self.seconds >= *asked.since.get_or_insert(self.seconds) + TIMEOUT {
                assert_eq!(asked.ear.heard(), ["timed out"]);
                due.push(index);
            }
        }
        assert_eq!(swept.timed_out, due.len());
        self.timed_out += due.len();
        due.into_iter().for_each(|index| self.retract(index));
    }

    /// Nobody waits for it any more: the client is told, if it can have seen it.
    fn retract(&mut self, index: usize) {
        let asked = &mut self.asked[index];
        asked.open = false;
        let said = &mut self.calls[asked.call].said;
        if asked.given {
            said.push(Some(format!("cancelled {}", asked.id)));
            self.retracted += 1;
        } else {
            said[asked.at] = None;
            self.taken_back += 1;
        }
    }

    fn end(&mut self, call: usize, random: &mut Random) {
        let it = &mut self.calls[call];
        let Some(ticket) = it.ticket.take() else { return };
        let open: Vec<_> = (0..self.asked.len())
            .filter(|&at| self.asked[at].open && self.asked[at].call == call)
            .collect();
        open.into_iter().for_each(|index| self.retract(index));
        let it = &mut self.calls[call];
        match random.below(2) {
            0 => {
                ticket.answer("done".into());
                it.said.push(Some("done".to_owned()));
            }
            _ => {
                assert_eq!(self.session.cancel(&RequestId::from(it.request)), Cancelled::Done);
            }
        }
    }

    /// All calls end, and each client comes back for what it lacks.
    fn quiesce(&mut self, random: &mut Random) {
        for call in 0..self.calls.len() {
            self.end(call, random);
            self.resume(call);
            while self.calls[call].connection.is_some() {
                self.poll(call);
            }
            let it = &self.calls[call];
            let seen: Vec<_> = it.seen.iter().map(|(_, text)| text).collect();
            assert_eq!(seen, it.said.iter().flatten().collect::<Vec<_>>());
        }
        for asked in &self.asked {
            assert!(asked.ear.heard().is_empty(), "a second outcome of {}", asked.id);
            assert_eq!(Arc::strong_count(&asked.ear), 1);
        }
        assert_eq!(self.session.discarded(), 0);
    }
}
