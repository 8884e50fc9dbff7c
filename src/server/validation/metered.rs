//! A JSON value whose reading costs: what bounds the work of one validation.
//!
//! A schema can make a validator visit the same value again and again: branches of `anyOf` that
//! lead to the same definition double with each level. So each look at a value is paid from an
//! allowance, and once that is spent every value seems to be empty, whereupon the validator soon
//! comes to an end. What it says then means nothing; [`Meter::is_spent`] tells.

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::HashSet;

use jsonschema::JsonType;
use jsonschema::json::{Array, Json, Node, NodeIdentity, Object};
use serde_json::{Map, Number, Value, map};

/// What an error costs besides: it keeps where it was found.
const ERROR_COST: u64 = 256;
/// So many bytes are looked through for one step where nothing is matched with them.
pub(super) const PLAIN_BYTES: u64 = 8;

/// What is left of an allowance.
pub(super) struct Meter {
    left: Cell<u64>,
    prices: Prices,
}

/// What the looks at values cost, in steps.
#[derive(Debug, Clone, Copy)]
pub(super) struct Prices {
    /// An element or a member: by how many parts of the schema apply to it, which may look no
    /// further.
    pub(super) child: u64,
    /// Eight bytes of a text, which a pattern may be matched with.
    pub(super) text: u64,
    /// Eight bytes of a name.
    pub(super) name: u64,
    /// Parts so deep in the value are beyond any price: the validator's stack would not hold them.
    pub(super) depth: u32,
}

/// Values that are paid for, as a representation of JSON.
pub(super) struct Metered;

/// A value, and the meter that counts the looks at it.
#[derive(Clone, Copy)]
pub(super) struct MeteredNode<'a> {
    value: &'a Value,
    below: Below<'a>,
}

/// The meter, and how deep in the value that is counted which is below.
#[derive(Clone, Copy)]
struct Below<'a> {
    meter: &'a Meter,
    depth: u32,
}

#[derive(Clone, Copy)]
pub(super) struct MeteredObject<'a> {
    members: &'a Map<String, Value>,
    below: Below<'a>,
}

#[derive(Clone, Copy)]
pub(super) struct MeteredArray<'a> {
    elements: &'a [Value],
    below: Below<'a>,
}

pub(super) struct Members<'a> {
    members: map::Iter<'a>,
    below: Below<'a>,
}

pub(super) struct Elements<'a> {
    elements: std::slice::Iter<'a, Value>,
    below: Below<'a>,
}

/// A name of a member as a value, for `propertyNames`.
#[derive(Default)]
pub(super) struct Name {
    value: Value,
    meter: Meter,
}

impl Meter {
    /// An allowance of so many steps.
    pub(super) fn new(steps: u64, prices: Prices) -> Self {
        Self { left: Cell::new(steps), prices }
    }

    /// Whether more was asked for than there was.
    pub(super) fn is_spent(&self) -> bool {
        self.left.get() == 0
    }

    /// Pays; `None` if it cannot be paid.
    fn pay(&self, steps: u64) -> Option<()> {
        let left = self.left.get().saturating_sub(steps);
        self.left.set(left);
        (left > 0).then_some(())
    }

    fn pay_for_bytes(&self, text: &str, price: u64) -> Option<()> {
        self.pay((text.len() as u64).saturating_mul(price) / PLAIN_BYTES)
    }
}

/// The allowance of a name: reading the name has been paid for where it was found, and a name
/// leads nowhere.
impl Default for Meter {
    fn default() -> Self {
        Self::new(u64::MAX, Prices { child: 1, text: 1, name: 1, depth: 128 })
    }
}

impl<'a> MeteredNode<'a> {
    pub(super) fn new(value: &'a Value, meter: &'a Meter) -> Self {
        Self { value, below: Below { meter, depth: 1 } }
    }

    fn paid(&self) -> Option<&'a Value> {
        self.below.meter.pay(1).map(|()| self.value)
    }
}

impl<'a> Below<'a> {
    /// Pays for a part of the value.
    fn child(&self, value: &'a Value) -> Option<MeteredNode<'a>> {
        let Self { meter, depth } = *self;
        let price = if depth < meter.prices.depth { meter.prices.child } else { u64::MAX };
        meter.pay(price)?;
        Some(MeteredNode { value, below: Self { meter, depth: depth + 1 } })
    }
}

impl Json for Metered {
    type Node<'a> = MeteredNode<'a>;
    type PreparedKey = String;
    type StringBuffer = Name;

    fn prepare_key(key: &str) -> String {
        key.to_owned()
    }

    fn with_string_node<T>(
        buffer: &mut Name,
        string: &str,
        f: impl FnOnce(MeteredNode<'_>) -> T,
    ) -> T {
        buffer.value = Value::String(string.to_owned());
        f(MeteredNode::new(&buffer.value, &buffer.meter))
    }
}

impl<'a> Node<'a, Metered> for MeteredNode<'a> {
    type Object = MeteredObject<'a>;
    type Array = MeteredArray<'a>;
    type Number = &'a Number;

    fn as_object(&self) -> Option<MeteredObject<'a>> {
        let members = self.paid()?.as_object()?;
        Some(MeteredObject { members, below: self.below })
    }

    fn as_array(&self) -> Option<MeteredArray<'a>> {
        let elements = self.paid()?.as_array()?;
        Some(MeteredArray { elements, below: self.below })
    }

    fn as_string(&self) -> Option<Cow<'a, str>> {
        let text = self.paid()?.as_str()?;
        let meter = self.below.meter;
        meter.pay_for_bytes(text, meter.prices.text)?;
        Some(Cow::Borrowed(text))
    }

    fn as_number(&self) -> Option<&'a Number> {
        self.paid()?.as_number()
    }

    fn as_boolean(&self) -> Option<bool> {
        self.paid()?.as_bool()
    }

    fn is_null(&self) -> bool {
        self.paid().is_none_or(Value::is_null)
    }

    fn json_type(&self) -> JsonType {
        self.paid().map_or(JsonType::Null, JsonType::from)
    }

    /// Values are compared up to the first difference, so the schema's part bounds it, and the
    /// size of a schema has a limit of its own.
    fn equals_value(&self, expected: &Value) -> bool {
        self.paid().is_some_and(|value| jsonschema::json::cmp::equal(value, expected))
    }

    /// For errors alone, whose texts do not repeat the value: there is nothing to copy.
    fn to_value(&self) -> Cow<'a, Value> {
        let _ = self.below.meter.pay(ERROR_COST);
        Cow::Owned(Value::Null)
    }

    fn identity(&self) -> Option<NodeIdentity> {
        Some(NodeIdentity::new(std::ptr::from_ref(self.value).addr()))
    }
}

impl<'a> Object<'a, Metered> for MeteredObject<'a> {
    type Node = MeteredNode<'a>;
    type MemberName = &'a str;
    type MembersIter = Members<'a>;

    fn len(&self) -> usize {
        self.members.len()
    }

    fn get(&self, key: &String) -> Option<MeteredNode<'a>> {
        self.below.meter.pay(1)?;
        self.below.child(self.members.get(key)?)
    }

    fn members(&self) -> Members<'a> {
        Members { members: self.members.iter(), below: self.below }
    }
}

impl<'a> Array<'a, Metered> for MeteredArray<'a> {
    type Node = MeteredNode<'a>;
    type ElementsIter = Elements<'a>;

    fn len(&self) -> usize {
        self.elements.len()
    }

    fn elements(&self) -> Elements<'a> {
        Elements { elements: self.elements.iter(), below: self.below }
    }

    /// The validator's own way compares values whose hashes are the same, and a client can send
    /// thousands that are: `[[1],[2]]` and `[[1,[2]]]` hash alike. Texts in a set whose hashes
    /// nobody can foresee do not have that fault.
    fn is_unique(&self) -> bool {
        let mut seen = HashSet::with_capacity(self.elements.len());
        self.elements.iter().all(|element| {
            let mut text = String::new();
            write_canonical(element, &mut text);
            self.below.meter.pay_for_bytes(&text, PLAIN_BYTES).is_none() || seen.insert(text)
        })
    }
}

impl<'a> Iterator for Members<'a> {
    type Item = (&'a str, MeteredNode<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let (name, value) = self.members.next()?;
        let meter = self.below.meter;
        meter.pay_for_bytes(name, meter.prices.name)?;
        Some((name, self.below.child(value)?))
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = MeteredNode<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        self.below.child(self.elements.next()?)
    }
}

/// Writes a value so that equal values have the same text: members in the order of their names,
/// and numbers by their values (2020-12, Core, 4.2.2: 1.0 is 1).
fn write_canonical(value: &Value, text: &mut String) {
    match value {
        Value::Array(elements) => {
            text.push('[');
            for element in elements {
                write_canonical(element, text);
                text.push(',');
            }
            text.push(']');
        }
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_unstable_by_key(|&(name, _)| name);
            text.push('{');
            for (name, value) in members {
                text.push_str(&Value::from(name.as_str()).to_string());
                write_canonical(value, text);
            }
            text.push('}');
        }
        Value::Number(number) => match whole(number) {
            Some(whole) => text.push_str(&whole.to_string()),
            None => text.push_str(&number.to_string()),
        },
        Value::Null | Value::Bool(_) | Value::String(_) => text.push_str(&value.to_string()),
    }
}

/// The number if it is whole and one that integers of 128 bits hold exactly.
fn whole(number: &Number) -> Option<i128> {
    if let Some(whole) = number.as_i128() {
        return Some(whole);
    }
    let float = number.as_f64()?;
    #[expect(clippy::cast_possible_truncation, reason = "below 2^127 and whole")]
    (float.fract() == 0.0 && float.abs() < 2_f64.powi(127)).then_some(float as i128)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn is_unique(value: &Value) -> bool {
        let meter = Meter::default();
        MeteredNode::new(value, &meter).as_array().unwrap().is_unique()
    }

    /// 2020-12, Validation, 6.4.3 `uniqueItems`; Core, 4.2.2 Instance Equality.
    #[test]
    fn items_are_unique_unless_two_are_equal_as_json() {
        for unique in [
            json!([]),
            json!([1, 2, "1", true, null, [1], {"1": 1}]),
            json!([[[1], 2], [[1, 2]], [1, [2]], [1, 2]]),
            json!([{"a": 1, "b": 2}, {"a": 2, "b": 1}, {"ab": 12}]),
            json!([0, false, "", [], {}]),
            json!([1e300, 1e301, 0.1, 0.2, u64::MAX, i64::MIN]),
            json!(["a\",\"b", ["a", "b"]]),
        ] {
            assert!(is_unique(&unique), "{unique}");
        }
        for twice in [
            json!([1, 1.0]),
            json!([0, -0.0]),
            json!([1e300, 1e300]),
            json!([18_446_744_073_709_551_615_u64, 18_446_744_073_709_551_615_u64]),
            json!([{"a": 1, "b": [2]}, 3, {"b": [2.0], "a": 1.0}]),
        ] {
            assert!(!is_unique(&twice), "{twice}");
        }
    }

    #[test]
    fn a_value_that_is_not_paid_for_seems_to_be_empty() {
        let value = json!({"a": [1, 2]});
        let meter = Meter::new(4, Prices { child: 1, text: 1, name: 1, depth: 128 });
        let object = MeteredNode::new(&value, &meter).as_object().unwrap();
        assert!(object.get(&"a".to_owned()).is_some());
        assert!(!meter.is_spent());
        assert!(object.get(&"a".to_owned()).is_none());
        assert!(meter.is_spent());
        assert!(object.members().next().is_none());
        let node = MeteredNode::new(&value, &meter);
        assert!(node.as_object().is_none());
        assert_eq!(node.json_type(), JsonType::Null);
        assert!(node.is_null());
    }

    #[test]
    fn a_text_costs_by_its_length() {
        let value = json!("x".repeat(8_000));
        let meter = Meter::new(3_000, Prices { child: 1, text: 2, name: 1, depth: 128 });
        let node = MeteredNode::new(&value, &meter);
        assert!(node.as_string().is_some());
        assert!(node.as_string().is_none());
        assert!(meter.is_spent());
    }
}
