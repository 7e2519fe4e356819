//! Devices by name, as written on the command line.

use burn::tensor::Device;
use thiserror::Error;

/// A device that cannot be had.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum DeviceError {
    /// Not a device's name.
    #[error(
        "{0} is no device; expected cpu, wgpu, vulkan, metal, cuda or rocm, the last five with :N for the N-th"
    )]
    Unknown(String),
    /// A device that this build was made without.
    #[error(
        "this program was built without {0}; build it with `--features {0}`, or use --device cpu"
    )]
    NotBuilt(&'static str),
    /// A device that this machine lacks.
    #[error("this machine has no {name} device number {index} ({found} found); use --device cpu")]
    Missing {
        /// Its kind.
        name: &'static str,
        /// Which of them.
        index: usize,
        /// How many there are.
        found: usize,
    },
}

/// The device called `name`: `cpu`, or `wgpu`, `vulkan`, `metal`, `cuda`, `rocm`, each with `:N` for the N-th of its kind.
pub fn parse(name: &str) -> Result<Device, DeviceError> {
    let unknown = || DeviceError::Unknown(name.to_owned());
    let (kind, index) = match name.split_once(':') {
        Some((kind, index)) => (kind, index.parse::<usize>().map_err(|_| unknown())?),
        None => (name, 0),
    };
    match kind {
        "cpu" if !name.contains(':') => Ok(Device::flex()),
        "wgpu" => gpu::wgpu(index),
        "vulkan" => gpu::vulkan(index),
        "metal" => gpu::metal(index),
        "cuda" => gpu::cuda(index),
        "rocm" => gpu::rocm(index),
        _ => Err(unknown()),
    }
}

mod gpu {
    //! One function for each kind: the N-th device, or why there is none.

    use super::{Device, DeviceError};

    macro_rules! kind {
        ($name:ident, $feature:literal, $kind:ident) => {
            #[cfg(feature = $feature)]
            pub(super) fn $name(index: usize) -> Result<Device, DeviceError> {
                use burn::tensor::DeviceType;
                let devices: Vec<Device> =
                    Device::enumerate(DeviceType::$kind).into_iter().collect();
                let found = devices.len();
                devices.into_iter().nth(index).ok_or(DeviceError::Missing {
                    name: $feature,
                    index,
                    found,
                })
            }
            #[cfg(not(feature = $feature))]
            pub(super) fn $name(_index: usize) -> Result<Device, DeviceError> {
                Err(DeviceError::NotBuilt($feature))
            }
        };
    }

    kind!(wgpu, "wgpu", Wgpu);
    kind!(vulkan, "vulkan", Vulkan);
    kind!(metal, "metal", Metal);
    kind!(cuda, "cuda", Cuda);
    kind!(rocm, "rocm", Rocm);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked() {
        assert!(parse("cpu").is_ok());
        assert_eq!(
            parse("gpu").unwrap_err(),
            DeviceError::Unknown("gpu".into())
        );
        assert_eq!(
            parse("cpu:1").unwrap_err(),
            DeviceError::Unknown("cpu:1".into())
        );
        assert_eq!(
            parse("wgpu:x").unwrap_err(),
            DeviceError::Unknown("wgpu:x".into())
        );
    }
}
