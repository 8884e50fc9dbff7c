//! Patterns: whether a URI is one of a regular set, which of its characters are values, and whether
//! that could be answered in two ways.
//!
//! A pattern is an automaton whose states are the places of its characters (Glushkov's). It is run
//! over all ways at once, so that no input is looked at twice. Since no URI can be read in two
//! ways, which is decided beforehand, the way that was taken is the only one.

use std::collections::HashSet;
use std::ops::Range;

/// A set of ASCII characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Class(u128);

/// What is matched.
#[derive(Debug)]
pub(super) enum Node {
    Character(Class, Mark),
    Sequence(Vec<Node>),
    OneOf(Vec<Node>),
    Optional(Box<Node>),
    /// Once or more often.
    Repeated(Box<Node>),
}

/// What a character is, once it is matched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    Text,
    /// Text behind which a value of this variable begins, which may be empty.
    Opens(usize),
    /// Part of a value of this variable.
    Value(usize),
}

pub(super) struct Pattern {
    places: Vec<Place>,
    /// The places of the first character.
    first: Vec<usize>,
}

/// A place of a character.
struct Place {
    class: Class,
    mark: Mark,
    /// The places of the next character.
    next: Vec<usize>,
    /// Whether this may be the last character.
    is_last: bool,
}

/// What a node adds to its surroundings.
struct Ends {
    is_optional: bool,
    first: Vec<usize>,
    last: Vec<usize>,
}

/// A character that was matched.
struct Step {
    place: usize,
    /// The step of the character before, or [`START`].
    before: usize,
}

const START: usize = usize::MAX;

impl Class {
    pub(super) const NONE: Self = Self(0);
    pub(super) const DIGIT: Self = Self::of("0123456789");
    pub(super) const HEX: Self = Self::of("0123456789ABCDEFabcdef");
    pub(super) const ALPHA: Self = Self::of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");

    pub(super) const fn byte(byte: u8) -> Self {
        assert!(byte.is_ascii(), "templates are ASCII");
        Self(1 << byte)
    }

    /// The characters of a text.
    pub(super) const fn of(text: &str) -> Self {
        let (bytes, mut set, mut at) = (text.as_bytes(), Self::NONE, 0);
        while at < bytes.len() {
            set = set.or(Self::byte(bytes[at]));
            at += 1;
        }
        set
    }

    pub(super) const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(super) const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// The same with each letter in both cases.
    pub(super) fn any_case(self) -> Self {
        let letters = self.0 & Self::ALPHA.0;
        Self(self.0 | ((letters << 32 | letters >> 32) & Self::ALPHA.0))
    }

    fn contains(self, byte: u8) -> bool {
        byte.is_ascii() && self.0 >> byte & 1 == 1
    }

    fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

impl Node {
    pub(super) fn sequence(nodes: impl IntoIterator<Item = Self>) -> Self {
        Self::Sequence(nodes.into_iter().collect())
    }

    pub(super) fn optional(self) -> Self {
        Self::Optional(Box::new(self))
    }

    pub(super) fn repeated(self) -> Self {
        Self::Repeated(Box::new(self))
    }

    pub(super) fn any_number(self) -> Self {
        self.repeated().optional()
    }
}

impl Pattern {
    pub(super) fn new(node: &Node) -> Self {
        let mut pattern = Self { places: Vec::new(), first: Vec::new() };
        let ends = pattern.add(node);
        pattern.first = ends.first;
        for last in ends.last {
            pattern.places[last].is_last = true;
        }
        pattern
    }

    fn add(&mut self, node: &Node) -> Ends {
        match node {
            Node::Character(class, mark) => {
                let place = self.places.len();
                let (class, mark) = (*class, *mark);
                self.places.push(Place { class, mark, next: Vec::new(), is_last: false });
                Ends { is_optional: false, first: vec![place], last: vec![place] }
            }
            Node::Sequence(nodes) => {
                let nothing = Ends { is_optional: true, first: Vec::new(), last: Vec::new() };
                nodes.iter().fold(nothing, |before, node| {
                    let after = self.add(node);
                    self.join(&before.last, &after.first);
                    before.then(after)
                })
            }
            Node::OneOf(nodes) => {
                let none = Ends { is_optional: false, first: Vec::new(), last: Vec::new() };
                nodes.iter().fold(none, |one, node| one.or(self.add(node)))
            }
            Node::Optional(node) => Ends { is_optional: true, ..self.add(node) },
            Node::Repeated(node) => {
                let ends = self.add(node);
                self.join(&ends.last, &ends.first);
                ends
            }
        }
    }

    fn join(&mut self, last: &[usize], first: &[usize]) {
        for &place in last {
            let next = &mut self.places[place].next;
            next.extend(first.iter().filter(|first| !next.contains(first)).collect::<Vec<_>>());
        }
    }

    /// Whether there is a text that can be read in two ways: whether two runs over the same text
    /// can both end well after they were in two places at once.
    pub(super) fn is_ambiguous(&self) -> bool {
        let mut waiting = self.pairs(&self.first, &self.first, false);
        let mut seen: HashSet<_> = waiting.iter().copied().collect();
        while let Some((one, other, parted)) = waiting.pop() {
            let (one, other) = (&self.places[one], &self.places[other]);
            if parted && one.is_last && other.is_last {
                return true;
            }
            let pairs = self.pairs(&one.next, &other.next, parted);
            waiting.extend(pairs.into_iter().filter(|pair| seen.insert(*pair)));
        }
        false
    }

    /// The pairs of places that the same character leads to.
    fn pairs(&self, ones: &[usize], others: &[usize], parted: bool) -> Vec<(usize, usize, bool)> {
        let meet =
            |one: usize, other: usize| self.places[one].class.meets(self.places[other].class);
        let pairs = ones.iter().flat_map(|&one| others.iter().map(move |&other| (one, other)));
        pairs
            .filter(|&(one, other)| meet(one, other))
            .map(|(one, other)| (one, other, parted || one != other))
            .collect()
    }

    /// The values in a text, in their order, with the variables that they are of; `None` if it does
    /// not match.
    ///
    /// The work is at most the length of the text times the size of the pattern, and mostly the
    /// length of the text alone.
    pub(super) fn matches(&self, text: &str) -> Option<Vec<(usize, Range<usize>)>> {
        let way = self.way(text)?;
        let mut values: Vec<(usize, Range<usize>)> = Vec::new();
        let mut before = Mark::Text;
        for (at, place) in way.into_iter().enumerate() {
            let mark = self.places[place].mark;
            match mark {
                Mark::Text => {}
                Mark::Opens(variable) => {
                    if before != mark {
                        values.push((variable, at..at));
                    }
                    let value = values.last_mut().expect("pushed for this or the mark before");
                    value.1 = at + 1..at + 1;
                }
                Mark::Value(variable) => {
                    if before != mark && before != Mark::Opens(variable) {
                        values.push((variable, at..at));
                    }
                    let value = values.last_mut().expect("pushed for this or the mark before");
                    value.1.end = at + 1;
                }
            }
            before = mark;
        }
        Some(values)
    }

    /// The place of each character of a text.
    fn way(&self, text: &str) -> Option<Vec<usize>> {
        let (steps, mut open) = self.run(text);
        let mut at = open.find(|&step| self.places[steps[step].place].is_last)?;
        let mut way = Vec::with_capacity(text.len());
        while at != START {
            way.push(steps[at].place);
            at = steps[at].before;
        }
        way.reverse();
        Some(way)
    }

    /// All ways through a text up to where none goes on, and the steps that they end with.
    fn run(&self, text: &str) -> (Vec<Step>, Range<usize>) {
        let (mut steps, mut open) = (Vec::new(), 0..0);
        for (at, byte) in text.bytes().enumerate() {
            let begin = steps.len();
            if at == 0 {
                self.step(&self.first, byte, START, &mut steps);
            }
            for before in open {
                let next = &self.places[steps[before].place].next;
                self.step(next, byte, before, &mut steps);
            }
            open = begin..steps.len();
            if open.is_empty() {
                break;
            }
        }
        (steps, open)
    }

    /// How many characters are looked at, each in each way, before a text is known to match or not.
    #[cfg(test)]
    pub(super) fn work(&self, text: &str) -> usize {
        self.run(text).0.len()
    }

    fn step(&self, places: &[usize], byte: u8, before: usize, steps: &mut Vec<Step>) {
        let fitting = places.iter().filter(|&&place| self.places[place].class.contains(byte));
        steps.extend(fitting.map(|&place| Step { place, before }));
    }
}

impl Ends {
    fn then(mut self, after: Self) -> Self {
        if self.is_optional {
            self.first.extend(&after.first);
        }
        if after.is_optional {
            self.last.extend(after.last);
        } else {
            self.last = after.last;
        }
        Self { is_optional: self.is_optional && after.is_optional, ..self }
    }

    fn or(mut self, other: Self) -> Self {
        self.first.extend(other.first);
        self.last.extend(other.last);
        Self { is_optional: self.is_optional || other.is_optional, ..self }
    }
}
