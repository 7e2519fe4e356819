//! Python's pickles, as far as CIFAR's need them, by a stack machine that runs no code.
//!
//! A pickle is a program that builds a value. Of the commands that import and call things, which make pickles dangerous,
//! only those of [`Global`] are known, and none of them does more than put values together. Source: CPython's
//! `Lib/pickletools.py`; protocols 2 to 4, as Python 2 and 3 write them.
//!
//! Values lie in one list and name each other by their place in it, and texts are borrowed from the file: nesting or
//! repeating costs no more than the bytes that ask for it.

use std::collections::HashMap;

use super::bytes::Bytes;

/// What was found instead of what was expected, for an error's message.
pub(super) type Result<T> = std::result::Result<T, String>;

/// How many commands a pickle may have: ten times those of a batch of CIFAR.
const MOST_COMMANDS: usize = 1 << 20;

/// A value's place in [`Values`].
#[derive(Debug, Clone, Copy)]
pub(super) struct Id(usize);

/// A value of a pickle.
#[derive(Debug)]
pub(super) enum Value<'a> {
    /// `None` and numbers with a point.
    Other,
    Bool(bool),
    Int(i64),
    /// Bytes, or a text of Python 2.
    Bytes(&'a [u8]),
    Text(&'a str),
    /// Bytes that Python 3 has written as a text of one character for each, as protocol 2 has no bytes.
    Latin1(&'a str),
    Tuple(Vec<Id>),
    List(Vec<Id>),
    Dict(Vec<(Id, Id)>),
    Global(Global),
    /// A NumPy array; its state once it is there.
    Array(Option<Id>),
    /// NumPy's type of the values of an array, by name.
    Type(Id),
}

/// What a pickle may name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Global {
    Reconstruct,
    Array,
    Type,
    Encode,
}

impl Global {
    fn named(module: &[u8], name: &[u8]) -> Result<Self> {
        match (module, name) {
            (b"numpy.core.multiarray" | b"numpy._core.multiarray", b"_reconstruct") => {
                Ok(Self::Reconstruct)
            }
            (b"numpy", b"ndarray") => Ok(Self::Array),
            (b"numpy", b"dtype") => Ok(Self::Type),
            (b"_codecs", b"encode") => Ok(Self::Encode),
            _ => {
                let short = |text: &[u8]| {
                    let text = String::from_utf8_lossy(text);
                    text.chars().take(60).collect::<String>()
                };
                Err(format!(
                    "one that asks for `{}.{}`, which images do not need",
                    short(module),
                    short(name)
                ))
            }
        }
    }
}

/// All values of a pickle.
#[derive(Debug, Default)]
pub(super) struct Values<'a>(Vec<Value<'a>>);

impl<'a> Values<'a> {
    fn add(&mut self, value: Value<'a>) -> Id {
        self.0.push(value);
        Id(self.0.len() - 1)
    }

    pub(super) fn get(&self, id: Id) -> &Value<'a> {
        self.0.get(id.0).unwrap_or(&Value::Other)
    }

    /// The items of a tuple or a list.
    pub(super) fn items(&self, id: Id) -> Option<&[Id]> {
        match self.get(id) {
            Value::Tuple(items) | Value::List(items) => Some(items),
            _ => None,
        }
    }

    /// The characters of a name, whichever Python has written it.
    pub(super) fn name(&self, id: Id) -> Option<&'a [u8]> {
        match self.get(id) {
            Value::Bytes(bytes) => Some(bytes),
            Value::Text(text) | Value::Latin1(text) => Some(text.as_bytes()),
            _ => None,
        }
    }

    /// The value of a dict's key; the last of several.
    pub(super) fn key(&self, dict: Id, key: &str) -> Option<Id> {
        let Value::Dict(pairs) = self.get(dict) else {
            return None;
        };
        let mut pairs = pairs.iter().rev();
        let found = pairs.find(|(name, _)| self.name(*name) == Some(key.as_bytes()));
        found.map(|(_, value)| *value)
    }

    /// Calls one of the functions that are known.
    fn call(&self, function: Id, arguments: Id) -> Result<Value<'a>> {
        let Value::Global(global) = self.get(function) else {
            return Err("one that calls what is no function".into());
        };
        let bad = || Err(format!("other arguments of {global:?} than NumPy's"));
        match (global, self.items(arguments).unwrap_or_default()) {
            (Global::Reconstruct, [class, ..]) => match self.get(*class) {
                Value::Global(Global::Array) => Ok(Value::Array(None)),
                _ => bad(),
            },
            (Global::Type, [name, ..]) => Ok(Value::Type(*name)),
            (Global::Encode, [text, encoding]) => match (self.get(*text), self.name(*encoding)) {
                (Value::Text(text), Some(b"latin1" | b"latin-1")) => Ok(Value::Latin1(text)),
                _ => bad(),
            },
            _ => bad(),
        }
    }
}

/// Runs the pickle that `bytes` are; all of them must be it. Gives its value, and all those that it is made of.
pub(super) fn read(bytes: &[u8]) -> Result<(Id, Values<'_>)> {
    let mut bytes = Bytes::new(bytes);
    let mut machine = Machine::default();
    for _ in 0..MOST_COMMANDS {
        let command = bytes.u8()?;
        if command == b'.' {
            if bytes.left() > 0 {
                return Err("more bytes after its end".into());
            }
            return Ok((machine.pop()?, machine.values));
        }
        if !(machine.structure(command)? || machine.literal(command, &mut bytes)?) {
            machine.reference(command, &mut bytes)?;
        }
    }
    Err(format!("one of more than {MOST_COMMANDS} commands"))
}

#[derive(Default)]
struct Machine<'a> {
    values: Values<'a>,
    stack: Vec<Id>,
    /// Heights of the stack where a tuple, list or dict begins.
    marks: Vec<usize>,
    memo: HashMap<usize, Id>,
}

impl<'a> Machine<'a> {
    fn push(&mut self, value: Value<'a>) {
        let id = self.values.add(value);
        self.stack.push(id);
    }

    fn top(&self) -> Result<Id> {
        let floor = self.marks.last().copied().unwrap_or(0);
        // A mark protects what is below it until it is taken.
        let above = self.stack.get(floor..).and_then(<[Id]>::last);
        above
            .copied()
            .ok_or_else(|| "a value used that is not there".into())
    }

    fn pop(&mut self) -> Result<Id> {
        let top = self.top()?;
        self.stack.pop();
        Ok(top)
    }

    /// Everything above the last mark.
    fn pop_marked(&mut self) -> Result<Vec<Id>> {
        let mark = self
            .marks
            .pop()
            .ok_or("the end of a list that did not begin")?;
        Ok(self.stack.split_off(mark.min(self.stack.len())))
    }

    fn pop_some(&mut self, count: usize) -> Result<Vec<Id>> {
        let mut some = (0..count).map(|_| self.pop()).collect::<Result<Vec<_>>>()?;
        some.reverse();
        Ok(some)
    }

    fn append(&mut self, items: &[Id]) -> Result<()> {
        let top = self.top()?;
        match self.values.0.get_mut(top.0) {
            Some(Value::List(list)) => {
                list.extend(items);
                Ok(())
            }
            _ => Err("an item added to what is no list".into()),
        }
    }

    fn insert(&mut self, items: &[Id]) -> Result<()> {
        let top = self.top()?;
        match (self.values.0.get_mut(top.0), items.as_chunks::<2>()) {
            (Some(Value::Dict(pairs)), (new, [])) => {
                pairs.extend(new.iter().map(|[key, value]| (*key, *value)));
                Ok(())
            }
            (Some(Value::Dict(_)), _) => Err("a key without a value".into()),
            _ => Err("a key set in what is no dict".into()),
        }
    }

    /// Commands that put values together; whether `command` is one.
    fn structure(&mut self, command: u8) -> Result<bool> {
        match command {
            b'(' => self.marks.push(self.stack.len()),
            b'0' => drop(self.pop()?),
            b'1' => drop(self.pop_marked()?),
            b')' => self.push(Value::Tuple(Vec::new())),
            b']' => self.push(Value::List(Vec::new())),
            b'}' => self.push(Value::Dict(Vec::new())),
            b't' => {
                let items = self.pop_marked()?;
                self.push(Value::Tuple(items));
            }
            0x85..=0x87 => {
                let items = self.pop_some(usize::from(command - 0x84))?;
                self.push(Value::Tuple(items));
            }
            b'a' => {
                let item = self.pop()?;
                self.append(&[item])?;
            }
            b'e' => {
                let items = self.pop_marked()?;
                self.append(&items)?;
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
                let (arguments, function) = (self.pop()?, self.pop()?);
                let value = self.values.call(function, arguments)?;
                self.push(value);
            }
            b'b' => {
                let state = self.pop()?;
                let top = self.top()?;
                match self.values.0.get_mut(top.0) {
                    Some(Value::Array(of)) => *of = Some(state),
                    // The order of bytes, which types of one byte do not have.
                    Some(Value::Type(_)) => {}
                    _ => return Err("a state of what has none".into()),
                }
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Commands that are a value; whether `command` is one.
    fn literal(&mut self, command: u8, bytes: &mut Bytes<'a>) -> Result<bool> {
        let value = match command {
            b'N' => Value::Other,
            b'G' => {
                bytes.array::<8>()?;
                Value::Other
            }
            0x88 => Value::Bool(true),
            0x89 => Value::Bool(false),
            b'J' => Value::Int(i32::from_le_bytes(bytes.array()?).into()),
            b'K' => Value::Int(bytes.u8()?.into()),
            b'M' => Value::Int(u16::from_le_bytes(bytes.array()?).into()),
            0x8a => Value::Int(long(bytes)?),
            b'T' | b'B' => Value::Bytes(bytes.prefixed(4)?),
            b'U' | b'C' => Value::Bytes(bytes.prefixed(1)?),
            0x8e => Value::Bytes(bytes.prefixed(8)?),
            b'X' => text(bytes.prefixed(4)?)?,
            0x8c => text(bytes.prefixed(1)?)?,
            0x8d => text(bytes.prefixed(8)?)?,
            _ => return Ok(false),
        };
        self.push(value);
        Ok(true)
    }

    /// Commands that name something: a value made before, or a function.
    fn reference(&mut self, command: u8, bytes: &mut Bytes<'a>) -> Result<()> {
        match command {
            0x80 => match bytes.u8()? {
                2..=4 => {}
                other => {
                    return Err(format!("one of protocol {other}; 2, 3 and 4 are read"));
                }
            },
            // The length of what follows, for readers that fetch in pieces.
            0x95 => drop(bytes.array::<8>()?),
            b'q' => self.remember(bytes.length(1)?)?,
            b'r' => self.remember(bytes.length(4)?)?,
            0x94 => self.remember(self.memo.len())?,
            b'h' => self.recall(bytes.length(1)?)?,
            b'j' => self.recall(bytes.length(4)?)?,
            b'c' => {
                let global = Global::named(bytes.line()?, bytes.line()?)?;
                self.push(Value::Global(global));
            }
            0x93 => {
                let (name, module) = (self.pop()?, self.pop()?);
                let names = self.values.name(module).zip(self.values.name(name));
                let (module, name) = names.ok_or("a function whose name is no text")?;
                self.push(Value::Global(Global::named(module, name)?));
            }
            other => {
                return Err(format!(
                    "one with the command 0x{other:02x}, which images do not need"
                ));
            }
        }
        Ok(())
    }

    fn remember(&mut self, place: usize) -> Result<()> {
        let top = self.top()?;
        self.memo.insert(place, top);
        Ok(())
    }

    fn recall(&mut self, place: usize) -> Result<()> {
        let id = self.memo.get(&place).copied();
        self.stack
            .push(id.ok_or("a value recalled that was not remembered")?);
        Ok(())
    }
}

fn text(bytes: &[u8]) -> Result<Value<'_>> {
    let text = str::from_utf8(bytes).map_err(|_| "a text that is no UTF-8")?;
    Ok(Value::Text(text))
}

/// Two's complement, little-endian, of any length; zero if there are no bytes.
fn long(bytes: &mut Bytes<'_>) -> Result<i64> {
    let bytes = bytes.prefixed(1)?;
    let negative = bytes.last().is_some_and(|byte| *byte >= 0x80);
    let mut all = [if negative { 0xff } else { 0 }; 8];
    all.get_mut(..bytes.len())
        .ok_or("a number of more than 64 bits")?
        .copy_from_slice(bytes);
    Ok(i64::from_le_bytes(all))
}
