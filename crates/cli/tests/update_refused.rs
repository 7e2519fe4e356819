//! What `cavga update` refuses, and what becomes of thresholds: whatever goes wrong, the model file is what it was.

#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use std::{fs, path::Path, process::Command, sync::atomic::Ordering};

use cavga::{Error, Update, UpdateOptions};
use common::{
    Set, cavga, fail, json, more_normal, predicted, succeed,
    update::{add, bytes, forget, held_out, learnt, trail, train, update},
};

/// What a command says that fails with this code, and leaves the run's model as it was and nothing beside it.
fn refused(run: &Path, command: &mut Command, code: i32) -> String {
    let before = bytes(run);
    let said = fail(command, code);
    assert!(before == bytes(run), "{said}");
    assert!(!run.join("model.safetensors.partial").exists());
    said
}

#[test]
fn an_image_that_padim_has_to_see_again_must_be_what_it_was() {
    let set = Set::with_anomalous(1);
    let a = more_normal(&set, 7, 1);
    let run = train(&set, "padim", &a, "run", &[]);
    let elsewhere = set.path("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    for image in cavga::data::list_images(&a).unwrap() {
        fs::copy(&image, elsewhere.join(image.file_name().unwrap())).unwrap();
    }
    let [first, second, third] = [0, 1, 2].map(|at| learnt(&run)[at].clone());
    fs::copy(a.join(&second), a.join(&first)).unwrap();
    let said = refused(&run, &mut forget(&run, &[&second, &first]), 1);
    let path = a.join(&first).display().to_string();
    assert!(
        said.contains(&format!("{path}: its bytes are not those")),
        "{said}"
    );
    assert!(said.contains("or train again without it"), "{said}");
    fs::remove_file(a.join(&first)).unwrap();
    let said = refused(&run, &mut forget(&run, &[&first]), 1);
    assert!(
        said.contains(&format!("{path}: the image is not there")),
        "{said}"
    );
    succeed(forget(&run, &[&first]).arg("--data").arg(&elsewhere));
    let said = refused(&run, &mut forget(&run, &[&first]), 2);
    assert!(
        said.contains("went before, by change 1 (forget, "),
        "{said}"
    );

    let held = held_out(&run);
    fs::remove_file(a.join(&held)).unwrap();
    let said = refused(&run, &mut forget(&run, &[&third]), 1);
    assert!(
        said.contains(&held) && said.contains("--keep-calibration"),
        "{said}"
    );
    let threshold = || predicted(&run, &elsewhere)[0]["threshold"].clone();
    let before = threshold();
    let said = succeed(forget(&run, &[&third]).arg("--keep-calibration"));
    assert!(said.contains("still those of before"), "{said}");
    assert_eq!(threshold(), before);
    assert!(trail(&run).changes[2].kept_calibration);
    assert!(succeed(update(&run).arg("--list")).contains("calibration kept"));
    let said = refused(&run, &mut forget(&run, &[&held]), 1);
    assert!(said.contains("no held-out image is left"), "{said}");
}

#[test]
fn padim_forgets_no_image_that_was_not_learnt_once_as_it_is() {
    let set = Set::with_anomalous(1);
    let (a, more) = (more_normal(&set, 5, 1), more_normal(&set, 2, 2));
    for (setting, how) in [
        ("data.augment.flip_horizontal=true", "data.augment"),
        ("train.passes=2", "train.passes"),
    ] {
        let run = train(&set, "padim", &a, how, &[setting]);
        let id = &*learnt(&run)[0];
        let said = refused(&run, &mut forget(&run, &[id]), 1);
        assert!(said.contains(how) && said.contains("train again"), "{said}");
        // What came later came as it is.
        succeed(&mut add(&run, &more));
        succeed(&mut forget(&run, &["add-1/000.png"]));
        let run = train(&set, "patchcore", &a, &format!("{how}-bank"), &[setting]);
        succeed(&mut forget(&run, &[id]));
    }
}

#[test]
fn what_cannot_be_done_is_told() {
    let set = Set::with_anomalous(1);
    let run = train(&set, "patchcore", &set.data(), "run", &[]);
    let ids = learnt(&run);
    let all: Vec<_> = ids.iter().map(|id| &**id).collect();
    let slip = ids[0].replace("train", "trian");
    let said = refused(&run, &mut forget(&run, &[&slip]), 2);
    assert!(
        said.contains(&format!("did you mean {}?", ids[0])),
        "{said}"
    );
    let said = refused(&run, &mut forget(&run, &all), 1);
    assert!(said.contains("no image would be left"), "{said}");
    let said = refused(&run, &mut add(&run, &set.data().join("train/good")), 1);
    assert!(said.contains("none of its 7 images is new"), "{said}");
    let said = refused(&run, &mut add(&run, &set.data().join("test/good")), 1);
    assert!(
        said.contains("a test image of the run") && said.contains("give others"),
        "{said}"
    );
    let said = refused(&run, &mut add(&run, &set.data().join("test/scratch")), 1);
    assert!(said.contains("anomalous ones of the kind"), "{said}");
    let more = more_normal(&set, 3, 7);
    let nowhere = set.path("no/such/model.safetensors");
    let said = refused(&run, add(&run, &more).arg("--out").arg(nowhere), 2);
    assert!(said.contains("its folder does not exist"), "{said}");
    let options = UpdateOptions::default();
    options.stop.store(true, Ordering::Relaxed);
    let before = bytes(&run);
    let stopped = cavga::update(&run, &Update::Add(more.clone()), &options, &mut ());
    assert!(matches!(stopped, Err(Error::Stopped)), "{stopped:?}");
    assert!(before == bytes(&run));
    fs::write(more.join("x.png"), "no image").unwrap();
    let said = refused(&run, &mut add(&run, &more), 1);
    assert!(said.contains("x.png"), "{said}");
    fail(update(&run).args(["--list", "--add", "x"]), 2);
    fail(&mut update(&run), 2);

    let other = set.trained("cavga");
    for command in [
        &mut add(&other, &more),
        &mut forget(&other, &[&ids[0]]),
        update(&other).arg("--list"),
    ] {
        let said = refused(&other, command, 1);
        assert!(said.contains("a cavga-d-u learns in many passes"), "{said}");
        assert!(
            said.contains("train again with the images to add"),
            "{said}"
        );
    }
}

#[test]
fn rates_asked_for_are_held_by_the_images_held_out_now() {
    let set = Set::with_anomalous(1);
    let (a, more, other) = (
        more_normal(&set, 8, 1),
        more_normal(&set, 2, 2),
        more_normal(&set, 5, 3),
    );
    let run = train(&set, "patchcore", &a, "run", &["data.held_out=0.5"]);
    let calibrate = |args: &[&str]| json(cavga(["calibrate"]).arg(&run).args(args));
    let asked = calibrate(&["--false-alarms", "0.3"]);
    succeed(&mut add(&run, &more));
    let held = calibrate(&[]);
    assert_eq!(
        (&held["false_alarms"], &held["images"]),
        (&0.3.into(), &4.into())
    );
    assert!(held["threshold"].as_f64() < asked["threshold"].as_f64());

    // Others are held out, without those that were added.
    fs::copy(more.join("000.png"), other.join("learnt.png")).unwrap();
    let held = calibrate(&["--data", &other.display().to_string()]);
    assert_eq!(held["left_out"]["the run learnt from it"], 1);
    let ids: Vec<_> = trail(&run)
        .held_out()
        .map(|image| image.id.clone())
        .collect();
    assert_eq!((ids.len(), &*ids[0]), (5, "calibrate-2/000.png"));
    let [one, two, three] = [0, 1, 2].map(|at| &*ids[at]);
    succeed(&mut forget(&run, &[one, two]));
    assert_eq!(calibrate(&[])["images"], 3);
    let said = refused(&run, &mut forget(&run, &[three]), 1);
    assert!(
        said.contains("2 held-out images cannot hold the rates"),
        "{said}"
    );
    // Nothing that the forgotten one scored may decide from now on.
    succeed(forget(&run, &[three]).arg("--keep-calibration"));
    assert_eq!(calibrate(&[])["images"], 0);

    // The run's own come back, but for one that was to be forgotten.
    let own = trail(&run).images;
    let own: Vec<_> = own
        .iter()
        .filter(|i| i.number.is_none() && i.came == 0)
        .collect();
    assert_eq!(calibrate(&["--own-images"])["images"], 4);
    let id = format!("calibrate-5/{}", own[0].id);
    succeed(&mut forget(&run, &[&id]));
    assert_eq!(calibrate(&["--own-images"])["images"], 3);
    assert!(
        trail(&run)
            .held_out()
            .all(|image| image.sha256 != own[0].sha256)
    );
    succeed(&mut add(&run, &other));
}
