//! What an event carries.

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::packet::Payload;
use crate::json;

/// Arguments that are looked at. Chosen: no event of ours has more than one;
/// of an array of millions no list is made.
const ARGS_KEPT: usize = 4;

/// An argument.
#[derive(Debug, Clone)]
pub enum Arg<'a> {
    /// A JSON value, byte for byte as it came.
    Json(&'a RawValue),
    /// An attachment.
    Binary(&'a Bytes),
}

/// An event's name and arguments.
#[derive(Debug, Clone)]
pub struct Args<'a> {
    /// The name.
    pub name: Cow<'a, str>,
    /// How many arguments there are.
    pub count: usize,
    /// The first few of them.
    pub first: Vec<Arg<'a>>,
}

/// How a client's library refers to an attachment.
#[derive(Deserialize)]
struct Placeholder {
    _placeholder: bool,
    num: usize,
}

impl<'a> Args<'a> {
    /// Reads an event's payload; `None` when it refers to an attachment that
    /// it does not have, or has one that no argument is.
    #[must_use]
    pub fn of(payload: &'a Payload) -> Option<Self> {
        let mut values = Vec::new();
        let total = for_each(payload.json.as_str(), |_, value| values.push(value));
        let mut values = values.into_iter();
        let name = values.next()?;
        let name = json::as_string(name).unwrap_or(Cow::Borrowed(name.get()));
        let mut used = 0;
        let first: Option<Vec<_>> = values
            .map(|value| {
                let Some(num) = placeholder(value).filter(|_| !payload.attachments.is_empty()) else {
                    return Some(Arg::Json(value));
                };
                used += 1;
                payload.attachments.get(num).map(Arg::Binary)
            })
            .collect();
        let first = first.filter(|_| used == payload.attachments.len())?;
        Some(Self { name, count: total - 1, first })
    }

    /// The argument of an event that has one.
    #[must_use]
    pub fn only(&self) -> Option<&Arg<'a>> {
        self.first.first().filter(|_| self.count == 1)
    }
}

fn placeholder(value: &RawValue) -> Option<usize> {
    if !json::begins_object(value.get()) {
        return None;
    }
    let placeholder: Placeholder = serde_json::from_str(value.get()).ok()?;
    placeholder._placeholder.then_some(placeholder.num)
}

/// Shows the first values of an array, and returns how many it has; 0 where
/// the text is no array.
pub(super) fn for_each<'a>(array: &'a str, see: impl FnMut(usize, &'a RawValue)) -> usize {
    struct Values<F>(F);

    impl<'de, F: FnMut(usize, &'de RawValue)> Visitor<'de> for Values<F> {
        type Value = usize;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an array")
        }

        fn visit_seq<A: SeqAccess<'de>>(mut self, mut seq: A) -> Result<usize, A::Error> {
            let mut count = 0;
            while count <= ARGS_KEPT {
                let Some(value) = seq.next_element()? else { return Ok(count) };
                (self.0)(count, value);
                count += 1;
            }
            while seq.next_element::<IgnoredAny>()?.is_some() {
                count += 1;
            }
            Ok(count)
        }
    }

    serde_json::Deserializer::from_str(array).deserialize_seq(Values(see)).unwrap_or(0)
}
