//! Files of tensors: what is written is read, of this format and those before it.

use super::*;

fn header() -> Header {
    let method = methods::named("cavga-d-u").unwrap();
    // Numbers that a careless parser gets wrong in the last place.
    let place = Place {
        step: 3,
        pass: 1,
        batch: 2,
        seconds: 0.1 + 0.2,
    };
    Header {
        method,
        size: [32, 64],
        tile: None,
        regions: None,
        data: "abc".to_owned(),
        trail: None,
        content: Content::Checkpoint {
            place,
            gone: BTreeSet::new(),
        },
    }
}

#[test]
fn what_is_saved_is_loaded_and_the_same_content_gives_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.safetensors");
    let tensors = Tensors::from([
        (
            "b.weight".to_owned(),
            TensorData::new(vec![0.1_f32, -0.0, f32::MIN_POSITIVE], [3, 1]),
        ),
        ("a".to_owned(), TensorData::new(vec![i64::MAX], [1])),
        (
            "empty".to_owned(),
            TensorData::new(Vec::<f32>::new(), [0, 2]),
        ),
    ]);
    save(&path, &header(), &tensors).unwrap();
    assert_eq!(load(&path).unwrap(), (header(), tensors.clone()));
    let other = folder.path().join("b.safetensors");
    save(&other, &header(), &tensors).unwrap();
    assert_eq!(fs::read(path).unwrap(), fs::read(other).unwrap());
}

/// What says neither tiles nor regions is what version 2 wrote, and what has no trail, what version 4 did.
#[test]
fn files_of_the_formats_before_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.safetensors");
    for format in OLDEST..FORMAT {
        let value = serde_json::to_value(header()).unwrap();
        let later = ["tile", "regions", "trail"];
        assert!(later.iter().all(|key| value.get(key).is_none()));
        assert!(value.pointer("/content/gone").is_none());
        let entry = serde_json::to_string(&Envelope {
            format,
            sha256: checksum(&value, std::iter::empty()),
            header: value,
        })
        .unwrap();
        let nothing = Vec::<(&str, TensorView<'_>)>::new();
        let metadata = HashMap::from([(ENTRY.to_owned(), entry)]);
        let bytes = safetensors::serialize(nothing, Some(metadata)).unwrap();
        fs::write(&path, bytes).unwrap();
        assert_eq!(load(&path).unwrap().0, header());
    }
}

#[test]
fn regions_come_back_from_a_file_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.safetensors");
    let text =
        "[[camera]]\nimages = \"a*\"\nsize = [3, 3]\nignore = [[[0.1, 0.2], [2.7, 0.3], [1, 3]]]";
    let regions = Regions::parse(text.as_bytes(), Path::new("r.toml")).unwrap();
    let header = Header {
        regions: Some(regions.clone()),
        tile: Some(Tiling {
            size: [16, 32],
            overlap: 0.1,
        }),
        ..header()
    };
    save(&path, &header, &Tensors::new()).unwrap();
    let found = load(&path).unwrap().0;
    assert_eq!(found.tile, header.tile);
    let of = |regions: &Regions| regions.of("a.png", [30, 20]).unwrap();
    assert_eq!(of(&found.regions.unwrap()), of(&regions));
}

#[test]
fn a_method_of_a_later_version_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.safetensors");
    let mut header = serde_json::to_value(header()).unwrap();
    header["method"]["name"] = "cavga-x".into();
    let sha256 = checksum(&header, std::iter::empty());
    let entry = serde_json::to_string(&Envelope {
        format: FORMAT,
        sha256,
        header,
    })
    .unwrap();
    let nothing = Vec::<(&str, TensorView<'_>)>::new();
    let metadata = HashMap::from([(ENTRY.to_owned(), entry)]);
    fs::write(
        &path,
        safetensors::serialize(nothing, Some(metadata)).unwrap(),
    )
    .unwrap();
    let error = load(&path).unwrap_err().to_string();
    assert!(error.contains("cavga-x"), "{error}");
}
