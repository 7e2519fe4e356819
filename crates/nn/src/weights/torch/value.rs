//! What a pickle of tensors is made of.
//!
//! Values lie in one list and name each other by their place in it: a pickle may nest a million lists or make a list
//! hold itself, and neither costs more than its bytes, not even when it is dropped.

use std::collections::BTreeMap;

use super::globals::{Class, Global};
use crate::weights::{Problem, error::malformed, numbers::Number};

/// A value's place in [`Values`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Id(usize);

/// A value of a pickle.
#[derive(Clone, Debug)]
pub(super) enum Value {
    /// `None`, numbers with a point, and whatever else tensors do not need.
    Other,
    Bool(bool),
    /// Wide enough for the number that torch's old files begin with.
    Int(i128),
    Text(String),
    Tuple(Vec<Id>),
    List(Vec<Id>),
    Dict(Vec<(Id, Id)>),
    Global(Global),
    // Boxed, since most values are small, and a pickle can make one with every byte.
    Storage(Box<Storage>),
    Tensor(Box<Strided>),
}

/// Numbers in the file that tensors look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Storage {
    /// Where its numbers lie: the name of an entry in a zip, or a key in an old file.
    pub(super) key: String,
    pub(super) number: Number,
    /// How many numbers it has.
    pub(super) length: usize,
    /// Its first number within those of `key`: old files have storages within storages.
    pub(super) first: usize,
}

/// A tensor: a storage and how to walk through it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Strided {
    pub(super) storage: Storage,
    pub(super) offset: usize,
    pub(super) shape: Vec<usize>,
    pub(super) strides: Vec<usize>,
}

/// More than any weight has. Every tensor's description is a copy, which this keeps small.
const MOST_DIMENSIONS: usize = 8;
/// The longest key of a storage; torch's are numbers.
const LONGEST_KEY: usize = 64;
/// How many names may be copied from lists into dicts, in all: a list can be given again and again.
const MOST_PAIRS: usize = 1 << 20;

/// All values of a pickle.
#[derive(Debug, Default)]
pub(super) struct Values {
    all: Vec<Value>,
    /// Pairs that were copied from lists into dicts.
    copied: usize,
}

impl Values {
    pub(super) fn add(&mut self, value: Value) -> Id {
        self.all.push(value);
        Id(self.all.len() - 1)
    }

    pub(super) fn get(&self, id: Id) -> &Value {
        self.all.get(id.0).unwrap_or(&Value::Other)
    }

    pub(super) fn get_mut(&mut self, id: Id) -> Option<&mut Value> {
        self.all.get_mut(id.0)
    }

    pub(super) fn text(&self, id: Id) -> Option<&str> {
        match self.get(id) {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    fn items(&self, id: Id) -> Option<&[Id]> {
        match self.get(id) {
            Value::Tuple(items) | Value::List(items) => Some(items),
            _ => None,
        }
    }

    fn size(&self, id: Id) -> Option<usize> {
        match self.get(id) {
            Value::Int(number) => usize::try_from(*number).ok(),
            _ => None,
        }
    }

    fn sizes(&self, id: Id) -> Option<Vec<usize>> {
        let items = self.items(id)?;
        if items.len() > MOST_DIMENSIONS {
            return None;
        }
        items.iter().map(|id| self.size(*id)).collect()
    }

    /// A dict's values by name, the last of a name counting; keys that are no text are left aside.
    pub(super) fn by_name(&self, id: Id) -> Option<BTreeMap<&str, Id>> {
        let Value::Dict(pairs) = self.get(id) else {
            return None;
        };
        let named = pairs
            .iter()
            .filter_map(|(key, value)| Some((self.text(*key)?, *value)));
        Some(named.collect())
    }

    /// Bytes per number of every storage, by its key.
    pub(super) fn number_sizes(&self) -> BTreeMap<&str, usize> {
        self.all
            .iter()
            .filter_map(|value| match value {
                Value::Storage(storage) => Some((storage.key.as_str(), storage.number.size())),
                _ => None,
            })
            .collect()
    }

    /// What a persistent id stands for: `("storage", class, key, device, length[, view])`.
    pub(super) fn storage(&self, id: Id) -> Result<Storage, Problem> {
        let bad = || malformed("a storage is described in a way that torch does not use");
        let (fields, view) = match self.items(id).ok_or_else(bad)? {
            [a, b, c, d, e] => ([*a, *b, *c, *d, *e], None),
            [a, b, c, d, e, view] => ([*a, *b, *c, *d, *e], self.items(*view)),
            _ => return Err(bad()),
        };
        let [word, class, key, _device, length] = fields;
        let (Some("storage"), Value::Global(Global::Storage(number))) =
            (self.text(word), self.get(class))
        else {
            return Err(bad());
        };
        let mut storage = Storage {
            key: self
                .text(key)
                .filter(|key| key.len() <= LONGEST_KEY)
                .ok_or_else(bad)?
                .to_owned(),
            number: *number,
            length: self.size(length).ok_or_else(bad)?,
            first: 0,
        };
        if let Some([_key, first, length]) = view {
            let first = self.size(*first).ok_or_else(bad)?;
            let length = self.size(*length).ok_or_else(bad)?;
            if first
                .checked_add(length)
                .is_none_or(|end| end > storage.length)
            {
                return Err(malformed("a part of a storage lies outside of it"));
            }
            (storage.first, storage.length) = (first, length);
        }
        Ok(storage)
    }

    /// Calls one of the few functions that a state dict needs; none of them does more than put values together.
    pub(super) fn call(&mut self, function: Id, arguments: Id) -> Result<Id, Problem> {
        let Value::Global(Global::Class(class)) = self.get(function) else {
            return Err(malformed("something is called that is no function"));
        };
        let class = *class;
        let bad = || malformed(format!("{} has other arguments than torch's", class.name()));
        let value = match (class, self.items(arguments).ok_or_else(bad)?) {
            (Class::OrderedDict, []) => Value::Dict(Vec::new()),
            (Class::OrderedDict, [pairs]) => Value::Dict(self.pairs(*pairs).ok_or_else(bad)?),
            // What is only passed on stays where it is: a copy each time could be made to fill all memory.
            (Class::Size, [sizes]) => return Ok(*sizes),
            (Class::Parameter, [tensor, ..]) => return Ok(*tensor),
            (Class::Tensor, [storage, offset, shape, strides, ..]) => {
                let Value::Storage(storage) = self.get(*storage) else {
                    return Err(bad());
                };
                let tensor = Strided {
                    storage: Storage::clone(storage),
                    offset: self.size(*offset).ok_or_else(bad)?,
                    shape: self.sizes(*shape).ok_or_else(bad)?,
                    strides: self.sizes(*strides).ok_or_else(bad)?,
                };
                if tensor.shape.len() != tensor.strides.len() {
                    return Err(bad());
                }
                Value::Tensor(Box::new(tensor))
            }
            _ => return Err(bad()),
        };
        if let Value::Dict(pairs) = &value {
            self.copied = self.copied.saturating_add(pairs.len());
            if self.copied > MOST_PAIRS {
                return Err(malformed("it has more names than a network can have"));
            }
        }
        Ok(self.add(value))
    }

    /// The items of a dict, given as pairs.
    fn pairs(&self, id: Id) -> Option<Vec<(Id, Id)>> {
        let pairs = self.items(id)?;
        if pairs.len() > MOST_PAIRS {
            return None;
        }
        let pairs = pairs.iter().map(|pair| match self.items(*pair) {
            Some([key, value]) => Some((*key, *value)),
            _ => None,
        });
        pairs.collect()
    }
}
