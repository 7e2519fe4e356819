//! Pretraining on a dozen generated images with the fewest channels.

use std::{fs, path::PathBuf, sync::atomic::Ordering};

use cavga_data::generate::{GenerateConfig, write_dataset};

use super::*;
use crate::{progress::Step, train::read_log};

/// A folder with images of 64 pixels, and the settings of a training of seconds.
struct Case {
    folder: tempfile::TempDir,
    config: DcganConfig,
}

impl Case {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let generate = GenerateConfig {
            train: 7,
            size: [70, 64],
            ..GenerateConfig::tiny()
        };
        write_dataset(folder.path().join("set"), &generate).unwrap();
        Self {
            folder,
            config: DcganConfig::tiny(),
        }
    }
    fn data(&self) -> PathBuf {
        self.folder.path().join("set/train/good")
    }
    fn out(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
    fn run(&self, name: &str, options: &PretrainOptions) -> Result<PretrainOutcome> {
        pretrain_dcgan(
            &self.config,
            &self.data(),
            &self.out(name),
            options,
            &mut (),
        )
    }
    fn error(&self, name: &str) -> String {
        self.run(name, &PretrainOptions::default())
            .unwrap_err()
            .to_string()
    }
    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder.path()).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names.filter(|name| name != "set").collect();
        names.sort();
        names
    }
}

/// Raises the stop flag at a step.
struct StopAt(u64, Arc<AtomicBool>);

impl Progress for StopAt {
    fn on(&mut self, event: Event<'_>) {
        if let Event::Step(Step { step, .. }) = event
            && *step == self.0
        {
            self.1.store(true, Ordering::Relaxed);
        }
    }
}

#[test]
fn a_folder_becomes_weights_samples_and_a_log() {
    let case = Case::new();
    let outcome = case
        .run("faces.safetensors", &PretrainOptions::default())
        .unwrap();
    let PretrainOutcome::Finished(about) = outcome else {
        panic!("{outcome:?}");
    };
    assert_eq!((about.images, about.steps), (7, 4));
    assert_eq!(
        case.names(),
        ["faces.jsonl", "faces.safetensors", "faces.samples.png"]
    );
    let (found, tensors) = load(&case.out("faces.safetensors")).unwrap();
    assert_eq!(found, about);
    assert!(
        tensors
            .keys()
            .all(|name| { name.starts_with("generator.") || name.starts_with("discriminator.") })
    );
    assert!(numbers(&tensors).all(f64::is_finite));
    let log = read_log(&case.out("faces.jsonl")).unwrap();
    assert_eq!(log.len(), 4);
    assert!(
        log.iter()
            .all(|line| line.losses.values().all(|loss| loss.is_finite()))
    );
    let sheet = image::open(case.out("faces.samples.png"))
        .unwrap()
        .into_rgb8();
    assert_eq!(sheet.dimensions(), (8 * 66 - 2, 8 * 66 - 2));
    let first = image::imageops::crop_imm(&sheet, 0, 0, 64, 64).to_image();
    let second = image::imageops::crop_imm(&sheet, 66, 0, 64, 64).to_image();
    assert_ne!(first, second);
    // And once more: nothing to do, nothing lost.
    let again = PretrainOptions {
        resume: true,
        ..PretrainOptions::default()
    };
    let outcome = case.run("faces.safetensors", &again).unwrap();
    assert_eq!(outcome, PretrainOutcome::WasFinished(about));
}

fn numbers(tensors: &Tensors) -> impl Iterator<Item = f64> {
    tensors.values().flat_map(|data| data.iter::<f64>())
}

#[test]
fn stopped_and_resumed_it_ends_at_the_same_bits() {
    let case = Case::new();
    case.run("whole.safetensors", &PretrainOptions::default())
        .unwrap();
    // In the middle of the first pass and in the middle of the second, with a kill's torn log in between.
    for step in [1, 3] {
        let options = PretrainOptions {
            resume: step > 1,
            ..PretrainOptions::default()
        };
        let mut stop = StopAt(step, Arc::clone(&options.stop));
        let outcome = pretrain_dcgan(
            &case.config,
            &case.data(),
            &case.out("parts.safetensors"),
            &options,
            &mut stop,
        );
        assert_eq!(
            outcome.unwrap(),
            PretrainOutcome::Stopped { step, steps: 4 }
        );
        assert!(!case.out("parts.safetensors").exists());
    }
    let begun = case.error("parts.safetensors");
    assert!(begun.contains("--resume"), "{begun}");
    let resume = PretrainOptions {
        resume: true,
        ..PretrainOptions::default()
    };
    let other = PretrainOptions {
        seed: 1,
        ..resume.clone()
    };
    let differs = case
        .run("parts.safetensors", &other)
        .unwrap_err()
        .to_string();
    assert!(differs.contains("seed = 0, not 1"), "{differs}");
    case.run("parts.safetensors", &resume).unwrap();
    for ending in ["safetensors", "samples.png"] {
        let [whole, parts] =
            ["whole", "parts"].map(|name| fs::read(case.out(&format!("{name}.{ending}"))).unwrap());
        assert!(whole == parts, "{ending} differs");
    }
    let steps: Vec<_> = read_log(&case.out("parts.jsonl")).unwrap();
    assert_eq!(
        steps.iter().map(|line| line.step).collect::<Vec<_>>(),
        [1, 2, 3, 4]
    );
    assert!(!case.out("parts.checkpoint.safetensors").exists());
}

#[test]
fn where_nothing_can_be_written_or_much_be_lost_is_said_first() {
    let case = Case::new();
    fs::write(case.out("there.safetensors"), "mine").unwrap();
    assert!(case.error("there.safetensors").contains("there already"));
    assert_eq!(fs::read(case.out("there.safetensors")).unwrap(), b"mine");
    assert!(
        case.error("no/a.safetensors")
            .contains("is missing; make it")
    );
    assert!(case.error("set").contains("a folder; give"));
    for other in ["mine.jsonl", "mine.samples.png"] {
        fs::write(case.out(other), "mine").unwrap();
        for resume in [false, true] {
            let options = PretrainOptions {
                resume,
                ..PretrainOptions::default()
            };
            let error = case.run("mine.safetensors", &options).unwrap_err();
            let said = error.to_string();
            assert!(
                said.contains(other) && said.contains("overwritten"),
                "{said}"
            );
        }
        assert_eq!(fs::read(case.out(other)).unwrap(), b"mine");
        fs::remove_file(case.out(other)).unwrap();
    }
}

/// It left a log and nothing to go on from.
#[test]
fn a_pretraining_killed_before_its_first_checkpoint_is_gone_on_with() {
    let case = Case::new();
    let options = PretrainOptions {
        resume: true,
        ..PretrainOptions::default()
    };
    case.run("first.safetensors", &options).unwrap();
    fs::copy(case.out("first.jsonl"), case.out("second.jsonl")).unwrap();
    case.run("second.safetensors", &options).unwrap();
    let logs = ["first.jsonl", "second.jsonl"].map(|name| read_log(&case.out(name)).unwrap().len());
    assert_eq!(logs[0], logs[1]);
}

#[test]
fn images_that_cannot_be_learnt_from_are_named() {
    let case = Case::new();
    let small = case.data().join("small.png");
    image::RgbImage::new(63, 200).save(&small).unwrap();
    let said = case.error("a.safetensors");
    assert!(
        said.contains("small.png") && said.contains("200 rows of 63"),
        "{said}"
    );
    fs::write(&small, "no image").unwrap();
    let said = case.error("a.safetensors");
    assert!(said.contains("small.png"), "{said}");
    let run = |data: PathBuf| {
        let out = case.out("a.safetensors");
        let options = PretrainOptions::default();
        pretrain_dcgan(&case.config, &data, &out, &options, &mut ())
            .unwrap_err()
            .to_string()
    };
    assert!(run(case.out("nothing")).contains("expected a folder of images"));
    fs::create_dir(case.out("empty")).unwrap();
    assert!(run(case.out("empty")).contains("expected images"));
    assert!(run(small).contains("found a file"));
}

#[test]
fn a_stop_while_images_are_looked_at_is_heard() {
    let case = Case::new();
    let options = PretrainOptions::default();
    options.stop.store(true, Ordering::Relaxed);
    let error = case.run("a.safetensors", &options).unwrap_err();
    assert!(matches!(error, Error::Stopped), "{error}");
    assert_eq!(case.names(), Vec::<String>::new());
}

#[test]
fn settings_that_cannot_be_are_named() {
    for (setting, says) in [
        ("width=0", "width = 0"),
        ("widht=8", "did you mean width?"),
        ("passes=0", "passes = 0"),
        ("adam.rate=-1", "adam.rate"),
        ("real_target=2", "real_target"),
        ("instance_noise=nan", "instance_noise"),
    ] {
        let error = dcgan_config(&[setting.to_owned()]).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }
    assert_eq!(dcgan_config(&["batch=3".to_owned()]).unwrap().batch, 3);
}

#[test]
fn a_training_that_diverges_stops_and_leaves_no_weights() {
    let mut case = Case::new();
    case.config.adam.rate = 1e30;
    case.config.passes = 5;
    let options = PretrainOptions {
        checkpoint_minutes: 0.0,
        ..PretrainOptions::default()
    };
    let error = case.run("a.safetensors", &options).unwrap_err();
    assert!(matches!(error, Error::Diverged { .. }), "{error}");
    assert!(!case.out("a.safetensors").exists());
    let log = read_log(&case.out("a.jsonl")).unwrap();
    let finite = |line: &crate::LogLine| line.losses.values().all(|loss| loss.is_finite());
    assert!(log.len() < 10 && log.iter().all(finite));
}

/// Grey PGM files in one folder for each person, none of them square, where they are at hand: `CAVGA_TEST_DATA`, or `shared/data`
/// beside the project.
#[test]
fn real_faces_in_folders_are_learnt_from() {
    let root = std::env::var_os("CAVGA_TEST_DATA").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"),
        PathBuf::from,
    );
    let data = root.join("orl_faces");
    if !data.is_dir() {
        let data = data.display();
        println!("skipped: {data} is missing; set CAVGA_TEST_DATA to run it");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let config = DcganConfig {
        passes: 1,
        batch: 128,
        ..DcganConfig::tiny()
    };
    let out = folder.path().join("faces.safetensors");
    let outcome = pretrain_dcgan(&config, &data, &out, &PretrainOptions::default(), &mut ());
    let PretrainOutcome::Finished(about) = outcome.unwrap() else {
        panic!("it is not finished");
    };
    assert_eq!((about.images, about.steps), (400, 4));
}
