//! safetensors files.

use safetensors::{Dtype, SafeTensorError, SafeTensors};

use super::{Problem, error::malformed, numbers::Number, tensor};
use crate::state::Tensors;

/// The format begins with the length of its JSON header, eight bytes little-endian.
const LENGTH: usize = 8;

/// Whether this is a safetensors file: its header is a JSON object.
pub(super) fn is_it(bytes: &[u8]) -> bool {
    bytes.get(LENGTH) == Some(&b'{')
}

pub(super) fn parse(bytes: &[u8]) -> Result<Tensors, Problem> {
    let file = SafeTensors::deserialize(bytes).map_err(|error| match error {
        SafeTensorError::MetadataIncompleteBuffer => Problem::CutShort("its tensors".to_owned()),
        SafeTensorError::InvalidHeaderLength => Problem::CutShort("its header".to_owned()),
        other => malformed(other.to_string()),
    })?;
    let mut tensors = Tensors::new();
    for (name, view) in file.iter() {
        let number = match view.dtype() {
            Dtype::F64 => Number::F64,
            Dtype::F32 => Number::F32,
            Dtype::F16 => Number::F16,
            Dtype::BF16 => Number::Bf16,
            Dtype::BOOL
            | Dtype::U8
            | Dtype::I8
            | Dtype::I16
            | Dtype::U16
            | Dtype::I32
            | Dtype::U32
            | Dtype::I64
            | Dtype::U64 => continue,
            other => {
                return Err(Problem::Tensor {
                    name: name.to_owned(),
                    why: format!("holds numbers of type {other:?}; f64, f32, f16, bf16 are read"),
                });
            }
        };
        let values = number.read_all(view.data(), false);
        tensors.insert(name.to_owned(), tensor(name, values, view.shape())?);
    }
    Ok(tensors)
}
