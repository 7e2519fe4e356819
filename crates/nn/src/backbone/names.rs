//! What weight files call the tensors of a backbone, and what is not of it in such a file.

use super::Kind;
use crate::state::Tensors;

/// How a file names its tensors.
#[derive(Clone, Copy)]
enum Style {
    /// As ours.
    Ours,
    /// `_blocks.0._bn1.weight`
    Underscores,
    /// MobileNetV2 with the layers of a block counted through: `features.3.conv.4.weight`.
    Counted,
    /// MobileNetV2 as torchvision has it: `features.3.conv.1.1.weight`.
    Nested,
}

impl Style {
    fn of(kind: Kind, tensors: &Tensors) -> Self {
        match kind {
            Kind::EfficientnetLite0 => Self::Underscores,
            Kind::MobilenetV2 if tensors.contains_key("features.1.conv.0.0.weight") => Self::Nested,
            Kind::MobilenetV2 => Self::Counted,
            _ => Self::Ours,
        }
    }

    /// A file's name as ours; a name that is none of a file's stays what it is.
    fn ours(self, name: &str) -> String {
        let underscored = |name: &str| {
            let parts = name.split('.');
            let parts: Vec<_> = parts
                .map(|part| part.strip_prefix('_').unwrap_or(part))
                .collect();
            parts.join(".")
        };
        let found = match self {
            Self::Ours => None,
            Self::Underscores => Some(underscored(name)),
            Self::Counted => mobilenet(name, &PLAIN.map(|part| (part.0, part.2)), &COUNTED),
            Self::Nested => mobilenet(name, &PLAIN.map(|part| (part.1, part.2)), &NESTED),
        };
        found.unwrap_or_else(|| name.to_owned())
    }
}

/// The layers of MobileNetV2's first block, which expands nothing: counted through, nested, ours.
const PLAIN: [(&str, &str, &str); 4] = [
    ("0", "0.0", "depthwise_conv"),
    ("1", "0.1", "bn1"),
    ("3", "1", "project_conv"),
    ("4", "2", "bn2"),
];

/// Those of its other blocks.
const COUNTED: [(&str, &str); 6] = [
    ("0", "expand_conv"),
    ("1", "bn0"),
    ("3", "depthwise_conv"),
    ("4", "bn1"),
    ("6", "project_conv"),
    ("7", "bn2"),
];
const NESTED: [(&str, &str); 6] = [
    ("0.0", "expand_conv"),
    ("0.1", "bn0"),
    ("1.0", "depthwise_conv"),
    ("1.1", "bn1"),
    ("2", "project_conv"),
    ("3", "bn2"),
];

/// Given what the layers of the first block and of the others are called.
fn mobilenet(name: &str, first: &[(&str, &str)], others: &[(&str, &str)]) -> Option<String> {
    let (layer, tensor) = name.strip_prefix("features.")?.rsplit_once('.')?;
    let (number, rest) = layer.split_once('.')?;
    let look_up = |layers: &[(&str, &str)], layer: &str| {
        let found = layers.iter().find(|(theirs, _)| *theirs == layer)?;
        Some(found.1.to_owned())
    };
    let number: usize = number.parse().ok()?;
    let place = match number {
        0 => look_up(&[("0", "conv_stem"), ("1", "bn0")], rest)?,
        18 => look_up(&[("0", "conv_head"), ("1", "bn1")], rest)?,
        _ => {
            let layers = if number == 1 { first } else { others };
            let part = look_up(layers, rest.strip_prefix("conv.")?)?;
            format!("blocks.{}.{part}", number.checked_sub(1)?)
        }
    };
    Some(format!("{place}.{tensor}"))
}

/// Whether a tensor belongs to the classifier, which a backbone is without, or only counts batches.
fn is_aside(name: &str) -> bool {
    const CLASSIFIERS: [&str; 4] = ["fc.", "_fc.", "classifier.", "conv10."];
    CLASSIFIERS.iter().any(|head| name.starts_with(head)) || name.ends_with("num_batches_tracked")
}

/// The tensors of a file for a backbone of `kind`, called as the backbone calls them.
pub(super) fn of_file(kind: Kind, tensors: Tensors) -> Tensors {
    let style = Style::of(kind, &tensors);
    let features = tensors.into_iter().filter(|(name, _)| !is_aside(name));
    features
        .map(|(name, data)| (style.ours(&name), data))
        .collect()
}
