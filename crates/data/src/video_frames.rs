//! Frames out of videos, by an `ffmpeg` that is on the machine: ShanghaiTech's training videos become folders of JPEG, as its test
//! videos already are.
//!
//! Every fifth frame alone is written, under the number that it has in its video, at the best quality that JPEG has. A video's
//! folder appears whole or not at all: it is filled under a name that begins with a dot, which nothing here reads, and renamed. So
//! an extraction that was stopped is gone on with by starting it again.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::datasets::mstc::{FRAMES, VIDEOS, find, is_of};
use crate::datasets::video::STEP;
use crate::error::{Error, Result};
use crate::files::{list_folder, name, stem};

/// What to take frames out of, and where to put them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FrameExtraction {
    /// The dataset's folder: it has `training/videos`.
    pub root: PathBuf,
    /// The folder to write `training/frames` to; without it, `root`.
    pub out: Option<PathBuf>,
    /// The one scene whose videos are meant, as "01"; without it, all.
    pub scene: Option<String>,
    /// The program: a name to look for on the PATH, or a path.
    pub ffmpeg: PathBuf,
}

impl FrameExtraction {
    /// All videos of the dataset in `root`, into `root`, with the `ffmpeg` on the PATH.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self {
            root: root.into(),
            out: None,
            scene: None,
            ffmpeg: "ffmpeg".into(),
        }
    }
}

/// How far an extraction is, told after each video.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FrameProgress {
    /// Videos that are done.
    pub done: usize,
    /// Videos in all.
    pub total: usize,
    /// The video that was done last, without its ending.
    pub video: String,
    /// How many frames were written of it; none if they were there before.
    pub frames: Option<usize>,
}

/// What an extraction made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extracted {
    /// The folder that has a folder for each video.
    pub folder: PathBuf,
    /// Videos in all.
    pub videos: usize,
    /// Videos whose frames were there before.
    pub kept: usize,
    /// Frames that were written.
    pub frames: usize,
}

/// Takes every fifth frame out of the training videos of ShanghaiTech Campus.
///
/// Videos whose frames are there are left alone.
///
/// # Errors
/// Where there is no video, or no `ffmpeg`; where `ffmpeg` fails or is killed, with its last line; where the folder can't be
/// written to. What is done until then stays.
pub fn extract_frames(
    job: &FrameExtraction,
    progress: &mut dyn FnMut(&FrameProgress),
) -> Result<Extracted> {
    let root = find(&job.root);
    let videos = videos(&root, job.scene.as_deref())?;
    let folder = job.out.as_ref().unwrap_or(&root).join(FRAMES);
    fs::create_dir_all(&folder).map_err(|error| unwritable(&folder, job, error))?;
    let ffmpeg = program(&job.ffmpeg)?;
    let mut made = Extracted {
        videos: videos.len(),
        kept: 0,
        frames: 0,
        folder,
    };
    for (done, video) in videos.iter().enumerate() {
        let target = made.folder.join(stem(video));
        let has_frames = target.is_dir() && !list_folder(&target)?.images.is_empty();
        let frames = if has_frames {
            made.kept += 1;
            None
        } else {
            Some(extract(&ffmpeg, video, &target, job)?)
        };
        made.frames += frames.unwrap_or_default();
        progress(&FrameProgress {
            done: done + 1,
            total: videos.len(),
            video: stem(video),
            frames,
        });
    }
    Ok(made)
}

/// The videos to take frames out of, in order of name.
fn videos(root: &Path, scene: Option<&str>) -> Result<Vec<PathBuf>> {
    let folder = root.join(VIDEOS);
    if !folder.is_dir() {
        return Err(Error::FolderMissing { path: folder });
    }
    let is_video = |path: &PathBuf| {
        let extension = path.extension().unwrap_or_default();
        ["avi", "mp4", "mkv"]
            .iter()
            .any(|known| extension.eq_ignore_ascii_case(known))
            && scene.is_none_or(|scene| is_of(path, scene))
    };
    let files = list_folder(&folder)?.others;
    let videos: Vec<_> = files.into_iter().filter(is_video).collect();
    if videos.is_empty() {
        let of = scene.map_or(String::new(), |scene| format!(" of scene {scene}"));
        return Err(Error::Protocol {
            path: folder,
            kind: "no-video",
            expected: format!("videos{of}, as 01_001.avi"),
            found: "none".into(),
            todo: "check the path and the scene, or unpack the archive again".into(),
        });
    }
    Ok(videos)
}

/// Takes the frames of one video out; gives how many there are.
fn extract(ffmpeg: &Path, video: &Path, target: &Path, job: &FrameExtraction) -> Result<usize> {
    let partial = target.with_file_name(format!(".{}.partial", name(target)));
    if partial.exists() {
        // Left over from an extraction that was stopped.
        fs::remove_dir_all(&partial).map_err(Error::write(&partial))?;
    }
    fs::create_dir(&partial).map_err(|error| unwritable(&partial, job, error))?;
    let written = run(ffmpeg, video, &partial).and_then(|()| number(&partial, video));
    let written = written.and_then(|frames| {
        if target.is_dir() {
            // It is there without an image in it.
            fs::remove_dir(target).map_err(Error::write(target))?;
        }
        fs::rename(&partial, target).map_err(Error::write(target))?;
        Ok(frames)
    });
    if written.is_err() && partial.exists() {
        // The failure is what matters; what is left lies under a name that nothing reads.
        let _ = fs::remove_dir_all(&partial);
    }
    written
}

/// Runs ffmpeg in `folder`, which gets raw-0.jpg, raw-1.jpg, ...
fn run(ffmpeg: &Path, video: &Path, folder: &Path) -> Result<()> {
    let video = std::path::absolute(video).map_err(Error::read(video))?;
    // The times are made anew, one frame after the other: a video's own times may have gaps, which would be filled or dropped.
    let filter = format!(r"select=not(mod(n\,{STEP})),setpts=N/(25*TB)");
    let output = Command::new(ffmpeg)
        .args(["-nostdin", "-hide_banner", "-loglevel", "error", "-i"])
        .arg(&video)
        .args(["-an", "-sn", "-vf", &filter, "-r", "25"])
        .args(["-start_number", "0", "-qmin", "1", "-q:v", "1"])
        // A pattern alone: a folder's name could have a `%` in it.
        .args(["-f", "image2", "raw-%d.jpg"])
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| no_ffmpeg(ffmpeg, &error.to_string()))?;
    let said = String::from_utf8_lossy(&output.stderr);
    let mut lines = said.lines().rev().map(str::trim);
    let last = lines.find(|line| !line.is_empty()).unwrap_or_default();
    if !output.status.success() {
        return Err(Error::Protocol {
            path: video,
            kind: "ffmpeg",
            expected: "ffmpeg to take its frames out".into(),
            found: format!("that it ended with {} ({last})", output.status),
            todo: "see whether ffmpeg can play it, or copy it again".into(),
        });
    }
    if !last.is_empty() {
        tracing::warn!("{}: ffmpeg says: {last}", video.display());
    }
    Ok(())
}

/// Gives ffmpeg's frames the numbers that they have in the video.
fn number(folder: &Path, video: &Path) -> Result<usize> {
    let mut frames: Vec<(usize, PathBuf)> = list_folder(folder)?
        .images
        .into_iter()
        .filter_map(|path| Some((stem(&path).strip_prefix("raw-")?.parse().ok()?, path)))
        .collect();
    if frames.is_empty() {
        return Err(Error::Protocol {
            path: video.to_path_buf(),
            kind: "ffmpeg",
            expected: "a video with frames".into(),
            found: "that ffmpeg took none out".into(),
            todo: "see whether ffmpeg can play it, or copy it again".into(),
        });
    }
    frames.sort();
    for (place, path) in &frames {
        let named = folder.join(format!("{:06}.jpg", place.saturating_mul(STEP)));
        fs::rename(path, &named).map_err(Error::write(&named))?;
    }
    Ok(frames.len())
}

/// The program as it can be called from another folder, if it can be called at all.
fn program(named: &Path) -> Result<PathBuf> {
    // A path with folders in it is meant from here; a bare name is looked for on the PATH.
    let is_bare = named.file_name() == Some(named.as_os_str());
    let program = if is_bare {
        named.to_path_buf()
    } else {
        std::path::absolute(named).map_err(Error::read(named))?
    };
    let mut asked = Command::new(&program);
    asked.arg("-version").stdin(Stdio::null());
    match asked.stdout(Stdio::null()).stderr(Stdio::null()).status() {
        Ok(status) if status.success() => Ok(program),
        Ok(status) => Err(no_ffmpeg(&program, &format!("one that ends with {status}"))),
        Err(error) if error.kind() == ErrorKind::NotFound && is_bare => {
            Err(no_ffmpeg(&program, "none on the PATH"))
        }
        Err(error) => Err(no_ffmpeg(&program, &error.to_string())),
    }
}

fn no_ffmpeg(program: &Path, found: &str) -> Error {
    Error::Protocol {
        path: program.to_path_buf(),
        kind: "ffmpeg",
        expected: "the program ffmpeg, to take frames out of videos".into(),
        found: found.into(),
        todo: format!(
            "install it, or put every {STEP}th frame of each video in {FRAMES}/<video>/<number>.jpg yourself"
        ),
    }
}

/// What is said of a folder that can't be made.
fn unwritable(folder: &Path, job: &FrameExtraction, error: std::io::Error) -> Error {
    let read_only = [ErrorKind::PermissionDenied, ErrorKind::ReadOnlyFilesystem];
    if job.out.is_none() && read_only.contains(&error.kind()) {
        return Error::Protocol {
            path: folder.to_path_buf(),
            kind: "unwritable",
            expected: "to write the frames there".into(),
            found: error.to_string(),
            todo: "give another folder with `--out`, and put the dataset's `testing` there too"
                .into(),
        };
    }
    Error::write(folder)(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_read_only_dataset_is_told_of_another_folder() {
        let mut job = FrameExtraction::new("root");
        let error = || std::io::Error::from(ErrorKind::ReadOnlyFilesystem);
        let said = unwritable(Path::new("root/training/frames"), &job, error()).to_string();
        assert!(said.contains("--out"), "{said}");
        job.out = Some("out".into());
        let said = unwritable(Path::new("out/training/frames"), &job, error()).to_string();
        assert!(!said.contains("--out"), "{said}");
    }
}
