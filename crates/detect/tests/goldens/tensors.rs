//! Networks with the scripts' numbers, and their gradients by name: for every family's goldens.

use std::collections::BTreeMap;

use burn::{
    module::{Module, ModuleVisitor, Param},
    tensor::{Gradients, Tensor, TensorData},
};
use cavga_nn::state::{self, StateError, Tensors};

use super::values::{self, Summary, Worst};

/// Of tensors by name.
pub(crate) type Summaries = BTreeMap<String, Summary>;

/// What a tensor of this name and shape is filled with, as `weight` in `conformance/cavga/networks.py` says. `shift`: of kernels.
pub(crate) fn weight(name: &str, shape: &[usize], shift: f64) -> TensorData {
    let (scale, shift) = if name.ends_with("running_var") {
        (0.5, 1.0)
    } else if name.ends_with("running_mean") || name.ends_with("bias") {
        (0.1, 0.0)
    } else if shape.len() == 1 {
        (0.25, 1.0)
    } else {
        let fan_in: usize = shape[1..].iter().product();
        ((6.0 / fan_in as f64).sqrt(), shift)
    };
    values::tensor(name, shape, scale, shift)
}

/// Gives every tensor of `module` its values, by name, behind `prefix`, and shape.
pub(crate) fn fill<M: Module>(
    module: M,
    prefix: &str,
    values: impl Fn(&str, &[usize]) -> TensorData,
) -> Result<M, StateError> {
    let mut tensors: Tensors = state::shapes(&module, prefix)
        .into_iter()
        .map(|(name, shape)| {
            let values = values(&name, &shape);
            (name, values)
        })
        .collect();
    let module = state::load(module, prefix, &mut tensors)?;
    state::expect_empty(&tensors)?;
    Ok(module)
}

/// The gradients of a module's parameters by name, those that have one.
pub(crate) fn gradients<M: Module>(
    module: &M,
    gradients: &Gradients,
) -> BTreeMap<String, Vec<f32>> {
    let mut visitor = GradientVisitor {
        path: Vec::new(),
        gradients,
        found: BTreeMap::new(),
    };
    module.visit(&mut visitor);
    visitor.found
}

struct GradientVisitor<'a> {
    path: Vec<String>,
    gradients: &'a Gradients,
    found: BTreeMap<String, Vec<f32>>,
}

impl ModuleVisitor for GradientVisitor<'_> {
    fn enter_module(&mut self, name: &str, container: &str) {
        if !container.starts_with("Enum:") {
            self.path.push(name.to_owned());
        }
    }
    fn exit_module(&mut self, _name: &str, container: &str) {
        if !container.starts_with("Enum:") {
            self.path.pop();
        }
    }
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(gradient) = param.val().grad(self.gradients) {
            let values = gradient.into_data().iter::<f32>().collect();
            self.found.insert(self.path.join("."), values);
        }
    }
}

/// Compares every tensor by name; one that is not expected must be zero. `prefix` stands before the names in the script; `scale`: how much
/// of an error counts, of the tensor with this name and summary.
pub(crate) fn compare(
    case: &str,
    prefix: &str,
    expected: &Summaries,
    mut found: BTreeMap<String, Vec<f32>>,
    worst: &mut Worst,
    scale: impl Fn(&str, &Summary) -> f64,
) {
    for (name, summary) in expected {
        let values = found.remove(name).unwrap_or_default();
        let error = summary.error(&format!("{prefix}{name}"), &values);
        worst.add(format!("{case}: {name}"), error * scale(name, summary));
    }
    for (name, values) in found {
        if values.iter().any(|&value| value != 0.0) {
            worst.add(format!("{case}: {name}, expected to be 0"), f64::INFINITY);
        }
    }
}
