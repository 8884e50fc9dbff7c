//! What a template is taken to match: RFC 6570, section 3.2, read backwards.

use std::borrow::Cow;
use std::sync::Arc;

use super::Variable;
use super::pattern::{Class, Mark, Node};
use super::syntax::{Arity, Operator, Piece, VarSpec};

/// RFC 3986, section 2.3.
const UNRESERVED: Class = Class::ALPHA.or(Class::DIGIT).or(Class::of("-._~"));
/// RFC 3986, section 2.2, without `gen-delims`.
const SUB_DELIMS: Class = Class::of("!$&'()*+,;=");
/// RFC 3986, section 3.3: `pchar`, but for percent-encodings.
const SEGMENT: Class = UNRESERVED.or(SUB_DELIMS).or(Class::of(":@"));
/// RFC 3986, section 2.2: all that may stand in a URI, but for percent-encodings.
const ANY: Class = SEGMENT.or(Class::of("/?#[]"));

/// What the pieces of a template have in common.
struct Meaning<'a, 't> {
    pieces: &'a [Piece<'t>],
    variables: Vec<Variable>,
    /// What `{var}` takes: what a path segment may have, but for the reserved characters that the
    /// template writes itself.
    simple: Class,
}

/// The variables of a template, and the URIs that it matches.
pub(super) fn of(pieces: &[Piece<'_>]) -> Result<(Vec<Variable>, Node), Cow<'static, str>> {
    let simple = SEGMENT.without(delimiters(pieces));
    let mut meaning = Meaning { pieces, variables: Vec::new(), simple };
    let nodes = pieces.iter().enumerate().map(|(index, piece)| match piece {
        Piece::Literal(text) => Ok(literal(text)),
        Piece::Expression(operator, specs) => meaning.expression(index, *operator, specs),
    });
    let nodes = nodes.collect::<Result<_, _>>()?;
    Ok((meaning.variables, Node::Sequence(nodes)))
}

/// The reserved characters that the template writes after the scheme.
fn delimiters(pieces: &[Piece<'_>]) -> Class {
    let of_piece = |(index, piece): (usize, &Piece<'_>)| match piece {
        Piece::Literal(text) if index == 0 => {
            Class::of(text.split_once(':').map_or(text, |(_, behind)| behind))
        }
        Piece::Literal(text) => Class::of(text),
        Piece::Expression(Operator::Parameter, _) => Class::of(";="),
        Piece::Expression(Operator::Continuation, _) => Class::of("&="),
        Piece::Expression(..) => Class::NONE,
    };
    let written = pieces.iter().enumerate().map(of_piece).fold(Class::NONE, Class::or);
    written.without(UNRESERVED)
}

impl Meaning<'_, '_> {
    fn expression(
        &mut self,
        index: usize,
        operator: Operator,
        specs: &[VarSpec<'_>],
    ) -> Result<Node, Cow<'static, str>> {
        let mut variables = Vec::with_capacity(specs.len());
        for spec in specs {
            if self.variables.iter().any(|known| *known.name == *spec.name) {
                return Err(format!("`{}`: named twice", spec.name).into());
            }
            variables.push((self.variables.len(), spec));
            self.variables.push(Variable { name: Arc::from(spec.name), arity: spec.arity });
        }
        Ok(match operator {
            Operator::Simple => list(&variables, ",", self.simple.without(comma(specs))),
            Operator::Reserved => list(&variables, ",", self.reserved(index)),
            Operator::Fragment => {
                let class = ANY.without(Class::of("#"));
                Node::sequence([literal("#"), list(&variables, ",", class)]).optional()
            }
            Operator::Label => behind(&variables, ".", self.simple.without(Class::of("."))),
            Operator::Path => behind(&variables, "/", self.simple),
            Operator::Parameter => Node::Sequence(variables.iter().map(parameter).collect()),
            Operator::Query => {
                let more = Node::sequence([literal("&"), any_field(&variables)]);
                Node::sequence([literal("?"), any_field(&variables), more.any_number()]).optional()
            }
            Operator::Continuation => {
                Node::sequence([literal("&"), any_field(&variables)]).any_number()
            }
        })
    }

    /// What `{+var}` takes: anything, but what begins a query or a fragment of the template's.
    fn reserved(&self, index: usize) -> Class {
        let begins = |delimiter: char, operator: Operator| {
            self.pieces[index + 1..].iter().any(|piece| match piece {
                Piece::Literal(text) => text.contains(delimiter),
                Piece::Expression(known, _) => *known == operator,
            })
        };
        let query = if begins('?', Operator::Query) { Class::of("?") } else { Class::NONE };
        let fragment = if begins('#', Operator::Fragment) { Class::of("#") } else { Class::NONE };
        ANY.without(query.or(fragment))
    }
}

/// What is between several values.
fn comma(specs: &[VarSpec<'_>]) -> Class {
    match specs {
        [VarSpec { arity: Arity::One, .. }] => Class::NONE,
        _ => Class::of(","),
    }
}

type Numbered<'a, 't> = (usize, &'a VarSpec<'t>);

/// Values with separators between them. Those that are missing are the last.
fn list(variables: &[Numbered<'_, '_>], separator: &str, class: Class) -> Node {
    let [first, rest @ ..] = variables else { return Node::Sequence(Vec::new()) };
    let rest = (!rest.is_empty())
        .then(|| Node::sequence([literal(separator), list(rest, separator, class)]).optional());
    Node::Sequence([values(first, separator, class)].into_iter().chain(rest).collect())
}

/// Values with a separator before each, or nothing.
fn behind(variables: &[Numbered<'_, '_>], separator: &str, class: Class) -> Node {
    Node::sequence([literal(separator), list(variables, separator, class)]).optional()
}

/// The value of one variable, or its values.
fn values((index, spec): &Numbered<'_, '_>, separator: &str, class: Class) -> Node {
    let value = || value(*index, class).repeated();
    match spec.arity {
        Arity::One => value(),
        Arity::Many => {
            let more = Node::sequence([literal(separator), value()]);
            Node::sequence([value(), more.any_number()])
        }
    }
}

/// `;name=value`.
fn parameter(variable: &Numbered<'_, '_>) -> Node {
    let class = SEGMENT.without(Class::of(";"));
    let parameter = Node::sequence([literal(";"), named(variable, class)]);
    match variable.1.arity {
        Arity::One => parameter.optional(),
        Arity::Many => parameter.any_number(),
    }
}

/// `name=value` of any variable. What may stand in a query without its delimiters is taken as it
/// is (RFC 3986, section 3.4).
fn any_field(variables: &[Numbered<'_, '_>]) -> Node {
    let class = SEGMENT.or(Class::of("/?")).without(Class::of("&"));
    Node::OneOf(variables.iter().map(|variable| named(variable, class)).collect())
}

/// `name=value`, or `name` for an empty value.
fn named((index, spec): &Numbered<'_, '_>, class: Class) -> Node {
    let (last, name) = spec.name.as_bytes().split_last().expect("a name is not empty");
    let opens = |byte| Node::Character(Class::byte(byte), Mark::Opens(*index));
    let name = name.iter().map(|&byte| Node::Character(Class::byte(byte), Mark::Text));
    let value = Node::sequence([opens(b'='), value(*index, class).any_number()]).optional();
    Node::Sequence(name.chain([opens(*last), value]).collect())
}

/// One character of a value, or one percent-encoded byte.
fn value(index: usize, class: Class) -> Node {
    let part = |class| Node::Character(class, Mark::Value(index));
    let encoded = [part(Class::of("%")), part(Class::HEX), part(Class::HEX)];
    Node::OneOf(vec![part(class), Node::sequence(encoded)])
}

/// Text as it is. The digits of what it has percent-encoded may be of either case (RFC 3986,
/// section 2.1).
fn literal(text: &str) -> Node {
    let bytes = text.as_bytes();
    let is_encoded = |at: usize| bytes[at.saturating_sub(2)..at].contains(&b'%');
    let character = |(at, &byte): (usize, &u8)| {
        let class = Class::byte(byte);
        let class = if is_encoded(at) { class.any_case() } else { class };
        Node::Character(class, Mark::Text)
    };
    Node::Sequence(bytes.iter().enumerate().map(character).collect())
}
