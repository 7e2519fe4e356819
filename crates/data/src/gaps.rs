//! Maps of scores that say nothing of some pixels, as this program writes them where a part of the image doesn't count.

use std::path::Path;

use crate::decode::Limits;
use crate::error::Result;
use crate::score_map::{ScoreMap, read};

/// [`load_score_map`](crate::load_score_map) of a map that may have NaN where a pixel doesn't count.
///
/// # Errors
/// As there, but for a NaN.
pub fn load_score_map_with_gaps(path: &Path, limits: &Limits) -> Result<ScoreMap> {
    read(path, limits, |value| !value.is_infinite())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load_score_map;

    #[test]
    fn gaps_stay_where_they_are_asked_for_and_are_refused_elsewhere() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("map.npy");
        let write = |values: [f32; 2]| {
            let head = "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), }\n";
            let mut bytes = b"\x93NUMPY\x01\0".to_vec();
            bytes.extend((head.len() as u16).to_le_bytes());
            bytes.extend(head.bytes());
            bytes.extend(values.map(f32::to_le_bytes).concat());
            std::fs::write(&path, bytes).unwrap();
        };
        let limits = Limits::default();
        write([1.5, f32::NAN]);
        let map = load_score_map_with_gaps(&path, &limits).unwrap();
        assert!(map.values[0] == 1.5 && map.values[1].is_nan() && !map.rounded);
        let refused = load_score_map(&path, &limits).unwrap_err();
        assert_eq!(refused.kind(), "not-finite");
        write([1.5, f32::INFINITY]);
        let refused = load_score_map_with_gaps(&path, &limits).unwrap_err();
        assert_eq!(refused.kind(), "not-finite");
    }
}
