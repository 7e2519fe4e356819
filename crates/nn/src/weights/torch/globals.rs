//! The functions and classes that a state dict may ask for. A pickle that asks for any other is not read further.

use crate::weights::{Problem, numbers::Number};

/// Something that a pickle may name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Global {
    /// A type of storages.
    Storage(Number),
    /// Something to call.
    Class(Class),
}

/// Something that a pickle may call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    OrderedDict,
    Size,
    Tensor,
    Parameter,
}

impl Class {
    /// For errors.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::OrderedDict => "OrderedDict",
            Self::Size => "torch.Size",
            Self::Tensor => "a tensor",
            Self::Parameter => "a parameter",
        }
    }
}

/// What `module.name` is.
///
/// # Errors
/// [`Problem::Global`] for everything but what tensors are made of.
pub(super) fn named(module: &str, name: &str) -> Result<Global, Problem> {
    Ok(match (module, name) {
        ("collections", "OrderedDict") => Global::Class(Class::OrderedDict),
        ("torch", "Size") => Global::Class(Class::Size),
        ("torch._utils", "_rebuild_tensor" | "_rebuild_tensor_v2") => Global::Class(Class::Tensor),
        ("torch._utils", "_rebuild_parameter" | "_rebuild_parameter_with_state") => {
            Global::Class(Class::Parameter)
        }
        ("torch", class) => Global::Storage(match class {
            "DoubleStorage" => Number::F64,
            "FloatStorage" => Number::F32,
            "HalfStorage" => Number::F16,
            "BFloat16Storage" => Number::Bf16,
            "LongStorage" => Number::Whole(8),
            "IntStorage" => Number::Whole(4),
            "ShortStorage" => Number::Whole(2),
            "CharStorage" | "ByteStorage" | "BoolStorage" => Number::Whole(1),
            _ => return Err(unknown(module, name)),
        }),
        _ => return Err(unknown(module, name)),
    })
}

/// Names what was asked for, cut to a length that fits on a line.
fn unknown(module: &str, name: &str) -> Problem {
    let full = format!("{module}.{name}");
    Problem::Global(
        full.chars()
            .take(120)
            .flat_map(char::escape_debug)
            .collect(),
    )
}
