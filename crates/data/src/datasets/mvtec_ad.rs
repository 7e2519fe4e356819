//! MVTec AD (Bergmann et al., CVPR 2019): a folder for each category, in the layout that many sets took over from it.

use std::path::Path;

use crate::layout;
use crate::scan::Scan;
use crate::spec::DatasetSpec;

pub(super) fn scan(spec: &DatasetSpec, root: &Path) -> Scan {
    match &spec.category {
        Some(category) => layout::scan(&root.join(category)),
        None => layout::scan(root),
    }
}
