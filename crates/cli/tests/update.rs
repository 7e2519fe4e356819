//! `cavga update`: what a model learns later and what it forgets, and what its file says of it.

#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use std::{
    fs,
    path::{Path, PathBuf},
};

use cavga::tensor_file;
use common::{
    Set, cavga, fail, json, more_normal, predicted, succeed,
    update::{add, bytes, forget, held_out, learnt, trail, train, update},
};
use serde_json::Value;

/// A score of each of the set's test images.
fn scores(run: &Path, images: &Path, name: &str) -> Vec<f64> {
    let said = predicted(run, images).into_iter();
    said.map(|said| said["scores"][name].as_f64().unwrap())
        .collect()
}

/// The largest difference of two rows of scores, relative to the first.
fn apart(one: &[f64], other: &[f64]) -> f64 {
    assert_eq!(one.len(), other.len());
    let each = one.iter().zip(other);
    each.map(|(one, other)| (one - other).abs() / one.abs().max(1e-6))
        .fold(0.0, f64::max)
}

/// Copies files into a new folder, under these names.
fn folder(set: &Set, name: &str, files: &[(PathBuf, String)]) -> PathBuf {
    let folder = set.path(name);
    for (file, name) in files {
        let to = folder.join(name);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(file, to).unwrap();
    }
    folder
}

fn files(folder: &Path) -> Vec<PathBuf> {
    cavga::data::list_images(folder).unwrap()
}

/// Folders of the images of `a` and of `more`, and of all of them: of the last, the one that a run on it holds out is the one that `run`
/// held out of `a`, so that runs on both have the same image held out.
fn together(set: &Set, run: &Path, (a, more): (&Path, &Path), settings: &[&str]) -> PathBuf {
    let held = held_out(run);
    let (held, mut others): (Vec<_>, Vec<_>) =
        files(a).into_iter().partition(|path| path.ends_with(&held));
    others.extend(files(more));
    let names: Vec<_> = (0..=others.len())
        .map(|at| format!("{at:02}.png"))
        .collect();
    let all = others.iter().chain(&held).cloned();
    let probe = folder(set, "probe", &all.zip(names.clone()).collect::<Vec<_>>());
    let place = held_out(&train(set, "padim", &probe, "probed", settings));
    let of_others = names.iter().filter(|name| **name != place).cloned();
    let mut placed: Vec<_> = others.into_iter().zip(of_others).collect();
    placed.push((held[0].clone(), place));
    fs::remove_dir_all(&probe).unwrap();
    fs::remove_dir_all(set.path("probed")).unwrap();
    folder(set, "union", &placed)
}

#[test]
fn padim_updated_is_padim_fitted_from_scratch() {
    let name = "mahalanobis-max";
    let camera = "[[camera]]\nimages = \"*.png\"\nsize = [32, 32]\nignore = [[[8, 0], [20, 0], [20, 14], [8, 14]]]\n";
    for settings in [
        vec![],
        vec!["data.size=[96,96]", "data.tile=[64,64]", "data.regions"],
    ] {
        let set = Set::with_anomalous(1);
        let regions = set.path("regions.toml");
        fs::write(&regions, camera).unwrap();
        let regions = format!("data.regions={:?}", regions.display().to_string());
        let settings = settings.into_iter();
        let settings: Vec<_> = settings
            .map(|setting| match setting {
                "data.regions" => &*regions,
                other => other,
            })
            .collect();
        let (a, more) = (more_normal(&set, 7, 1), more_normal(&set, 3, 2));
        let run = train(&set, "padim", &a, "run", &settings);
        let all = together(&set, &run, (&a, &more), &settings);
        let scratch = train(&set, "padim", &all, "scratch", &settings);

        let test = set.data().join("test");
        let before = scores(&run, &test, name);
        let updated = json(&mut add(&run, &more));
        assert_eq!(
            (&updated["learnt"], &updated["held_out"]),
            (&9.into(), &1.into())
        );
        let (after, expected) = (scores(&run, &test, name), scores(&scratch, &test, name));
        assert!(apart(&expected, &after) < 1e-3, "{expected:?} {after:?}");
        assert!(apart(&before, &after) > 1e-2, "{before:?} {after:?}");
        let threshold = |run: &Path| predicted(run, &test)[0]["threshold"].as_f64().unwrap();
        assert!(apart(&[threshold(&scratch)], &[threshold(&run)]) < 1e-3);

        let new: Vec<_> = learnt(&run)
            .into_iter()
            .filter(|id| id.starts_with("add-1/"))
            .collect();
        assert_eq!(new.len(), 3);
        succeed(&mut forget(
            &run,
            &new.iter().map(|id| &**id).collect::<Vec<_>>(),
        ));
        let again = scores(&run, &test, name);
        assert!(apart(&before, &again) < 1e-3, "{before:?} {again:?}");
    }
}

/// Owners of the rows of a bank, how many features each image has, and the radius.
fn bank(run: &Path) -> (Vec<u32>, Vec<u32>, f64) {
    let (_, tensors) = tensor_file::load(&run.join("model.safetensors")).unwrap();
    let numbers = |name: &str| {
        let data = tensors.get(&format!("detector.bank.{name}")).unwrap();
        data.iter::<u32>().collect()
    };
    let radius = tensors
        .get("detector.bank.radius")
        .unwrap()
        .iter::<f64>()
        .next();
    (numbers("owners"), numbers("features"), radius.unwrap())
}

#[test]
fn a_bank_covers_what_was_added_and_keeps_nothing_of_what_was_forgotten() {
    let set = Set::with_anomalous(1);
    let (a, more) = (more_normal(&set, 7, 1), more_normal(&set, 3, 2));
    let run = train(&set, "patchcore", &a, "run", &[]);
    let (owners, features, _) = bank(&run);
    assert_eq!(features.len(), 6);
    // A copy of one that it knows, below another folder.
    let known = learnt(&run).remove(0);
    fs::create_dir(more.join("b")).unwrap();
    fs::copy(a.join(&known), more.join("b/copy.png")).unwrap();
    let updated = json(&mut add(&run, &more));
    assert_eq!(updated["left_out"]["learnt already"], 1);
    let (more_owners, features, radius) = bank(&run);
    assert!(more_owners.len() > owners.len() && features.len() == 9);
    assert!(more_owners.iter().any(|&owner| owner >= 6));
    let facts = &updated["change"]["facts"];
    assert_eq!(facts["rows"].as_f64(), Some(more_owners.len() as f64));
    assert_eq!(facts["radius"].as_f64(), Some(radius));

    // No feature of an image that it knows lies farther from its nearest row.
    let covers = |images: &[PathBuf], radius: f64| {
        for image in images {
            let farthest = scores(&run, image, "patch-distance-max")[0];
            assert!(farthest <= radius * (1.0 + 1e-4), "{farthest} {radius}");
        }
    };
    let held = held_out(&run);
    let mut images = files(&a);
    images.retain(|path| !path.ends_with(&held));
    images.extend(files(&more));
    covers(&images, radius);

    let ids = [&*known, "add-1/001.png"];
    // Nobody needs their pixels.
    fs::remove_file(more.join("001.png")).unwrap();
    succeed(&mut forget(&run, &ids));
    let (owners, features, radius) = bank(&run);
    assert!(owners.iter().all(|owner| ![0, 7].contains(owner)));
    assert_eq!((features[0], features[7]), (0, 0));
    images.retain(|path| path.exists() && *path != a.join(&known) && !path.ends_with("copy.png"));
    assert_eq!(images.len(), 7);
    covers(&images, radius);
}

#[test]
fn the_trail_says_what_came_and_what_went() {
    let set = Set::with_anomalous(1);
    let (a, more) = (more_normal(&set, 7, 1), more_normal(&set, 2, 2));
    let run = train(&set, "patchcore", &a, "run", &[]);
    let learnt = learnt(&run);
    let other = set.path("other.safetensors");
    let before = bytes(&run);
    succeed(add(&run, &more).arg("--out").arg(&other));
    assert!(before == bytes(&run) && trail(&run).changes.len() == 1);
    fs::rename(&other, run.join("model.safetensors")).unwrap();
    let mut forgetting = forget(&run, &[&learnt[2]]);
    let mut command = cavga(["eval", "--no-maps", "--data"]);
    succeed(command.arg(set.data()).arg(&run));
    let said = succeed(forgetting.env("SOURCE_DATE_EPOCH", "951782400"));
    assert!(
        said.contains("Images forgotten: 1.\nThe model now knows: 7; held out: 1."),
        "{said}"
    );
    assert!(said.contains("Next:  cavga eval"), "{said}");

    let said = succeed(update(&run).arg("--list"));
    let lines: Vec<Vec<&str>> = said
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert!(
        said.starts_with("3 changes, 7 images learnt, 1 held out.\n"),
        "{said}"
    );
    assert_eq!(lines[3][..2], ["0", "fit"]);
    assert_eq!(lines[4][..2], ["1", "add"]);
    assert_eq!(*lines[4].last().unwrap(), more.display().to_string());
    assert_eq!(lines[5][..3], ["2", "forget", "2000-02-29T00:00:00Z"]);
    let line = |id: &str| lines.iter().find(|line| line.last() == Some(&id)).unwrap();
    assert_eq!(line(&learnt[2])[..4], ["2", "forgotten", "0", "2"]);
    assert_eq!(line("add-1/000.png")[..4], ["6", "learnt", "1", "-"]);
    assert_eq!(line(&held_out(&run))[..5], ["-", "held", "out", "0", "-"]);
    assert_eq!(line("add-1/001.png")[4].len(), 64);
    let json: Value = json(update(&run).arg("--list"));
    assert_eq!(json["images"][2]["went"], 2);

    // What it learnt is no test image, what it forgot may be one.
    let listed = || fs::read_to_string(run.join("images.csv")).unwrap();
    assert!(
        !listed().contains(&format!("{},", learnt[2])),
        "{}",
        listed()
    );
    assert_eq!(listed().matches(",learnt from,").count(), 7);
    fs::copy(more.join("000.png"), set.data().join("test/good/x.png")).unwrap();
    let said = fail(cavga(["eval", "--data"]).arg(set.data()).arg(&run), 1);
    assert!(said.contains("test/good/x.png"), "{said}");
}
