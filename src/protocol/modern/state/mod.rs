//! The state that a client carries between the rounds of a request that asks it for input: sealed,
//! so that nobody else can read it and nobody at all can change it (2026-07-28, Multi Round-Trip
//! Requests, Server Requirements, 4 and 5).
//!
//! The seal is an AEAD. What a state is bound to (the server, the principal, the method, what it is
//! applied to, the arguments) is its associated data: it is not stored, and a state that comes with
//! anything else does not open.

mod canonical;
mod keys;

use std::borrow::Cow;
use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chacha20poly1305::aead::{Aead, Payload};
use serde_json::value::RawValue;

pub use keys::StateKeys;

use crate::protocol::principal::Principal;

/// The longest state, in bytes as the client carries it.
pub(crate) const MAX_SEALED: usize = 64 * 1024;
/// How far apart the clocks of instances may be, in milliseconds.
const MAX_SKEW: u64 = 5 * 60 * 1000;

/// The first byte of every state, which the format that follows goes by.
const FORMAT: u8 = 1;
const NONCE: usize = 24;
/// Issued, expires, round and chain.
const HEAD: usize = 8 + 8 + 2 + NONCE;

/// Makes a state unlike any other: bytes that were drawn at random.
pub(crate) type Nonce = [u8; NONCE];

/// What a state is bound to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Binding<'a> {
    /// The server's name: keys may be shared by more than the instances of one.
    pub(crate) server: &'a str,
    pub(crate) principal: &'a Principal,
    pub(crate) method: &'a str,
    /// The name or the URI that the method is applied to.
    pub(crate) subject: &'a str,
    /// The arguments as they came, if any.
    pub(crate) arguments: Option<&'a str>,
}

/// What a state holds.
#[derive(Clone, Debug)]
pub(crate) struct State {
    /// When it was sealed, in milliseconds of the wall clock.
    pub(crate) issued: u64,
    /// From when on it is stale.
    pub(crate) expires: u64,
    /// How often the client was asked.
    pub(crate) round: u16,
    /// The nonce of the first round, by which all rounds of one request are known.
    pub(crate) chain: Nonce,
    /// What the client has answered so far, by the keys of the questions.
    pub(crate) answers: Vec<(String, Box<RawValue>)>,
}

/// A state would be longer than [`MAX_SEALED`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("what the client has answered so far is more than the {MAX_SEALED} bytes of a state")]
pub(crate) struct TooLong;

/// Why a state is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadState {
    #[error("this is no state of this server's; send the request anew without it")]
    Malformed,
    /// It was changed, it is another caller's or another request's, or its key is not known.
    #[error(
        "it was not sealed by this server for this caller and this request; send the request anew \
         without it (instances behind one load balancer must share their keys)"
    )]
    Unsealed,
    #[error("it is no longer fresh; send the request anew without it")]
    Stale,
}

/// Seals a state. The nonce must be new.
pub(crate) fn seal(
    keys: &StateKeys,
    nonce: Nonce,
    binding: &Binding<'_>,
    state: &State,
) -> Result<String, TooLong> {
    let mut plain = Vec::with_capacity(256);
    plain.extend_from_slice(&state.issued.to_be_bytes());
    plain.extend_from_slice(&state.expires.to_be_bytes());
    plain.extend_from_slice(&state.round.to_be_bytes());
    plain.extend_from_slice(&state.chain);
    let answers: BTreeMap<_, _> = state.answers.iter().map(|(key, raw)| (key, raw)).collect();
    serde_json::to_writer(&mut plain, &answers).expect("strings and JSON are JSON");
    let payload = Payload { msg: &plain, aad: &associated(binding) };
    let sealed = keys.sealing().encrypt(&nonce.into(), payload).expect("it is not that long");
    let text = URL_SAFE_NO_PAD.encode([&[FORMAT][..], &nonce, &sealed].concat());
    if text.len() > MAX_SEALED { Err(TooLong) } else { Ok(text) }
}

/// Opens a state that a client has sent, at the time `now` of the wall clock.
pub(crate) fn open(
    keys: &StateKeys,
    text: &str,
    binding: &Binding<'_>,
    now: u64,
) -> Result<State, BadState> {
    if text.len() > MAX_SEALED {
        return Err(BadState::Malformed);
    }
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| BadState::Malformed)?;
    let Some((&FORMAT, rest)) = bytes.split_first() else { return Err(BadState::Malformed) };
    let (nonce, sealed) = rest.split_first_chunk::<NONCE>().ok_or(BadState::Malformed)?;
    let aad = associated(binding);
    let payload = || Payload { msg: sealed, aad: &aad };
    let mut opened = keys.all().iter().map(|key| key.decrypt(nonce.into(), payload()));
    let plain = opened.find_map(Result::ok).ok_or(BadState::Unsealed)?;
    let state = read(&plain).ok_or(BadState::Malformed)?;
    if now >= state.expires || state.issued > now.saturating_add(MAX_SKEW) {
        return Err(BadState::Stale);
    }
    Ok(state)
}

/// What was sealed by [`seal`]. It is not read further than it goes all the same.
fn read(plain: &[u8]) -> Option<State> {
    let (head, answers) = plain.split_first_chunk::<HEAD>()?;
    let (issued, head) = head.split_first_chunk()?;
    let (expires, head) = head.split_first_chunk()?;
    let (round, chain) = head.split_first_chunk()?;
    let answers: BTreeMap<String, Box<RawValue>> = serde_json::from_slice(answers).ok()?;
    Some(State {
        issued: u64::from_be_bytes(*issued),
        expires: u64::from_be_bytes(*expires),
        round: u16::from_be_bytes(*round),
        chain: chain.try_into().ok()?,
        answers: answers.into_iter().collect(),
    })
}

/// What a state is bound to as bytes: each part with its length before it, so that nothing of one
/// part can be taken for another's.
fn associated(binding: &Binding<'_>) -> Vec<u8> {
    let Binding { server, principal, method, subject, arguments } = binding;
    let arguments = arguments.map(canonical::canonical);
    let parts: [Option<Cow<'_, [u8]>>; 5] = [
        Some(server.as_bytes().into()),
        principal.name().map(|name| name.as_bytes().into()),
        Some(method.as_bytes().into()),
        Some(subject.as_bytes().into()),
        // Absent arguments and an empty object are the same.
        arguments.filter(|arguments| **arguments != *b"{}" && **arguments != *b"null"),
    ];
    let mut bytes = vec![FORMAT];
    for part in parts {
        let length = part.as_ref().map_or(u64::MAX, |part| part.len() as u64);
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(part.as_deref().unwrap_or_default());
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: [u8; 32] = [1; 32];
    const NONCE: Nonce = [2; 24];
    const NOW: u64 = 1_000_000;
    const TTL: u64 = 600_000;

    fn keys() -> StateKeys {
        StateKeys::new(KEY)
    }

    fn alice() -> Principal {
        Principal::named("alice")
    }

    fn binding(principal: &Principal) -> Binding<'_> {
        let arguments = Some(r#"{"city":"Bern","days":[1,2.50]}"#);
        Binding {
            server: "weather",
            principal,
            method: "tools/call",
            subject: "forecast",
            arguments,
        }
    }

    fn state(answers: &[(&str, &str)]) -> State {
        let raw = |json: &str| RawValue::from_string(json.to_owned()).unwrap();
        let answers = answers.iter().map(|(key, json)| ((*key).to_owned(), raw(json))).collect();
        State { issued: NOW, expires: NOW + TTL, round: 1, chain: NONCE, answers }
    }

    fn sealed(answers: &[(&str, &str)]) -> String {
        seal(&keys(), NONCE, &binding(&alice()), &state(answers)).unwrap()
    }

    fn opened(text: &str, binding: &Binding<'_>, now: u64) -> Result<State, BadState> {
        open(&keys(), text, binding, now)
    }

    fn texts(state: &State) -> Vec<(&str, &str)> {
        state.answers.iter().map(|(key, raw)| (key.as_str(), raw.get())).collect()
    }

    /// Earlier answers across three rounds: a retry brings only the latest (DESIGN, decision 14).
    #[test]
    fn a_state_carries_the_answers_of_all_rounds_before() {
        let mut answers = Vec::new();
        let mut text = String::new();
        for round in 1..=3 {
            let chain = match round {
                1 => NONCE,
                _ => {
                    let before = opened(&text, &binding(&alice()), NOW + round).unwrap();
                    assert_eq!(u64::from(before.round), round - 1);
                    assert_eq!(before.answers.len() as u64, round - 1);
                    before.chain
                }
            };
            answers.push((format!("q{round}"), format!(r#"{{"action":"accept","n":{round}}}"#)));
            let all: Vec<_> = answers.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
            let next = State { round: round as u16, chain, ..state(&all) };
            text = seal(&keys(), [round as u8; 24], &binding(&alice()), &next).unwrap();
        }
        let last = opened(&text, &binding(&alice()), NOW + 4).unwrap();
        assert_eq!(texts(&last).len(), 3);
        assert_eq!(texts(&last)[0], ("q1", r#"{"action":"accept","n":1}"#));
        assert_eq!(last.chain, NONCE, "all rounds are of one chain");
        assert!(!text.contains("accept"), "nobody reads what is sealed");
    }

    /// 2026-07-28, Multi Round-Trip Requests, Server Requirements, 4: "MUST reject state that fails
    /// verification".
    #[test]
    fn a_state_that_was_tampered_with_is_refused_whatever_was_changed() {
        let text = sealed(&[("a", "1")]);
        let bytes = URL_SAFE_NO_PAD.decode(&text).unwrap();
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            let refused = opened(&URL_SAFE_NO_PAD.encode(changed), &binding(&alice()), NOW);
            let expected = if at == 0 { BadState::Malformed } else { BadState::Unsealed };
            assert_eq!(refused.unwrap_err(), expected, "byte {at}");
        }
        for cut in 1..bytes.len() {
            let cut = URL_SAFE_NO_PAD.encode(&bytes[..cut]);
            assert!(opened(&cut, &binding(&alice()), NOW).is_err());
        }
        for text in [
            "",
            "=",
            "AQ",
            &format!("{text}A"),
            &format!("{text}-TAMPERED"),
            "ä",
            &"A".repeat(MAX_SEALED + 1),
        ] {
            assert!(opened(text, &binding(&alice()), NOW).is_err(), "{text}");
        }
        assert!(opened(&text, &binding(&alice()), NOW).is_ok());
    }

    /// Base64 has several texts for the same bytes; only the one that was sent comes back.
    #[test]
    fn another_way_to_write_the_same_bytes_is_refused() {
        let text = sealed(&[("a", "1")]);
        assert!(text.contains(['-', '_']), "another nonce: this test needs one of them in {text}");
        let standard = text.replace('-', "+").replace('_', "/");
        for text in [standard, format!("{text}="), format!("{text}=="), format!(" {text}")] {
            let refused = opened(&text, &binding(&alice()), NOW).unwrap_err();
            assert_eq!(refused, BadState::Malformed, "{text}");
        }
        // The bits that the last letter has to spare.
        let (body, last) = text.split_at(text.len() - 1);
        for letter in ('A'..='Z').chain('a'..='z').chain('0'..='9') {
            if !last.starts_with(letter) {
                assert!(opened(&format!("{body}{letter}"), &binding(&alice()), NOW).is_err());
            }
        }
    }

    /// Server Requirements, 5: "the authenticated principal", "the method name and a digest of its
    /// salient parameters, rejecting state presented on a request that does not match".
    #[test]
    fn a_state_opens_for_its_principal_and_its_request_alone() {
        let text = sealed(&[]);
        let (alice, bob, nobody) = (alice(), Principal::named("bob"), Principal::anonymous());
        let empty = Principal::named("");
        let own = binding(&alice);
        for (what, foreign) in [
            ("server", Binding { server: "climate", ..own }),
            ("principal", Binding { principal: &bob, ..own }),
            ("anonymous", Binding { principal: &nobody, ..own }),
            ("nameless", Binding { principal: &empty, ..own }),
            ("method", Binding { method: "prompts/get", ..own }),
            ("name", Binding { subject: "Forecast", ..own }),
            ("arguments", Binding { arguments: Some(r#"{"city":"Basel","days":[1,2.5]}"#), ..own }),
            ("no arguments", Binding { arguments: None, ..own }),
            ("a shifted boundary", Binding { method: "tools/callf", subject: "orecast", ..own }),
        ] {
            assert_eq!(opened(&text, &foreign, NOW).unwrap_err(), BadState::Unsealed, "{what}");
        }
        let rewritten = Some(r#"{ "days": [1.0, 25e-1], "city": "B\u0065rn" }"#);
        assert!(opened(&text, &Binding { arguments: rewritten, ..own }, NOW).is_ok());
    }

    #[test]
    fn no_arguments_are_the_same_however_they_are_written() {
        let alice = alice();
        let without = Binding { arguments: None, ..binding(&alice) };
        let text = seal(&keys(), NONCE, &without, &state(&[])).unwrap();
        for arguments in [None, Some("{}"), Some(" { } "), Some("null")] {
            assert!(opened(&text, &Binding { arguments, ..without }, NOW).is_ok());
        }
        assert!(opened(&text, &Binding { arguments: Some("[]"), ..without }, NOW).is_err());
    }

    /// Server Requirements, 5: "a short expiry (TTL), rejecting state presented after it lapses".
    #[test]
    fn a_state_is_fresh_until_the_moment_that_it_names() {
        let text = sealed(&[]);
        let at = |now| opened(&text, &binding(&alice()), now).map(drop);
        assert_eq!(at(NOW + TTL - 1), Ok(()));
        assert_eq!(at(NOW + TTL), Err(BadState::Stale));
        assert_eq!(at(u64::MAX), Err(BadState::Stale));
        // An instance whose clock is behind may open it, but not by more than clocks differ.
        assert_eq!(at(NOW - MAX_SKEW), Ok(()));
        assert_eq!(at(NOW - MAX_SKEW - 1), Err(BadState::Stale));
    }

    #[test]
    fn a_key_opens_until_it_is_rotated_out() {
        let text = sealed(&[]);
        let open_with = |keys: &StateKeys| open(keys, &text, &binding(&alice()), NOW).map(drop);
        let next = StateKeys::new([9; 32]);
        assert_eq!(open_with(&next.clone().with_previous(KEY)), Ok(()));
        assert_eq!(open_with(&StateKeys::new(KEY).with_previous([9; 32])), Ok(()));
        assert_eq!(open_with(&next), Err(BadState::Unsealed));
        // What the ring seals, it seals with its first key.
        let ring = next.clone().with_previous(KEY);
        let text = seal(&ring, NONCE, &binding(&alice()), &state(&[])).unwrap();
        assert!(open(&next, &text, &binding(&alice()), NOW).is_ok());
        assert!(open(&keys(), &text, &binding(&alice()), NOW).is_err());
    }

    /// DESIGN, decision 8: everything has a limit and a test at the limit.
    #[test]
    fn a_state_is_no_longer_than_64_kib() {
        let fits = |bytes: usize| {
            let long = format!("\"{}\"", "x".repeat(bytes));
            seal(&keys(), NONCE, &binding(&alice()), &state(&[("k", &long)]))
        };
        // Base64 writes three bytes as four.
        let most = MAX_SEALED / 4 * 3;
        let longest = (80..120).map(|less| most - less).find(|&bytes| fits(bytes).is_ok()).unwrap();
        let text = fits(longest).unwrap();
        assert!(text.len() <= MAX_SEALED && text.len() > MAX_SEALED - 3, "{}", text.len());
        assert!(opened(&text, &binding(&alice()), NOW).is_ok());
        assert_eq!(fits(longest + 1), Err(TooLong));
    }
}
