//! Which file is taken for a backbone, and what is said where there is none.

use std::fs;

use super::*;

/// A folder for weights, and no network.
struct Place {
    folder: tempfile::TempDir,
    options: Options,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let options = Options {
            folder: Some(folder.path().to_owned()),
            offline: true,
            stop: Arc::default(),
            patience: Duration::ZERO,
            pause: Duration::ZERO,
        };
        Self { folder, options }
    }
}

#[test]
fn without_a_network_the_error_says_which_file_to_put_where() {
    let place = Place::new();
    for entry in &CATALOGUE {
        let error = locate(entry.backbone, &Source::Auto, &place.options, &mut ()).unwrap_err();
        let said = error.to_string();
        let path = place.folder.path().join(entry.file);
        for word in [
            path.to_str().unwrap(),
            &entry.sha256.to_string(),
            entry.backbone,
            entry.tensors[0],
        ] {
            assert!(said.contains(word), "expected {word}: {said}");
        }
        assert!(said.contains(entry.home.unwrap_or(entry.origin)), "{said}");
    }
}

#[test]
fn the_folder_s_files_are_taken_and_damage_is_noticed() {
    let place = Place::new();
    let auto = |place: &Place| locate("resnet-18", &Source::Auto, &place.options, &mut ());
    let own = place.folder.path().join("resnet-18.pth");
    fs::write(&own, "mine").unwrap();
    assert_eq!(auto(&place).unwrap(), Some(own));
    let named = place.folder.path().join("resnet18-f37072fd.pth");
    fs::write(&named, "not those bytes").unwrap();
    let said = auto(&place).unwrap_err().to_string();
    assert!(
        said.contains("damaged") && said.contains("f37072fd47e8"),
        "{said}"
    );
    assert!(
        said.contains("get it from https://") && said.contains("put it at"),
        "{said}"
    );
    let none = locate("resnet-18", &Source::None, &place.options, &mut ());
    assert_eq!(none.unwrap(), None);
    let file = Source::File(named.clone());
    let file = locate("anything", &file, &place.options, &mut ());
    assert_eq!(file.unwrap(), Some(named));
    let missing = locate(
        "resnet-18",
        &Source::File("no.pth".into()),
        &place.options,
        &mut (),
    );
    assert!(
        missing
            .unwrap_err()
            .to_string()
            .contains("no.pth: no such weight file")
    );
    let unknown = locate("resnet18", &Source::Auto, &place.options, &mut ()).unwrap_err();
    assert!(
        unknown.to_string().contains("did you mean resnet-18?"),
        "{unknown}"
    );
}

/// Real files, where they are at hand: known by their content, under the catalogue's name and under the backbone's.
#[test]
fn real_files_are_verified() {
    let root = std::env::var_os("CAVGA_TEST_DATA").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"),
        PathBuf::from,
    );
    let place = Place::new();
    for (backbone, file, name) in [
        (
            "squeezenet-1.1",
            "squeezenet1_1_imagenet.safetensors",
            "squeezenet1_1_imagenet.safetensors",
        ),
        (
            "efficientnet-lite0",
            "efficientnet_lite0_imagenet.safetensors",
            "efficientnet-lite0.safetensors",
        ),
        (
            "mobilenet-v2",
            "mobilenetv2_imagenet_features.safetensors",
            "mobilenet-v2.safetensors",
        ),
    ] {
        let file = root.join("weights").join(file);
        if !file.is_file() {
            println!(
                "skipped: {} is missing; set CAVGA_TEST_DATA to run it",
                file.display()
            );
            return;
        }
        let path = place.folder.path().join(name);
        fs::copy(file, &path).unwrap();
        let state = state(entry(backbone).unwrap(), Some(place.folder.path()));
        assert_eq!(state.unwrap(), State::Verified { path });
    }
}

#[test]
fn the_catalogue_is_consistent() {
    for entry in &CATALOGUE {
        let digits = entry.sha256.to_string();
        for digits in entry
            .also
            .iter()
            .chain([&entry.sha256])
            .map(ToString::to_string)
        {
            assert!(
                digits.len() == 64
                    && digits
                        .bytes()
                        .all(|b| b.is_ascii_hexdigit() && !b.is_ascii_uppercase())
            );
        }
        // The names of torch's files end in the first eight digits.
        if let Some((_, named)) = entry.file.trim_end_matches(".pth").rsplit_once('-') {
            assert!(digits.starts_with(named), "{}", entry.file);
        }
        if let Some(home) = entry.home {
            assert!(
                home.starts_with("https://") && home.ends_with(entry.file),
                "{home}"
            );
            assert!(!home.contains(char::is_whitespace));
        }
    }
}

#[test]
fn the_folder_follows_the_environment() {
    let with = |pairs: &'static [(&'static str, &'static str)]| {
        folder::from(move |name| {
            pairs
                .iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| value.into())
        })
    };
    assert_eq!(
        with(&[("CAVGA_WEIGHTS", "w"), ("HOME", "/h")]),
        Some("w".into())
    );
    assert_eq!(with(&[]), None);
    if cfg!(target_os = "linux") {
        assert_eq!(
            with(&[("HOME", "/h")]),
            Some("/h/.cache/cavga/weights".into())
        );
        assert_eq!(
            with(&[("HOME", "/h"), ("XDG_CACHE_HOME", "/x")]),
            Some("/x/cavga/weights".into())
        );
        assert_eq!(
            with(&[("HOME", "/h"), ("XDG_CACHE_HOME", "x")]),
            Some("/h/.cache/cavga/weights".into())
        );
    }
}
