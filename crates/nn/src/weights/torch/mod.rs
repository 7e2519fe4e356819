//! What `torch.save` writes: a zip of a pickle and its storages, or, before torch 1.6, pickles and storages in a row.
//!
//! Either way a pickle says which tensors there are and where in which storage their numbers lie; the storages are
//! plain numbers. Source: torch's `torch/serialization.py`.

mod gather;
mod globals;
mod pickle;
mod reader;
mod value;
mod zip;

use std::collections::HashMap;

use self::{
    gather::Gatherer,
    reader::Reader,
    value::{Id, Storage, Value, Values},
};
use super::{Problem, error::malformed};
use crate::state::Tensors;

/// The number that torch's old files begin with, itself a pickle.
const MAGIC: i128 = 0x1950_a86a_20f9_469c_fc6c;

/// Names under which training scripts keep the network's state dict, beside optimisers and counters.
const NESTED: [&str; 3] = ["state_dict", "model", "model_state_dict"];

/// Whether this is a zip, as torch has written since 1.6.
pub(super) fn is_zip(bytes: &[u8]) -> bool {
    bytes.starts_with(zip::BEGIN)
}

/// Whether this begins as a pickle does.
pub(super) fn is_pickle(bytes: &[u8]) -> bool {
    matches!(bytes, [pickle::PROTO, protocol, ..] if *protocol <= pickle::NEWEST)
}

/// Reads a zip: `NAME/data.pkl`, and each storage in `NAME/data/KEY`.
pub(super) fn parse_zip(bytes: &[u8]) -> Result<Tensors, Problem> {
    let entries = zip::entries(bytes)?;
    // The folder is named as the file was when it was saved.
    let folder = entries
        .names()
        .filter_map(|name| name.strip_suffix("/data.pkl"))
        .find(|folder| !folder.contains('/'))
        .ok_or_else(|| Problem::Unknown("a zip without torch's data.pkl".to_owned()))?;
    let get = |name: &str| entries.get(&format!("{folder}/{name}"));
    if entries
        .names()
        .any(|name| name == format!("{folder}/constants.pkl"))
    {
        return Err(Problem::Script);
    }
    let big_endian = get("byteorder")? == Some(b"big");
    let program = get("data.pkl")?.unwrap_or_default();
    let mut reader = Reader::new(program, "the list of tensors");
    let mut values = Values::default();
    let root = pickle::run(&mut reader, &mut values)?;
    let mut gatherer = Gatherer::new(bytes.len(), big_endian);
    collect(&values, root, &mut gatherer, |storage| {
        get(&format!("data/{}", storage.key))
    })
}

/// Reads pickles in a row: a magic number, a version, facts on the machine, the tensors, the storages' keys; then each
/// storage in the order of the keys, its length before it.
pub(super) fn parse_pickles(bytes: &[u8]) -> Result<Tensors, Problem> {
    let mut reader = Reader::new(bytes, "the list of tensors");
    let mut values = Values::default();
    let magic = pickle::run(&mut reader, &mut values)?;
    if !matches!(values.get(magic), Value::Int(MAGIC)) {
        return Err(Problem::Unknown(
            "a pickle of something else than a state dict".to_owned(),
        ));
    }
    pickle::run(&mut reader, &mut values)?;
    let machine = pickle::run(&mut reader, &mut values)?;
    let little = values
        .by_name(machine)
        .and_then(|facts| facts.get("little_endian").copied());
    if matches!(little.map(|id| values.get(id)), Some(Value::Bool(false))) {
        return Err(malformed(
            "its numbers are in the order of a big-endian machine",
        ));
    }
    let root = pickle::run(&mut reader, &mut values)?;
    let keys = pickle::run(&mut reader, &mut values)?;
    let Value::List(keys) = values.get(keys) else {
        return Err(malformed("the list of storages is missing"));
    };
    let sizes = values.number_sizes();
    let mut storages = HashMap::new();
    let mut reader = reader.named("its storages");
    for key in keys {
        let key = values.text(*key);
        let key = key.ok_or_else(|| malformed("a storage's key is no text"))?;
        let size = sizes.get(key);
        let size = size.ok_or_else(|| malformed("a storage belongs to no tensor"))?;
        let length = reader.length(8)?.checked_mul(*size);
        let length = length.ok_or_else(|| malformed("a storage is too long"))?;
        storages.insert(key, reader.take(length)?);
    }
    let mut gatherer = Gatherer::new(bytes.len(), false);
    collect(&values, root, &mut gatherer, |storage| {
        Ok(storages.get(storage.key.as_str()).copied())
    })
}

/// The tensors of a state dict, or of the one within a training checkpoint: what lies beside that one is no weight, even if
/// it is a tensor.
fn collect<'a>(
    values: &Values,
    root: Id,
    gatherer: &mut Gatherer,
    bytes: impl Fn(&Storage) -> Result<Option<&'a [u8]>, Problem>,
) -> Result<Tensors, Problem> {
    let is_tensor = |id: &Id| matches!(values.get(*id), Value::Tensor(_));
    let root = values.by_name(root).ok_or(Problem::NoTensors)?;
    let nested = NESTED
        .iter()
        .filter_map(|name| values.by_name(*root.get(name)?))
        .find(|dict| dict.values().any(is_tensor));
    let dict = nested.unwrap_or(root);
    let mut tensors = Tensors::new();
    for (name, id) in dict {
        let Value::Tensor(strided) = values.get(id) else {
            continue;
        };
        let bytes = bytes(&strided.storage)?.ok_or_else(|| Problem::Tensor {
            name: name.to_owned(),
            why: "has no numbers in the file; copy or download it again".to_owned(),
        })?;
        if let Some(data) = gatherer.gather(name, strided, bytes)? {
            tensors.insert(name.to_owned(), data);
        }
    }
    Ok(tensors)
}
