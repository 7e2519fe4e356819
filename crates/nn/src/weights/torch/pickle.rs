//! Python's pickles, as far as tensors need them, by a stack machine that runs no code.
//!
//! A pickle is a program that builds a value. Its commands that import and call things are what makes pickles dangerous;
//! here they reach only the names in [`super::globals`]. Source: CPython's `Lib/pickletools.py`.

use std::collections::HashMap;

use super::{
    globals,
    reader::Reader,
    value::{Id, Value, Values},
};
use crate::weights::{Problem, error::malformed};

/// The command that every pickle of protocol 2 or later begins with.
pub(super) const PROTO: u8 = 0x80;
/// The newest protocol there is.
pub(super) const NEWEST: u8 = 5;

/// How many bytes a pickle may have: a hundred times those of a large network, while what is built from them, some 60
/// times as much, still fits in memory.
const LONGEST: usize = 8 << 20;

/// Runs one pickle; what it builds lies in `values`.
pub(super) fn run(reader: &mut Reader<'_>, values: &mut Values) -> Result<Id, Problem> {
    let mut machine = Machine {
        values,
        stack: Vec::new(),
        marks: Vec::new(),
        memo: HashMap::new(),
    };
    let begin = reader.left();
    loop {
        if begin - reader.left() > LONGEST {
            return Err(malformed(
                "its list of tensors is longer than any network's",
            ));
        }
        let command = reader.u8()?;
        if command == b'.' {
            return machine.pop();
        }
        if !(machine.structure(command)? || machine.literal(command, reader)?) {
            machine.reference(command, reader)?;
        }
    }
}

struct Machine<'a> {
    values: &'a mut Values,
    stack: Vec<Id>,
    /// Heights of the stack where a tuple, list or dict begins.
    marks: Vec<usize>,
    memo: HashMap<usize, Id>,
}

impl Machine<'_> {
    fn push(&mut self, value: Value) {
        let id = self.values.add(value);
        self.stack.push(id);
    }

    /// The top of the stack, which a mark protects: nothing below it is taken before the mark is.
    fn pop(&mut self) -> Result<Id, Problem> {
        let floor = self.marks.last().copied().unwrap_or(0);
        if self.stack.len() <= floor {
            return Err(malformed("a value is used that is not there"));
        }
        self.stack
            .pop()
            .ok_or_else(|| malformed("a value is used that is not there"))
    }

    fn top(&self) -> Result<Id, Problem> {
        self.stack
            .last()
            .copied()
            .ok_or_else(|| malformed("a value is used that is not there"))
    }

    /// Everything above the last mark.
    fn pop_marked(&mut self) -> Result<Vec<Id>, Problem> {
        let mark = self.marks.pop();
        let mark = mark.ok_or_else(|| malformed("a list ends that did not begin"))?;
        Ok(self.stack.split_off(mark.min(self.stack.len())))
    }

    fn pop_some(&mut self, count: usize) -> Result<Vec<Id>, Problem> {
        let mut some = Vec::with_capacity(count);
        for _ in 0..count {
            some.push(self.pop()?);
        }
        some.reverse();
        Ok(some)
    }

    fn append(&mut self, items: Vec<Id>) -> Result<(), Problem> {
        let top = self.top()?;
        match self.values.get_mut(top) {
            Some(Value::List(list)) => {
                list.extend(items);
                Ok(())
            }
            _ => Err(malformed("an item is added to what is no list")),
        }
    }

    fn insert(&mut self, items: &[Id]) -> Result<(), Problem> {
        let top = self.top()?;
        match self.values.get_mut(top) {
            Some(Value::Dict(pairs)) => {
                let (new, rest) = items.as_chunks::<2>();
                pairs.extend(new.iter().map(|[key, value]| (*key, *value)));
                if rest.is_empty() {
                    return Ok(());
                }
                Err(malformed("a key has no value"))
            }
            _ => Err(malformed("a key is set in what is no dict")),
        }
    }

    /// Commands that put values together; whether `command` is one.
    fn structure(&mut self, command: u8) -> Result<bool, Problem> {
        match command {
            b'(' => self.marks.push(self.stack.len()),
            b'0' => drop(self.pop()?),
            b'1' => drop(self.pop_marked()?),
            b'2' => self.stack.push(self.top()?),
            b')' => self.push(Value::Tuple(Vec::new())),
            b']' => self.push(Value::List(Vec::new())),
            b'}' => self.push(Value::Dict(Vec::new())),
            b't' => {
                let items = self.pop_marked()?;
                self.push(Value::Tuple(items));
            }
            b'l' => {
                let items = self.pop_marked()?;
                self.push(Value::List(items));
            }
            b'd' => {
                let items = self.pop_marked()?;
                self.push(Value::Dict(Vec::new()));
                self.insert(&items)?;
            }
            0x85..=0x87 => {
                let items = self.pop_some(usize::from(command - 0x84))?;
                self.push(Value::Tuple(items));
            }
            b'a' => {
                let items = self.pop_some(1)?;
                self.append(items)?;
            }
            b'e' => {
                let items = self.pop_marked()?;
                self.append(items)?;
            }
            b's' => {
                let items = self.pop_some(2)?;
                self.insert(&items)?;
            }
            b'u' => {
                let items = self.pop_marked()?;
                self.insert(&items)?;
            }
            b'R' => {
                let arguments = self.pop()?;
                let function = self.pop()?;
                let value = self.values.call(function, arguments)?;
                self.stack.push(value);
            }
            // Attributes of a value, as the _metadata of a state dict: nothing that weights need.
            b'b' => drop(self.pop()?),
            b'Q' => {
                let id = self.pop()?;
                let storage = self.values.storage(id)?;
                self.push(Value::Storage(Box::new(storage)));
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Commands that are a value; whether `command` is one.
    fn literal(&mut self, command: u8, reader: &mut Reader<'_>) -> Result<bool, Problem> {
        let value = match command {
            b'N' => Value::Other,
            b'G' => {
                reader.skip(8)?;
                Value::Other
            }
            0x88 => Value::Bool(true),
            0x89 => Value::Bool(false),
            b'J' => Value::Int(reader.array().map(i32::from_le_bytes)?.into()),
            b'K' => Value::Int(reader.u8()?.into()),
            b'M' => Value::Int(reader.u16()?.into()),
            0x8a => {
                let length = reader.length(1)?;
                Value::Int(long(reader.take(length)?)?)
            }
            // Bytes and the texts of Python 2 (`T`, `U`, `B`, `C`) serve as names, as the texts of Python 3 do.
            b'X' | b'T' | b'B' => text(reader, 4)?,
            b'U' | b'C' | 0x8c => text(reader, 1)?,
            0x8d | 0x8e => text(reader, 8)?,
            _ => return Ok(false),
        };
        self.push(value);
        Ok(true)
    }

    /// Commands that name something: a value made before, or a function.
    fn reference(&mut self, command: u8, reader: &mut Reader<'_>) -> Result<(), Problem> {
        match command {
            PROTO => {
                let protocol = reader.u8()?;
                if protocol > NEWEST {
                    return Err(malformed(format!("pickle protocol {protocol} is unknown")));
                }
            }
            // The length of what follows, for readers that fetch in pieces.
            0x95 => reader.skip(8)?,
            b'q' => self.remember(reader.length(1)?)?,
            b'r' => self.remember(reader.length(4)?)?,
            0x94 => self.remember(self.memo.len())?,
            b'h' => self.recall(reader.length(1)?)?,
            b'j' => self.recall(reader.length(4)?)?,
            b'c' => {
                let module = name(reader.line()?)?;
                let global = globals::named(module, name(reader.line()?)?)?;
                self.push(Value::Global(global));
            }
            0x93 => {
                let (name, module) = (self.pop()?, self.pop()?);
                let (Some(module), Some(name)) = (self.values.text(module), self.values.text(name))
                else {
                    return Err(malformed("a function's name is no text"));
                };
                let global = globals::named(module, name)?;
                self.push(Value::Global(global));
            }
            other => {
                return Err(malformed(format!(
                    "the pickle command 0x{other:02x}, which tensors do not need"
                )));
            }
        }
        Ok(())
    }

    fn remember(&mut self, place: usize) -> Result<(), Problem> {
        let top = self.top()?;
        self.memo.insert(place, top);
        Ok(())
    }

    fn recall(&mut self, place: usize) -> Result<(), Problem> {
        let id = self.memo.get(&place).copied();
        self.stack
            .push(id.ok_or_else(|| malformed("a value is recalled that was not remembered"))?);
        Ok(())
    }
}

fn text(reader: &mut Reader<'_>, size: usize) -> Result<Value, Problem> {
    let length = reader.length(size)?;
    let text = String::from_utf8_lossy(reader.take(length)?);
    Ok(Value::Text(text.into_owned()))
}

fn name(bytes: &[u8]) -> Result<&str, Problem> {
    str::from_utf8(bytes).map_err(|_| malformed("a function's name is no text"))
}

/// Two's complement, little-endian, of any length; zero if there are no bytes.
fn long(bytes: &[u8]) -> Result<i128, Problem> {
    if bytes.len() > size_of::<i128>() {
        return Err(malformed("a number is too large"));
    }
    let negative = bytes.last().is_some_and(|byte| *byte >= 0x80);
    let mut all = [if negative { 0xff } else { 0 }; size_of::<i128>()];
    for (to, from) in all.iter_mut().zip(bytes) {
        *to = *from;
    }
    Ok(i128::from_le_bytes(all))
}
