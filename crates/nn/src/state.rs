//! A network's tensors by name: out of it, and back into it.

use std::collections::BTreeMap;

use burn::{
    module::{Module, ModuleMapper, ModuleVisitor, Param},
    tensor::{DType, Tensor, TensorData},
};
use thiserror::Error;

/// Tensors by dotted name, sorted: the order is the same in every run and every file.
pub type Tensors = BTreeMap<String, TensorData>;

/// Tensors that do not fit.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum StateError {
    /// A tensor that the network has is not there.
    #[error("the tensor {0} is missing")]
    Missing(String),
    /// A tensor that the network lacks.
    #[error("the tensor {0} belongs to no part of this network")]
    Surplus(String),
    /// A tensor of another shape.
    #[error("the tensor {name} is {found:?}, expected {expected:?}")]
    Shape {
        /// Its dotted name.
        name: String,
        /// What the network has.
        expected: Vec<usize>,
        /// What was given.
        found: Vec<usize>,
    },
    /// A tensor whose numbers make no sense with the rest.
    #[error("the tensor {name} holds {found}, which does not fit")]
    Unfit {
        /// Its dotted name.
        name: String,
        /// What was given.
        found: String,
    },
    /// A tensor of another element type than f32.
    #[error("the tensor {name} holds {found}, expected f32")]
    Type {
        /// Its dotted name.
        name: String,
        /// What was given.
        found: String,
    },
}

/// Where in a module a traversal stands. The variants of enums leave no trace: whether an encoder is one kind or another
/// shows in its tensors, not in their names.
#[derive(Debug, Default)]
pub(crate) struct Path(Vec<String>);

impl Path {
    pub(crate) fn enter(&mut self, name: &str, container: &str) {
        if !container.starts_with("Enum:") {
            self.0.push(name.to_owned());
        }
    }
    pub(crate) fn exit(&mut self, container: &str) {
        if !container.starts_with("Enum:") {
            self.0.pop();
        }
    }
    pub(crate) fn name(&self) -> String {
        self.0.join(".")
    }
}

struct Collector<'a> {
    path: Path,
    prefix: &'a str,
    tensors: &'a mut Tensors,
}

impl ModuleVisitor for Collector<'_> {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.path.enter(name, container);
    }
    fn exit_module(&mut self, _name: &str, container: &str) {
        self.path.exit(container);
    }
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let name = format!("{}{}", self.prefix, self.path.name());
        self.tensors
            .insert(name, param.val().without_autodiff().into_data());
    }
}

/// Adds every tensor of `module` to `tensors`, its name behind `prefix`.
pub fn collect<M: Module>(module: &M, prefix: &str, tensors: &mut Tensors) {
    let path = Path::default();
    module.visit(&mut Collector {
        path,
        prefix,
        tensors,
    });
}

struct Loader<'a> {
    path: Path,
    prefix: &'a str,
    tensors: &'a mut Tensors,
    error: Option<StateError>,
}

impl ModuleMapper for Loader<'_> {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.path.enter(name, container);
    }
    fn exit_module(&mut self, _name: &str, container: &str) {
        self.path.exit(container);
    }
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let name = format!("{}{}", self.prefix, self.path.name());
        match take(self.tensors, &name, &param.val().dims()) {
            Ok(data) => param.map(|old| {
                let wants_gradient = old.is_require_grad();
                Tensor::from_data(data, &old.device()).set_require_grad(wants_gradient)
            }),
            Err(error) => {
                self.error.get_or_insert(error);
                param
            }
        }
    }
}

/// The names, behind `prefix`, and shapes of `module`'s tensors.
pub fn shapes<M: Module>(module: &M, prefix: &str) -> BTreeMap<String, Vec<usize>> {
    let mut shapes = Shapes {
        path: Path::default(),
        prefix,
        shapes: BTreeMap::new(),
    };
    module.visit(&mut shapes);
    shapes.shapes
}

struct Shapes<'a> {
    path: Path,
    prefix: &'a str,
    shapes: BTreeMap<String, Vec<usize>>,
}

impl ModuleVisitor for Shapes<'_> {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.path.enter(name, container);
    }
    fn exit_module(&mut self, _name: &str, container: &str) {
        self.path.exit(container);
    }
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let name = format!("{}{}", self.prefix, self.path.name());
        self.shapes.insert(name, param.val().dims().to_vec());
    }
}

/// Takes the tensor `name` of shape `expected` out of `tensors`.
pub fn take(
    tensors: &mut Tensors,
    name: &str,
    expected: &[usize],
) -> Result<TensorData, StateError> {
    let data = tensors
        .remove(name)
        .ok_or_else(|| StateError::Missing(name.to_owned()))?;
    if data.dtype() != DType::F32 {
        return Err(StateError::Type {
            name: name.to_owned(),
            found: format!("{:?}", data.dtype()),
        });
    }
    let found = data.shape().to_vec();
    if found != expected {
        return Err(StateError::Shape {
            name: name.to_owned(),
            expected: expected.to_vec(),
            found,
        });
    }
    Ok(data)
}

/// Moves the tensors behind `prefix` out of `tensors` into `module`; what is left in `tensors` is nobody's yet.
pub fn load<M: Module>(module: M, prefix: &str, tensors: &mut Tensors) -> Result<M, StateError> {
    let mut loader = Loader {
        path: Path::default(),
        prefix,
        tensors,
        error: None,
    };
    let module = module.map(&mut loader);
    match loader.error {
        Some(error) => Err(error),
        None => Ok(module),
    }
}

/// An error if anything is left in `tensors`.
pub fn expect_empty(tensors: &Tensors) -> Result<(), StateError> {
    match tensors.keys().next() {
        Some(name) => Err(StateError::Surplus(name.clone())),
        None => Ok(()),
    }
}
