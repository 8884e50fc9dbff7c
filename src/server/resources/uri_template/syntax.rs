//! The syntax of URI templates: RFC 6570, section 2.
//!
//! `iri-string` decides what is a template; here a valid one is taken apart, which it does not offer.

use std::borrow::Cow;

use iri_string::template::UriTemplateStr;

/// A piece of a template.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece<'t> {
    Literal(&'t str),
    Expression(Operator, Vec<VarSpec<'t>>),
}

/// How an expression is expanded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    /// `{var}`
    Simple,
    /// `{+var}`
    Reserved,
    /// `{#var}`
    Fragment,
    /// `{.var}`
    Label,
    /// `{/var}`
    Path,
    /// `{;var}`
    Parameter,
    /// `{?var}`
    Query,
    /// `{&var}`
    Continuation,
}

/// A variable in an expression.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct VarSpec<'t> {
    pub(super) name: &'t str,
    pub(super) arity: Arity,
}

/// How many values a variable has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arity {
    One,
    /// `{var*}`
    Many,
}

/// Takes a template apart.
pub(super) fn parse(text: &str) -> Result<Vec<Piece<'_>>, Cow<'static, str>> {
    if !text.is_ascii() {
        return Err("not ASCII: write other characters percent-encoded".into());
    }
    UriTemplateStr::new(text).map_err(|error| Cow::from(error.to_string()))?;
    let (mut pieces, mut rest) = (Vec::new(), text);
    while let Some((literal, behind)) = rest.split_once('{') {
        if !literal.is_empty() {
            pieces.push(Piece::Literal(literal));
        }
        let (expression, behind) = behind.split_once('}').expect("a valid template closes it");
        pieces.push(parse_expression(expression)?);
        rest = behind;
    }
    if !rest.is_empty() {
        pieces.push(Piece::Literal(rest));
    }
    Ok(pieces)
}

fn parse_expression(text: &str) -> Result<Piece<'_>, Cow<'static, str>> {
    let (operator, variables) = match text.as_bytes() {
        [b'+', ..] => (Operator::Reserved, &text[1..]),
        [b'#', ..] => (Operator::Fragment, &text[1..]),
        [b'.', ..] => (Operator::Label, &text[1..]),
        [b'/', ..] => (Operator::Path, &text[1..]),
        [b';', ..] => (Operator::Parameter, &text[1..]),
        [b'?', ..] => (Operator::Query, &text[1..]),
        [b'&', ..] => (Operator::Continuation, &text[1..]),
        _ => (Operator::Simple, text),
    };
    let specs = variables.split(',').map(parse_variable).collect::<Result<_, _>>()?;
    Ok(Piece::Expression(operator, specs))
}

fn parse_variable(spec: &str) -> Result<VarSpec<'_>, Cow<'static, str>> {
    match spec.strip_suffix('*') {
        Some(name) => Ok(VarSpec { name, arity: Arity::Many }),
        None if spec.contains(':') => {
            Err(format!("`{spec}`: a prefix does not tell the variable").into())
        }
        None => Ok(VarSpec { name: spec, arity: Arity::One }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_is_taken_apart() {
        let one = |name| VarSpec { name, arity: Arity::One };
        let many = |name| VarSpec { name, arity: Arity::Many };
        assert_eq!(
            parse("a:{x}/b{+y}{/z*}{?p,q*}{&r}{#f}c"),
            Ok(vec![
                Piece::Literal("a:"),
                Piece::Expression(Operator::Simple, vec![one("x")]),
                Piece::Literal("/b"),
                Piece::Expression(Operator::Reserved, vec![one("y")]),
                Piece::Expression(Operator::Path, vec![many("z")]),
                Piece::Expression(Operator::Query, vec![one("p"), many("q")]),
                Piece::Expression(Operator::Continuation, vec![one("r")]),
                Piece::Expression(Operator::Fragment, vec![one("f")]),
                Piece::Literal("c"),
            ])
        );
        assert_eq!(
            parse("{.a,b}{;c}"),
            Ok(vec![
                Piece::Expression(Operator::Label, vec![one("a"), one("b")]),
                Piece::Expression(Operator::Parameter, vec![one("c")]),
            ])
        );
    }

    #[test]
    fn what_is_no_template_is_refused() {
        for text in ["a{", "a}b", "{}", "{a b}", "{=a}", "{|a}", "a b", "<a>", "%zz", "{a,}", "ü"]
        {
            assert!(parse(text).is_err(), "{text}");
        }
        assert!(parse("{a:3}").unwrap_err().contains("`a:3`"));
    }
}
