//! mSTC, the CAVGA paper's ShanghaiTech Campus: W. Liu, W. Luo, D. Lian, S. Gao, "Future Frame Prediction for Anomaly Detection: A New
//! Baseline", CVPR 2018 (the pixel masks came with W. Luo, W. Liu, S. Gao, ICCV 2017).
//!
//! Every fifth frame of the videos of a campus, 12 scenes, a model for each:
//!
//! ```text
//! training/videos/01_001.avi              or, taken out of them, training/frames/01_001/000000.jpg
//! testing/frames/01_0014/000.jpg
//! testing/test_frame_mask/01_0014.npy     a number for each frame, not 0 where it is anomalous
//! testing/test_pixel_mask/01_0014.npy     [frames, height, width], not 0 where the anomaly is
//! ```
//!
//! A video's name begins with its scene; scene 13 has no test video, so the paper's set has 12. Frame i of a mask is the frame whose
//! number is i above the video's first one, which is 0 or 1; all frames must be there, or every fifth. The label is the frame mask's, and the pixel mask is looked at for anomalous frames
//! alone. A video is a group. [`extract_frames`](crate::extract_frames) makes the folders of training frames.

use std::path::{Path, PathBuf};

use super::Known;
use super::protocol::{begin, below, category, missing, need};
use super::video::{Frame, STEP, every_fifth, frames, numbered};
use crate::archive::npy;
use crate::error::{Error, Result};
use crate::files::{name, stem};
use crate::mask::MaskSource;
use crate::sample::{Label, TestSample};
use crate::scan::Scan;
use crate::spec::DatasetSpec;

const SCENES: [&str; 12] = [
    "01", "02", "03", "04", "05", "06", "07", "08", "09", "10", "11", "12",
];

/// Where the videos to learn from are.
pub(crate) const VIDEOS: &str = "training/videos";
/// Where the frames that were taken out of them are.
pub(crate) const FRAMES: &str = "training/frames";

const TEST: &str = "testing/frames";
const FRAME_MASKS: &str = "testing/test_frame_mask";
const PIXEL_MASKS: &str = "testing/test_pixel_mask";

/// The set's own folder, in whatever is given.
pub(crate) fn find(root: &Path) -> PathBuf {
    below(root, &["shanghaitech", "ShanghaiTech"], |folder| {
        folder.join("training").is_dir()
    })
}

/// Whether a video is of this scene: "01_014" is of "01".
pub(crate) fn is_of(video: &Path, scene: &str) -> bool {
    name(video)
        .split_once('_')
        .is_some_and(|(of, _)| of == scene)
}

pub(super) fn scan(spec: &DatasetSpec, root: &Path) -> Scan {
    let mut scan = match begin(Known::Mstc, spec, &find(root), true) {
        Ok(scan) => scan,
        Err(scan) => return *scan,
    };
    let Some(scene) = scene(&mut scan, spec) else {
        return scan;
    };
    need(&mut scan, &[TEST, FRAME_MASKS, PIXEL_MASKS]);
    train(&mut scan, scene);
    let root = scan.dataset.root.clone();
    let videos = scan.folders_in(&root.join(TEST));
    let videos: Vec<_> = videos.into_iter().filter(|v| is_of(v, scene)).collect();
    for video in &videos {
        test_video(&mut scan, video);
    }
    if videos.is_empty() {
        let path = root.join(TEST).join(format!("{scene}_*"));
        scan.problems
            .push(missing(path, "folders of test frames of this scene"));
    }
    scan.sorted()
}

/// The scene that is asked for.
fn scene(scan: &mut Scan, spec: &DatasetSpec) -> Option<&'static str> {
    let wanted = spec.category.as_deref();
    let found = SCENES.into_iter().find(|scene| Some(*scene) == wanted);
    if found.is_none() {
        // No folder is a scene, so all that is left is to say which there are.
        let problem = category(Known::Mstc, spec, &scan.dataset.root, &SCENES, |_| false);
        scan.problems.extend(problem.err());
    }
    found
}

/// Takes in the training frames; a problem if videos are there without their frames.
fn train(scan: &mut Scan, scene: &str) {
    let root = scan.dataset.root.clone();
    let folders = scan.folders_in(&root.join(FRAMES));
    let folders: Vec<_> = folders.into_iter().filter(|f| is_of(f, scene)).collect();
    for folder in &folders {
        for Frame { path, .. } in frames(scan, folder) {
            let mut sample = scan.sample(&path, Label::Normal);
            sample.group = Some(format!("training/{}", name(folder)));
            scan.dataset.train.push(sample);
        }
    }
    let videos = scan.list(&root.join(VIDEOS)).others;
    let without: Vec<_> = videos
        .into_iter()
        .filter(|video| is_of(video, scene))
        .filter(|video| folders.iter().all(|folder| name(folder) != stem(video)))
        .collect();
    if let Some(first) = without.first() {
        scan.problems.push(Error::Protocol {
            path: first.clone(),
            kind: "frames-missing",
            expected: format!(
                "its frames in {}",
                root.join(FRAMES).join(stem(first)).display()
            ),
            found: format!(
                "the video alone, and so for {} of scene {scene}'s videos",
                without.len()
            ),
            todo: format!(
                "run `cavga data frames {}`, which takes every {STEP}th frame out with ffmpeg",
                root.display()
            ),
        });
    } else {
        scan.require_train(root.join(FRAMES).join(format!("{scene}_*")));
    }
}

/// Takes in the frames of a test video.
fn test_video(scan: &mut Scan, video: &Path) {
    let root = scan.dataset.root.clone();
    let file = format!("{}.npy", name(video));
    let labels = root.join(FRAME_MASKS).join(&file);
    let pixels = root.join(PIXEL_MASKS).join(&file);
    for (path, what) in [
        (&labels, "the label of each frame of this video"),
        (&pixels, "the mask of each frame of this video"),
    ] {
        if !path.is_file() {
            scan.problems.push(missing(path.clone(), what));
            return;
        }
    }
    let anomalous = match read_labels(&labels, &pixels) {
        Ok(anomalous) => anomalous,
        Err(problem) => {
            scan.problems.push(problem);
            return;
        }
    };
    let all = numbered(scan, video);
    let first = match first_of(&all, anomalous.len(), video) {
        Ok(first) => first,
        Err(problem) => {
            scan.problems.push(problem);
            return;
        }
    };
    for Frame { number, path } in every_fifth(scan, all, first) {
        let index = number.saturating_sub(first);
        // As many labels as frames, so that there is one.
        let Some(&anomalous) = anomalous.get(index) else {
            continue;
        };
        let (label, mask) = if anomalous {
            let (kind, path) = ("anomaly".into(), pixels.clone());
            (
                Label::Anomalous { kind },
                Some(MaskSource::Frame { path, index }),
            )
        } else {
            (Label::Normal, None)
        };
        let mut sample = scan.sample(&path, label);
        sample.group = Some(format!("testing/{}", name(video)));
        scan.dataset.test.push(TestSample { sample, mask });
    }
}

/// The number of a video's first frame, of which `labels` frames have a label: all must be there, or every fifth. A frame that is
/// missing must not shift the labels of those after it, nor go without a word.
fn first_of(all: &[Frame], labels: usize, video: &Path) -> Result<usize> {
    let problem = |kind, expected, found| {
        Err(Error::Protocol {
            path: video.to_path_buf(),
            kind,
            expected,
            found,
            todo: "unpack the archive again".into(),
        })
    };
    let (Some(first), Some(last)) = (all.first(), all.last()) else {
        let expected = format!("{labels} frames, as there are labels");
        return problem("frames-incomplete", expected, "none".into());
    };
    let first = first.number;
    if first > 1 {
        let expected = "a first frame of number 0 or 1".into();
        return problem("frames-incomplete", expected, first.to_string());
    }
    let index = |frame: &Frame| frame.number.saturating_sub(first);
    let last = index(last);
    if last >= labels {
        let expected = format!("a label for each of the frames up to {}", last + first);
        return problem("frames-without-label", expected, format!("{labels} labels"));
    }
    let thinned = all.iter().all(|frame| index(frame).is_multiple_of(STEP));
    let step = if thinned { STEP } else { 1 };
    let in_row = (0..).step_by(step).zip(all);
    let mut gaps = in_row.filter(|(wanted, frame)| index(frame) != *wanted);
    if let Some((wanted, frame)) = gaps.next() {
        let expected = format!("frame {}, or every {STEP}th frame", wanted + first);
        return problem(
            "frames-incomplete",
            expected,
            frame.path.display().to_string(),
        );
    }
    if last.saturating_add(step) < labels {
        let expected = format!("frames up to {}, as there are labels", labels - 1 + first);
        return problem(
            "frames-incomplete",
            expected,
            format!("frames up to {}", last + first),
        );
    }
    Ok(first)
}

/// Whether each frame is anomalous; there are as many masks.
fn read_labels(labels: &Path, pixels: &Path) -> Result<Vec<bool>> {
    let anomalous = npy::vector(labels)?;
    let masks = npy::frame_count(pixels)?;
    if masks == anomalous.len() {
        return Ok(anomalous);
    }
    Err(Error::Protocol {
        path: pixels.to_path_buf(),
        kind: "masks-without-label",
        expected: format!(
            "{} masks, as {} has labels",
            anomalous.len(),
            labels.display()
        ),
        found: masks.to_string(),
        todo: "unpack the archive again".into(),
    })
}
