//! The registry, by name.

use cavga_detect::Method;

use crate::{Error, Result, error::nearest};

/// The method of this name with its default configuration.
///
/// # Errors
/// [`Error::UnknownMethod`], naming the closest there is.
pub fn named(name: &str) -> Result<Method> {
    let all = Method::all();
    let known: Vec<_> = all.iter().map(Method::name).collect();
    all.iter()
        .find(|method| method.name() == name)
        .cloned()
        .ok_or_else(|| Error::UnknownMethod {
            found: name.to_owned(),
            nearest: nearest(name, known.iter().copied()),
            known: known.join(", "),
        })
}
