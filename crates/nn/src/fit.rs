//! Tensors from elsewhere into a network: all of them, or a list of what does not fit.

use std::fmt;

use burn::{
    module::Module,
    tensor::{DType, TensorData},
};
use thiserror::Error;

use crate::state::{self, StateError, Tensors};

/// How many tensors of each kind a message names.
const NAMED: usize = 3;

/// What of given tensors is not this network's. Its message names the first few of each kind.
#[derive(Debug, Default, Error, PartialEq, Eq)]
pub struct Misfit {
    /// What the network has and was not given: name and shape.
    pub missing: Vec<(String, Vec<usize>)>,
    /// What was given and the network lacks: name and shape.
    pub surplus: Vec<(String, Vec<usize>)>,
    /// Tensors of another shape: name, shape expected, shape found.
    pub shapes: Vec<(String, Vec<usize>, Vec<usize>)>,
    /// Tensors that hold no floats: name, and what they hold.
    pub types: Vec<(String, String)>,
}

impl Misfit {
    fn is_empty(&self) -> bool {
        self.missing.is_empty()
            && self.surplus.is_empty()
            && self.shapes.is_empty()
            && self.types.is_empty()
    }
}

/// The first few of `all`, and how many more there are.
fn list<T>(
    f: &mut fmt::Formatter<'_>,
    what: &str,
    all: &[T],
    one: impl Fn(&T) -> String,
) -> fmt::Result {
    if all.is_empty() {
        return Ok(());
    }
    let named: Vec<String> = all.iter().take(NAMED).map(one).collect();
    write!(f, "; {what}: {}", named.join(", "))?;
    match all.len().saturating_sub(NAMED) {
        0 => Ok(()),
        more => write!(f, " and {more} more"),
    }
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("these tensors are not this network's")?;
        let named = |(name, shape): &(String, Vec<usize>)| format!("{name} {shape:?}");
        list(f, "missing", &self.missing, named)?;
        list(f, "of no part of it", &self.surplus, named)?;
        list(
            f,
            "of another shape",
            &self.shapes,
            |(name, expected, found)| format!("{name} is {found:?}, expected {expected:?}"),
        )?;
        list(f, "of another type", &self.types, |(name, found)| {
            format!("{name} holds {found}, expected floats")
        })
    }
}

impl From<StateError> for Misfit {
    fn from(error: StateError) -> Self {
        let mut misfit = Self::default();
        match error {
            StateError::Missing(name) => misfit.missing.push((name, Vec::new())),
            StateError::Surplus(name) => misfit.surplus.push((name, Vec::new())),
            StateError::Shape {
                name,
                expected,
                found,
            } => misfit.shapes.push((name, expected, found)),
            StateError::Type { name, found } | StateError::Unfit { name, found } => {
                misfit.types.push((name, found))
            }
        }
        misfit
    }
}

/// The module with the values of `tensors`, of which every tensor behind `prefix` must be the module's, and every one of the module's be
/// there. Those not behind `prefix` are someone else's. Floats of other sizes become f32.
///
/// # Errors
/// [`Misfit`], which lists all that does not fit.
pub fn fit<M: Module>(module: M, prefix: &str, tensors: Tensors) -> Result<M, Misfit> {
    let mut expected = state::shapes(&module, prefix);
    let mut misfit = Misfit::default();
    let mut fitting = Tensors::new();
    // A file of quite another network has nothing behind the prefix; what it has instead is what its owner wants to hear.
    let is_anyones = tensors.keys().any(|name| name.starts_with(prefix));
    for (name, data) in tensors {
        if is_anyones && !name.starts_with(prefix) {
            continue;
        }
        let found = data.shape().to_vec();
        match expected.remove(&name) {
            None => misfit.surplus.push((name, found)),
            Some(shape) if shape != found => misfit.shapes.push((name, shape, found)),
            Some(_) => match floats(data) {
                Ok(data) => drop(fitting.insert(name, data)),
                Err(found) => misfit.types.push((name, found)),
            },
        }
    }
    misfit.missing = expected.into_iter().collect();
    match misfit.is_empty() {
        true => Ok(state::load(module, prefix, &mut fitting)?),
        false => Err(misfit),
    }
}

/// As f32; what they are, if not floats.
fn floats(data: TensorData) -> Result<TensorData, String> {
    match data.dtype() {
        DType::F32 => Ok(data),
        DType::F64 | DType::F16 | DType::BF16 => Ok(data.convert::<f32>()),
        other => Err(format!("{other:?}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::{Conv2d, ConvConfig, Init};
    use burn::tensor::Device;

    fn conv() -> Conv2d {
        let config = ConvConfig::new(2, 3, 1).bias();
        config.init(&mut Init::new(0, &Device::flex()))
    }

    fn tensors(names: &[&str]) -> Tensors {
        let shapes: [&[usize]; 2] = [&[3, 2, 1, 1], &[3]];
        let tensor = |name: &str| {
            let shape = shapes[usize::from(name.ends_with("bias"))];
            TensorData::new(vec![1.0_f32; shape.iter().product()], shape.to_vec())
        };
        let all = names.iter().map(|name| ((*name).to_owned(), tensor(name)));
        all.collect()
    }

    #[test]
    fn only_what_is_behind_the_prefix_is_looked_at() {
        let file = tensors(&["conv.weight", "conv.bias", "other.weight"]);
        let fitted = fit(conv(), "conv.", file.clone()).unwrap();
        assert_eq!(fitted.weight.val().into_data(), file["conv.weight"]);
        let misfit = fit(conv(), "", file).unwrap_err();
        assert_eq!(misfit.surplus.len(), 3);
        assert_eq!(misfit.missing.len(), 2);
    }

    #[test]
    fn a_message_names_three_of_a_kind_and_counts_the_others() {
        let file = tensors(&["a.bias", "b.bias", "c.bias", "d.bias", "e.bias", "weight"]);
        assert_eq!(
            fit(conv(), "", file).unwrap_err().to_string(),
            "these tensors are not this network's; missing: bias [3]; of no part of it: a.bias [3], b.bias [3], \
             c.bias [3] and 2 more"
        );
    }
}
