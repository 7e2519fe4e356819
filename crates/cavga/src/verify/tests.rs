//! Forms that are wrong are found, of detectors that are made to be wrong in one form each.

use std::collections::BTreeMap;

use burn::tensor::{Device, Tensor};
use cavga_data::Regions;
use cavga_detect::{Detector, ImageScores, Maps, Merge, Scores, Tensors};

use super::*;
use crate::{calibration::Calibration, methods, view::View};

const SIZE: [usize; 2] = [16, 24];

/// In which form a detector is wrong, by how much of each number.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Wrong {
    Nowhere,
    /// Where it is asked about more images than one, in the last one's map.
    Together(f32),
    /// On other than this many threads.
    Threads(usize, f32),
    /// Without its inference form.
    Trained(f32),
    /// The more, the more often it was asked.
    Again(f32),
    /// As [`Wrong::Trained`], in a number that no image determines to more than that.
    Undetermined(f32),
}

/// Says the mean of an image and, as a map, its red plane; each and 1.
#[derive(Debug)]
struct Fake {
    wrong: Wrong,
    prepared: bool,
    asked: std::sync::atomic::AtomicUsize,
    device: Device,
}

impl Fake {
    fn off(&self, images: usize, image: usize) -> f32 {
        let asked = self
            .asked
            .fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        match self.wrong {
            Wrong::Together(off) if images > 1 && image + 1 == images => off,
            Wrong::Threads(right, off) if rayon::current_num_threads() != right => off,
            Wrong::Trained(off) if !self.prepared => off,
            Wrong::Again(off) => asked as f32 * off,
            _ => 0.0,
        }
    }
}

impl Detector for Fake {
    fn is_fitted(&self, _: &str) -> bool {
        false
    }

    fn score(&self, images: Tensor<4>, _: Option<Tensor<4>>) -> cavga_detect::Result<Scores> {
        let [count, _, height, width] = images.dims();
        let pixels: Vec<f32> = images.into_data().iter().collect();
        let mut means = Vec::new();
        let mut maps = Vec::new();
        for (image, pixels) in pixels.chunks_exact(3 * height * width).enumerate() {
            let right = 1.0 + self.off(count, image);
            let mean = pixels.iter().sum::<f32>() / pixels.len() as f32;
            means.push(match self.wrong {
                // What is left of numbers that cancel.
                Wrong::Undetermined(off) => pixels[7] * 1e4 + if self.prepared { 0.0 } else { off },
                _ => (mean + 1.0) * right,
            });
            let map = pixels.iter().take(height * width);
            maps.extend(map.map(|value| match self.wrong {
                Wrong::Undetermined(_) => *value,
                _ => (value + 1.0) * right,
            }));
        }
        let maps = Tensor::<1>::from_floats(maps.as_slice(), &self.device);
        Ok(Scores {
            images: vec![ImageScores {
                name: "mean",
                values: means,
                merge: Merge::Mean,
            }],
            maps: vec![Maps {
                name: "red",
                values: maps.reshape([count, height, width]),
            }],
        })
    }

    fn score_as_trained(&mut self) -> bool {
        std::mem::replace(&mut self.prepared, false)
    }

    fn state(&self) -> cavga_detect::Result<Tensors> {
        Ok(Tensors::new())
    }

    fn device(&self) -> &Device {
        &self.device
    }
}

fn model(wrong: Wrong, view: View) -> Model {
    let detector = Fake {
        wrong,
        prepared: true,
        asked: 0.into(),
        device: cavga_detect::device::parse("cpu").unwrap(),
    };
    let calibration = Calibration {
        n_train: 0,
        n_held_out: 0,
        scores: Vec::new(),
        maps: Vec::new(),
    };
    let method = methods::named("cavga-d-u").unwrap();
    let made_as = (method, SIZE, String::new());
    Model::new((
        Box::new(detector),
        made_as,
        view,
        (calibration, BTreeMap::new()),
    ))
}

/// What is found of a form of a detector that is wrong.
fn find(wrong: Wrong, view: &View, form: Form) -> Result<FormFound, NotCompared> {
    let load = |_: &Device| Ok(model(wrong, view.clone()));
    with_replay(wrong, view, &load, |replay| {
        let mut found = compare(replay, &[form], &mut ()).unwrap();
        assert_eq!(found.len(), 1);
        found.remove(0)
    })
}

/// About 11 generated images; `load` loads the model once more.
fn with_replay<T>(
    wrong: Wrong,
    view: &View,
    load: forms::Load<'_>,
    then: impl FnOnce(&mut Replay<'_>) -> T,
) -> T {
    let folder = tempfile::tempdir().unwrap();
    let options = VerifyOptions {
        allow_undetermined: true,
        ..VerifyOptions::default()
    };
    let own = model(wrong, view.clone());
    let samples = images::generated(folder.path(), SIZE, 11).unwrap();
    let (names, samples) = images::by_path(samples);
    let settings = Replay::settings(&own, &options);
    then(&mut Replay {
        batches: images::load(&own, &samples, &settings).unwrap(),
        model: own,
        load,
        samples,
        names,
        folder: folder.path(),
        options: &options,
    })
}

fn of(wrong: Wrong, form: Form) -> FormFound {
    find(wrong, &View::default(), form).unwrap()
}

#[test]
fn a_detector_that_is_wrong_nowhere_agrees_in_every_form() {
    for form in forms::all(false).0 {
        // The fake has no file.
        if form == Form::Saved {
            continue;
        }
        let found = of(Wrong::Nowhere, form);
        assert!(found.agrees && found.same_bits, "{found:?}");
        assert!(found.scores >= 11 && found.images == 11);
    }
}

#[test]
fn a_batch_that_changes_its_last_image_is_found() {
    for count in [2, 5, 8] {
        let found = of(Wrong::Together(1e-4), Form::Together(count));
        assert!(!found.agrees, "{found:?}");
        assert!(found.fault.unwrap().relative > 9e-5);
        // Every batch is full: 11 images in batches of 2 are 12 answers.
        assert_eq!(found.scores, 11_usize.div_ceil(count) * count);
    }
    let found = of(Wrong::Together(1e-6), Form::Together(2));
    assert!(found.agrees && !found.same_bits, "{found:?}");
}

#[test]
fn a_folded_form_that_is_off_is_found() {
    for off in [2e-5, 1e-3, -1.0, f32::NAN, f32::INFINITY] {
        let found = of(Wrong::Trained(off), Form::Trained);
        assert!(!found.agrees, "{off}: {found:?}");
    }
    assert!(of(Wrong::Trained(2e-6), Form::Trained).agrees);
}

#[test]
fn other_bits_on_another_number_of_threads_are_found_however_small() {
    let threads = rayon::current_num_threads();
    let found = of(Wrong::Threads(threads, 1e-6), Form::Threads(threads + 1));
    assert!(
        found.exact && !found.same_bits && !found.agrees,
        "{found:?}"
    );
    assert!(found.largest < 1e-5);
    // The pool asked for is the pool that works.
    assert!(of(Wrong::Threads(threads, 1e-6), Form::Threads(threads)).agrees);
}

#[test]
fn an_answer_that_changes_from_one_time_to_the_next_is_found() {
    let found = of(Wrong::Again(1e-6), Form::Again);
    assert!(found.exact && !found.agrees, "{found:?}");
}

#[test]
fn a_number_that_the_image_does_not_determine_is_let_pass_and_told() {
    // 1e-5 of a pixel is 0.1 of the score.
    let found = of(Wrong::Undetermined(0.05), Form::Trained);
    assert!(found.agrees && found.largest > 1e-5, "{found:?}");
    assert!(found.fault.is_none() && found.place.unwrap().moves > 0.05);
    assert!(!of(Wrong::Undetermined(0.3), Form::Trained).agrees);
}

#[test]
fn regions_leave_out_what_does_not_count_and_compare_pixels_of_the_models_size_alone() {
    let text = "[[camera]]\nsize = [8, 12]\nignore = [[[0, 0], [12, 0], [12, 4], [0, 4]]]";
    let regions = Regions::parse(text.as_bytes(), Path::new("r.toml")).unwrap();
    let view = View::new(Some(regions), None);
    for form in forms::all(false).0 {
        if form == Form::Saved {
            continue;
        }
        let found = find(Wrong::Nowhere, &view, form.clone()).unwrap();
        assert!(found.agrees, "{found:?}");
        if form == Form::Pixels {
            assert_eq!(found.scores, 8, "the others are of another size");
            assert_eq!(found.images, 8);
        }
    }
}

#[test]
fn a_form_that_says_nothing_of_some_images_does_not_agree() {
    let load = |_: &Device| Ok(model(Wrong::Nowhere, View::default()));
    with_replay(Wrong::Nowhere, &View::default(), &load, |replay| {
        let reference = reference(replay).unwrap();
        replay.batches.truncate(1);
        let found = one(replay, &Form::Again, &reference).unwrap().unwrap();
        assert!(!found.agrees && !found.same_bits, "{found:?}");
        assert_eq!(found.images, 1);
        assert_eq!(found.fault.unwrap().image, replay.names[1]);
    });
}

#[test]
fn a_device_that_fails_is_told_and_does_not_end_the_verification() {
    let failing = |_: &Device| {
        Err(crate::Error::Config {
            origin: "driver".to_owned(),
            why: "lost".to_owned(),
        })
    };
    let panicking = |_: &Device| -> crate::Result<Model> { panic!("no memory left") };
    let loads: [(forms::Load<'_>, &str); 2] =
        [(&failing, "driver: lost"), (&panicking, "no memory left")];
    for (load, why) in loads {
        with_replay(Wrong::Nowhere, &View::default(), load, |replay| {
            let forms = [Form::Device("cpu".to_owned()), Form::Again];
            let mut found = compare(replay, &forms, &mut ()).unwrap();
            assert!(found.remove(1).unwrap().agrees);
            let told = found.remove(0).unwrap_err().why;
            assert!(
                told.starts_with("it failed: ") && told.contains(why),
                "{told}"
            );
        });
    }
    let stopped = |_: &Device| Err(crate::Error::Stopped);
    with_replay(Wrong::Nowhere, &View::default(), &stopped, |replay| {
        let stopped = compare(replay, &[Form::Device("cpu".to_owned())], &mut ());
        assert!(matches!(stopped, Err(crate::Error::Stopped)));
    });
}

/// A camera may claim images by the folder that they lie in, which an id relative to that folder hides.
#[test]
fn a_camera_claims_an_image_by_its_path_as_in_predict() {
    let text = "[[camera]]\nimages = \"FOLDER/*.png\"\nsize = [8, 12]\nignore = [[[0, 0], [12, 0], [12, 4], [0, 4]]]";
    let folder = tempfile::tempdir().unwrap();
    let samples = images::generated(folder.path(), SIZE, 3).unwrap();
    let (names, by_path) = images::by_path(samples.clone());
    assert_eq!(
        names,
        samples
            .iter()
            .map(|sample| sample.id.clone())
            .collect::<Vec<_>>()
    );
    let own = folder.path().file_name().unwrap().to_str().unwrap();
    for (of, is_claimed) in [(own, true), ("another", false)] {
        let text = text.replace("FOLDER", of);
        let regions = Regions::parse(text.as_bytes(), Path::new("r.toml")).unwrap();
        let model = model(Wrong::Nowhere, View::new(Some(regions), None));
        assert_eq!(images::are_claimed(&model, &by_path).unwrap(), is_claimed);
        assert!(!images::are_claimed(&model, &samples).unwrap());
    }
}
