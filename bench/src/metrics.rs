//! Figures of pixels, of maps that are in memory already.

use std::{fs, hint::black_box, path::PathBuf};

use cavga_metrics::{AUPRO_LIMIT, PixelEvaluation, PixelMap};
use serde::Deserialize;

use crate::{Result, cases::Work};

/// Maps of one size with their masks, as `bench/harness/metrics.py` writes them.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Maps {
    /// Has `scores.f32`, little-endian, and `masks.u8`, a byte per pixel.
    folder: PathBuf,
    count: usize,
    height: usize,
    width: usize,
    /// Where the figures are written to, as JSON.
    out: Option<PathBuf>,
}

/// AUROC, average precision and AUPRO of all maps.
pub(crate) fn figures(maps: Maps) -> Result<Work> {
    let pixels = maps.height * maps.width;
    let scores: Vec<f32> = fs::read(maps.folder.join("scores.f32"))?
        .chunks_exact(4)
        .map(|bytes| f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
        .collect();
    let masks: Vec<bool> = fs::read(maps.folder.join("masks.u8"))?
        .iter()
        .map(|&byte| byte != 0)
        .collect();
    if pixels == 0 || scores.len() != maps.count * pixels || masks.len() != scores.len() {
        return Err("the files have other sizes than the case".into());
    }
    Ok(Box::new(move || {
        let part = |range: std::ops::Range<usize>| {
            let mut evaluation = PixelEvaluation::new(0.5);
            for at in range.map(|map| map * pixels..(map + 1) * pixels) {
                let (scores, mask) = (&scores[at.clone()], &masks[at]);
                evaluation.push(&PixelMap::new(scores, mask, maps.height, maps.width)?)?;
            }
            Ok::<_, cavga_metrics::Undefined>(evaluation)
        };
        // As `cavga metrics` does: maps in parts, on as many threads as there are.
        let half = maps.count / 2;
        let (first, second) = rayon::join(|| part(0..half), || part(half..maps.count));
        let mut evaluation = first?;
        evaluation.merge(second?)?;
        let metrics = evaluation.finish();
        let figures = serde_json::json!({
            "pixel_auroc": metrics.auroc()?,
            "pixel_average_precision": metrics.average_precision()?,
            "aupro_0.30": metrics.aupro(AUPRO_LIMIT)?,
        });
        if let Some(out) = &maps.out {
            fs::write(out, figures.to_string())?;
        }
        black_box(figures);
        Ok(())
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_written_and_files_of_another_size_are_refused() {
        let folder = std::env::temp_dir().join(format!("cavga-bench-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let scores = [0.1_f32, 0.9, 0.2, 0.3];
        let bytes: Vec<u8> = scores
            .iter()
            .flat_map(|score| score.to_le_bytes())
            .collect();
        fs::write(folder.join("scores.f32"), bytes).unwrap();
        fs::write(folder.join("masks.u8"), [0, 1, 0, 0]).unwrap();
        let out = folder.join("figures.json");
        let mut maps = Maps {
            folder: folder.clone(),
            count: 2,
            height: 1,
            width: 2,
            out: Some(out.clone()),
        };
        figures(maps.clone()).unwrap()().unwrap();
        let said: serde_json::Value = serde_json::from_slice(&fs::read(out).unwrap()).unwrap();
        assert_eq!(said["pixel_auroc"], 1.0);
        maps.count = 3;
        assert!(figures(maps).is_err());
        fs::remove_dir_all(folder).unwrap();
    }
}
