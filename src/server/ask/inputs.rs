//! What a call has asked its client, and what it was answered.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use super::question::Question;
use crate::protocol::budget::Share;
use crate::server::raw::RawJson;

/// At most so many questions are asked at once.
pub(crate) const MAX_QUESTIONS: usize = 16;
/// At most so often a handler unwinds with questions.
pub(crate) const MAX_ROUNDS: u16 = 32;
/// The longest key of a question, in bytes.
pub(crate) const MAX_KEY: usize = 128;
/// All answers of a call together, in bytes of JSON.
pub(crate) const MAX_ANSWER_BYTES: usize = 1024 * 1024;

/// How the questions of a call reach its client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asking {
    /// As the result of the request, which the client then makes anew with the answers.
    ByResult,
    /// As requests, while the call waits.
    Meanwhile,
    /// Not at all, and this is why.
    Impossible(&'static str),
}

/// What became of a question.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Answer {
    /// The client's result.
    Result(RawJson),
    /// The client's error.
    Refused { code: i64, message: String },
    /// Nothing, within the time that there was.
    TimedOut,
    /// Nothing: it could not be asked for, or not be kept, and this is why.
    Unavailable(&'static str),
}

impl Answer {
    fn bytes(&self) -> usize {
        match self {
            Self::Result(raw) => raw.as_bytes().len(),
            Self::Refused { message, .. } => message.len(),
            Self::TimedOut | Self::Unavailable(_) => 0,
        }
    }
}

/// The answers are more than a call may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the answers of one call have at most {MAX_ANSWER_BYTES} bytes together")]
pub(crate) struct InputsFull;

/// The questions and answers of one call. Before the first there is nothing but the place for them:
/// most calls ask nothing.
#[derive(Debug, Default)]
pub(crate) struct Inputs {
    state: OnceLock<Box<Mutex<State>>>,
}

#[derive(Debug, Default)]
struct State {
    answers: BTreeMap<String, Answer>,
    /// Brought by the client, and not asked for yet.
    offered: BTreeMap<String, Answer>,
    /// Of the answers, asked for or not.
    answer_bytes: usize,
    /// Asked by the handler that runs.
    noted: Vec<Question>,
    /// What the answers hold of the memory.
    shares: Vec<Share>,
    /// Put to the client, and not answered.
    open: Vec<String>,
    rounds: u16,
}

/// What a handler is told when it asks.
pub(super) enum Asked {
    Answered(Answer),
    Noted,
    /// There is no room for the question, and this is why.
    Refused(String),
}

impl Inputs {
    /// Takes over what was answered in earlier rounds.
    pub(crate) fn restore(
        &self,
        rounds: u16,
        answers: impl IntoIterator<Item = (String, Answer)>,
    ) -> Result<(), InputsFull> {
        let mut state = self.lock();
        state.rounds = rounds;
        answers.into_iter().try_for_each(|(key, answer)| state.insert(key, answer))
    }

    /// Takes what the client brings before the handler has asked for it. What was answered in an
    /// earlier round stays as it was; what the handler does not ask for counts for nothing
    /// (2026-07-28, Multi Round-Trip Requests, Error Handling: "the server SHOULD ignore any
    /// information it does not recognize or need").
    pub(crate) fn offer(
        &self,
        answers: impl IntoIterator<Item = (String, Answer)>,
    ) -> Result<(), InputsFull> {
        let mut state = self.lock();
        for (key, answer) in answers {
            if !state.answers.contains_key(&key) {
                state.take_room(&key, &answer)?;
                state.offered.insert(key, answer);
            }
        }
        Ok(())
    }

    /// Whether the client was asked before or brought answers, so that what comes of it may rest on
    /// them.
    pub(crate) fn has_any(&self) -> bool {
        let Some(state) = self.state.get() else { return false };
        let state = lock(state);
        state.rounds > 0 || !state.answers.is_empty() || !state.offered.is_empty()
    }

    /// Whether the client has answered what it was never asked: it came with the answers.
    pub(crate) fn came_unasked(&self) -> bool {
        let Some(state) = self.state.get() else { return false };
        let state = lock(state);
        state.rounds == 0 && !state.answers.is_empty()
    }

    /// The answer to a question, or a note that it was asked.
    pub(super) fn ask(&self, key: &str, question: impl FnOnce() -> Question) -> Asked {
        let mut state = self.lock();
        if let Some((key, answer)) = state.offered.remove_entry(key) {
            state.answers.insert(key, answer);
        }
        if let Some(answer) = state.answers.get(key) {
            return Asked::Answered(answer.clone());
        }
        if state.noted.iter().any(|noted| noted.key == key) {
            return Asked::Noted;
        }
        let refusal = match () {
            () if key.is_empty() || key.len() > MAX_KEY => {
                format!("the key of a question has 1 to {MAX_KEY} bytes")
            }
            () if state.noted.len() >= MAX_QUESTIONS => {
                format!("at most {MAX_QUESTIONS} questions may be asked at once")
            }
            () if state.rounds >= MAX_ROUNDS => {
                format!("a call may ask in at most {MAX_ROUNDS} rounds")
            }
            () => {
                state.noted.push(question());
                return Asked::Noted;
            }
        };
        Asked::Refused(refusal)
    }

    /// The questions that the handler unwound with, which are open from now on; none if it asked
    /// nothing.
    pub(crate) fn put(&self) -> Vec<Question> {
        let Some(state) = self.state.get() else { return Vec::new() };
        let mut state = lock(state);
        let noted = std::mem::take(&mut state.noted);
        if !noted.is_empty() {
            state.rounds += 1;
            state.open = noted.iter().map(|question| question.key.clone()).collect();
        }
        noted
    }

    /// Takes the answer to an open question, and says whether it was the last. What is not open is
    /// not looked at, so that each answer counts once.
    ///
    /// # Errors
    ///
    /// If there is no room for it; the question stays open. For what is no answer of the client's there
    /// always is.
    pub(crate) fn answer(&self, key: &str, answer: Answer) -> Result<Open, InputsFull> {
        let mut state = self.lock();
        let Some(at) = state.open.iter().position(|open| open == key) else {
            return Ok(Open::Unknown);
        };
        state.insert(key.to_owned(), answer)?;
        state.open.swap_remove(at);
        Ok(if state.open.is_empty() { Open::None } else { Open::Some })
    }

    /// Keeps what an answer holds of the memory, for as long as the answer is kept.
    pub(crate) fn hold(&self, share: Share) {
        self.lock().shares.push(share);
    }

    /// Whether every question that was put has its answer.
    pub(crate) fn is_answered(&self) -> bool {
        self.lock().open.is_empty()
    }

    /// The answers so far to what was asked, and in how many rounds they came.
    pub(crate) fn answers(&self) -> (u16, Vec<(String, Answer)>) {
        let state = self.lock();
        let answers = state.answers.iter().map(|(key, answer)| (key.clone(), answer.clone()));
        (state.rounds, answers.collect())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(self.state.get_or_init(Box::default))
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    // The state is whole between any two steps.
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Which questions are open after an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Open {
    None,
    Some,
    /// The answer was to none that is open.
    Unknown,
}

impl State {
    fn insert(&mut self, key: String, answer: Answer) -> Result<(), InputsFull> {
        self.take_room(&key, &answer)?;
        self.answers.insert(key, answer);
        Ok(())
    }

    fn take_room(&mut self, key: &str, answer: &Answer) -> Result<(), InputsFull> {
        let bytes = self.answer_bytes + key.len() + answer.bytes();
        let takes_room = matches!(answer, Answer::Result(_) | Answer::Refused { .. });
        if takes_room && bytes > MAX_ANSWER_BYTES {
            return Err(InputsFull);
        }
        self.answer_bytes = bytes;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(key: &str) -> Question {
        Question { key: key.into(), method: "m", params: RawJson::empty_object() }
    }

    fn asks(inputs: &Inputs, key: &str) -> Asked {
        inputs.ask(key, || question(key))
    }

    fn text(json: &str) -> Answer {
        Answer::Result(RawJson::from_serialize(json).unwrap())
    }

    #[test]
    fn an_answer_counts_once_and_only_to_an_open_question() {
        let inputs = Inputs::default();
        assert!(matches!(asks(&inputs, "a"), Asked::Noted));
        assert_eq!(inputs.answer("a", text("early")), Ok(Open::Unknown));
        assert_eq!(inputs.put(), [question("a")]);
        assert!(!inputs.is_answered());
        assert_eq!(inputs.answer("b", text("x")), Ok(Open::Unknown));
        assert_eq!(inputs.answer("a", text("first")), Ok(Open::None));
        assert_eq!(inputs.answer("a", text("second")), Ok(Open::Unknown));
        assert!(inputs.is_answered());
        assert!(matches!(asks(&inputs, "a"), Asked::Answered(answer) if answer == text("first")));
    }

    #[test]
    fn several_questions_are_put_at_once_and_each_key_once() {
        let inputs = Inputs::default();
        for key in ["a", "b", "a"] {
            assert!(matches!(asks(&inputs, key), Asked::Noted));
        }
        assert_eq!(inputs.put(), [question("a"), question("b")]);
        assert_eq!(inputs.answer("b", text("x")), Ok(Open::Some));
        assert_eq!(inputs.answer("a", text("x")), Ok(Open::None));
    }

    /// DESIGN, decision 8: everything has a limit and a test at the limit.
    #[test]
    fn questions_rounds_keys_and_answers_have_limits() {
        let inputs = Inputs::default();
        for at in 0..MAX_QUESTIONS {
            assert!(matches!(asks(&inputs, &at.to_string()), Asked::Noted));
        }
        assert!(matches!(asks(&inputs, "more"), Asked::Refused(why) if why.contains("16")));
        let inputs = Inputs::default();
        assert!(matches!(asks(&inputs, &"k".repeat(MAX_KEY)), Asked::Noted));
        for key in ["", &"k".repeat(MAX_KEY + 1)] {
            assert!(matches!(asks(&inputs, key), Asked::Refused(why) if why.contains("128")));
        }
        inputs.put();
        let longest = MAX_ANSWER_BYTES - MAX_KEY - 2;
        let key = "k".repeat(MAX_KEY);
        assert_eq!(inputs.answer(&key, text(&"x".repeat(longest + 1))), Err(InputsFull));
        assert_eq!(inputs.answer(&key, text(&"x".repeat(longest))), Ok(Open::None));
        // Full as it is, it can be told that there is no answer.
        for (key, answer) in [("b", Answer::TimedOut), ("c", Answer::Unavailable("why"))] {
            assert!(matches!(asks(&inputs, key), Asked::Noted));
            inputs.put();
            assert_eq!(inputs.answer(key, text("")), Err(InputsFull));
            assert_eq!(inputs.answer(key, answer), Ok(Open::None));
        }
        let inputs = Inputs::default();
        inputs.restore(MAX_ROUNDS - 1, []).unwrap();
        assert!(matches!(asks(&inputs, "last"), Asked::Noted));
        inputs.put();
        assert!(matches!(asks(&inputs, "too many"), Asked::Refused(why) if why.contains("32")));
    }

    /// 2026-07-28, Multi Round-Trip Requests, Error Handling: "the server SHOULD ignore any
    /// information it does not recognize or need".
    #[test]
    fn what_is_offered_counts_once_it_is_asked_for() {
        let inputs = Inputs::default();
        inputs.restore(1, [("a".to_owned(), text("earlier"))]).unwrap();
        let offered = [("a", "later"), ("b", "x"), ("c", "unneeded")];
        inputs.offer(offered.map(|(key, answer)| (key.to_owned(), text(answer)))).unwrap();
        for (key, expected) in [("a", "earlier"), ("b", "x"), ("b", "x")] {
            let asked = asks(&inputs, key);
            assert!(matches!(asked, Asked::Answered(answer) if answer == text(expected)), "{key}");
        }
        let keys: Vec<_> = inputs.answers().1.into_iter().map(|(key, _)| key).collect();
        assert_eq!(keys, ["a", "b"]);
    }

    #[test]
    fn an_answer_that_came_unasked_is_known_as_such() {
        let inputs = Inputs::default();
        inputs.offer([("a".to_owned(), text("x"))]).unwrap();
        assert_eq!((inputs.has_any(), inputs.came_unasked()), (true, false));
        asks(&inputs, "a");
        assert_eq!((inputs.has_any(), inputs.came_unasked()), (true, true));
        inputs.restore(1, []).unwrap();
        assert_eq!((inputs.has_any(), inputs.came_unasked()), (true, false));
    }

    #[test]
    fn what_was_answered_before_is_restored() {
        let (before, after) = (Inputs::default(), Inputs::default());
        before.restore(3, [("a".to_owned(), text("x"))]).unwrap();
        let (rounds, answers) = before.answers();
        after.restore(rounds, answers).unwrap();
        assert!(matches!(asks(&after, "a"), Asked::Answered(_)));
        assert_eq!(after.answers().0, 3);
    }
}
