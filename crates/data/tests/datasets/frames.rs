//! Frames out of videos, with a program in ffmpeg's place and, where there is one, with ffmpeg.

#![cfg(unix)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use cavga_data::{FrameExtraction, Known, Limits, extract_frames, list_images, load_image};

use crate::tree::{Tree, spec};

/// A program that is called as ffmpeg is: `body` is run when it is to take frames out.
fn fake(tree: &Tree, body: &str) -> FrameExtraction {
    let program = tree.path("bin/ffmpeg");
    let script = format!("#!/bin/sh\n[ \"$1\" = -version ] && exit 0\n{body}\n");
    fs::write(&program, script).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    FrameExtraction {
        ffmpeg: program,
        ..FrameExtraction::new(tree.root())
    }
}

fn videos() -> Tree {
    let tree = Tree::new();
    tree.file("training/videos/01_001.avi", "x");
    tree.file("training/videos/02_001.avi", "x");
    tree.image("still.jpg");
    tree
}

/// Writes two frames, as ffmpeg would.
fn two_frames(tree: &Tree) -> String {
    let still = tree.root().join("still.jpg").display().to_string();
    format!("cp '{still}' raw-0.jpg; cp '{still}' raw-1.jpg; echo called >> '{still}.log'")
}

#[test]
fn frames_get_their_numbers_in_the_video_and_are_written_once() {
    let tree = videos();
    let job = fake(&tree, &two_frames(&tree));
    let mut told = Vec::new();
    let made = extract_frames(&job, &mut |one| told.push(one.clone())).unwrap();
    assert_eq!((made.videos, made.kept, made.frames), (2, 0, 4));
    assert_eq!(made.folder, tree.root().join("training/frames"));
    assert_eq!(
        (told[1].done, told[1].total, told[1].frames),
        (2, 2, Some(2))
    );
    assert_eq!(told[1].video, "02_001");
    let folder = tree.root().join("training/frames/01_001");
    assert_eq!(
        list_images(&folder).unwrap(),
        ["000000.jpg", "000005.jpg"].map(|name| folder.join(name))
    );
    let again = extract_frames(&job, &mut |_| {}).unwrap();
    assert_eq!((again.kept, again.frames), (2, 0));
    let calls = fs::read_to_string(tree.root().join("still.jpg.log")).unwrap();
    assert_eq!(calls.lines().count(), 2);
}

#[test]
fn one_scene_and_another_folder_can_be_named() {
    let tree = videos();
    let out = tree.root().join("out");
    let job = FrameExtraction {
        scene: Some("02".into()),
        out: Some(out.clone()),
        ..fake(&tree, &two_frames(&tree))
    };
    let made = extract_frames(&job, &mut |_| {}).unwrap();
    assert_eq!((made.videos, made.frames), (1, 2));
    assert!(out.join("training/frames/02_001/000005.jpg").is_file());
    assert!(!tree.root().join("training/frames").exists());
    let none = FrameExtraction {
        scene: Some("07".into()),
        ..job
    };
    assert_eq!(
        extract_frames(&none, &mut |_| {}).unwrap_err().kind(),
        "no-video"
    );
}

#[test]
fn a_failure_is_told_with_its_last_line_and_leaves_no_folder() {
    for (body, said) in [
        (
            "echo first >&2; echo 'moov atom not found' >&2; exit 3",
            "moov atom not found",
        ),
        ("kill -9 $$", "signal: 9"),
        ("exit 0", "took none out"),
    ] {
        let tree = videos();
        let half = format!("{}; {body}", two_frames(&tree));
        let body = if body == "exit 0" { body } else { &half };
        let job = fake(&tree, body);
        let error = extract_frames(&job, &mut |_| {}).unwrap_err();
        assert!(error.to_string().contains(said), "{error}");
        assert!(error.to_string().contains("01_001.avi"), "{error}");
        let left = fs::read_dir(tree.root().join("training/frames"))
            .unwrap()
            .count();
        assert_eq!(left, 0);
    }
}

#[test]
fn what_a_stopped_extraction_left_is_neither_read_nor_kept() {
    let tree = videos();
    let job = fake(&tree, &two_frames(&tree));
    tree.image("training/frames/.01_001.partial/raw-7.jpg");
    let wanted = spec(Known::Mstc, "01");
    assert!(
        tree.problems(&wanted)
            .contains(&"frames-missing".to_string())
    );
    extract_frames(&job, &mut |_| {}).unwrap();
    assert!(
        !tree
            .problems(&wanted)
            .contains(&"frames-missing".to_string())
    );
    assert!(!tree.root().join("training/frames/.01_001.partial").exists());
    assert_eq!(
        list_images(&tree.root().join("training/frames/01_001"))
            .unwrap()
            .len(),
        2
    );
}

#[test]
fn a_missing_program_or_folder_of_videos_is_told() {
    let tree = videos();
    let mut job = FrameExtraction::new(tree.root());
    job.ffmpeg = "no-such-program-as-this".into();
    let said = extract_frames(&job, &mut |_| {}).unwrap_err().to_string();
    assert!(
        said.contains("none on the PATH") && said.contains("install it"),
        "{said}"
    );
    job.ffmpeg = tree.root().join("bin/none");
    assert_eq!(
        extract_frames(&job, &mut |_| {}).unwrap_err().kind(),
        "ffmpeg"
    );
    let broken = fake(&tree, "exit 0");
    fs::write(&broken.ffmpeg, "#!/bin/sh\nexit 7\n").unwrap();
    assert_eq!(
        extract_frames(&broken, &mut |_| {}).unwrap_err().kind(),
        "ffmpeg"
    );
    let empty = Tree::new();
    let error = extract_frames(&FrameExtraction::new(empty.root()), &mut |_| {}).unwrap_err();
    assert_eq!(error.kind(), "folder-missing");
}

#[test]
fn ffmpeg_takes_out_the_frames_that_are_meant() {
    let tree = Tree::new();
    // Frame i is grey 10·i.
    for i in 0..23_u8 {
        let grey = image::GrayImage::from_pixel(64, 48, image::Luma([10 * i]));
        grey.save(tree.path(&format!("source/{i}.png"))).unwrap();
    }
    let video = tree.path("training/videos/01_0%d.avi");
    let made = Command::new("ffmpeg")
        .args(["-nostdin", "-loglevel", "error", "-framerate", "24", "-i"])
        .arg(tree.root().join("source/%d.png"))
        .args(["-c:v", "mpeg4", "-q:v", "1"])
        .arg(&video)
        .status();
    if !made.is_ok_and(|status| status.success()) {
        println!("skipped: there is no ffmpeg that writes MPEG-4 on the PATH");
        return;
    }
    let job = FrameExtraction::new(tree.root());
    let made = extract_frames(&job, &mut |_| {}).unwrap();
    assert_eq!(made.frames, 5);
    let folder = made.folder.join("01_0%d");
    for (path, number) in list_images(&folder).unwrap().iter().zip([0, 5, 10, 15, 20]) {
        assert!(
            path.ends_with(format!("{number:06}.jpg")),
            "{}",
            path.display()
        );
        let image = load_image(path, None, &Limits::default()).unwrap();
        assert_eq!([image.height, image.width], [48, 64]);
        let mean = image.pixels.iter().sum::<f32>() / image.pixels.len() as f32 * 255.0;
        assert!(
            (mean - 10.0 * number as f32).abs() < 3.0,
            "{number}: {mean}"
        );
    }
}
