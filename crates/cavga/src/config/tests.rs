//! Reading configurations: defaults, files, single keys, and what is refused.

use super::*;

fn read(text: &str, overrides: &[&str]) -> Result<RunConfig> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("f.toml");
    fs::write(&path, text).unwrap();
    let overrides: Vec<_> = overrides.iter().map(|&text| text.to_owned()).collect();
    RunConfig::read("cavga-d-u", Some(&path), &overrides)
}

#[test]
fn a_record_reads_back_as_its_configuration() {
    let mut config = RunConfig::new(methods::named("cavga-d-u").unwrap());
    config.train.passes = Some(7);
    let mut table = config.to_table().unwrap();
    table.insert(RECORD.to_owned(), Value::Table(Table::new()));
    assert_eq!(read(&table.to_string(), &[]).unwrap(), config);
}

#[test]
fn overrides_come_last_and_are_typed_as_toml() {
    let config = read(
        "[train]\nbatch = 4\n[data]\nsize = [64, 32]",
        &["train.batch=2", "train.seed = 9"],
    )
    .unwrap();
    assert_eq!(
        (config.train.batch, config.train.seed, config.data.size),
        (2, 9, [64, 32])
    );
}

#[test]
fn an_unknown_key_names_its_nearest() {
    let error = read("[train]\nbatc = 4", &[]).unwrap_err().to_string();
    assert!(
        error.contains("unknown key train.batc (did you mean batch?)"),
        "{error}"
    );
    assert!(error.contains("f.toml"), "{error}");
    let error = read("", &["train.passs=4"]).unwrap_err().to_string();
    assert!(
        error.contains("--set train.passs=4: unknown key train.passs (did you mean passes?)"),
        "{error}"
    );
    let error = read("[tran]\nbatch = 4", &[]).unwrap_err().to_string();
    assert!(
        error.contains("unknown key tran (did you mean train?)"),
        "{error}"
    );
}

/// `rate` is a key of `method.adam` and `size` one of `data`; neither is one of `train`.
#[test]
fn an_unknown_key_that_another_section_has_is_named_with_its_own_section() {
    for (text, key) in [
        ("train.rate=1", "train.rate"),
        ("train.size=1", "train.size"),
        ("data.batch=1", "data.batch"),
        ("method.adam.passes=1", "method.adam.passes"),
        ("size=1", "size"),
    ] {
        let error = read("", &[text]).unwrap_err().to_string();
        assert!(error.contains(&format!("unknown key {key}")), "{error}");
    }
}

#[test]
fn a_setting_does_not_turn_one_method_into_another() {
    let error = read("", &["method.name=cavga-r-u"]).unwrap_err();
    assert!(matches!(error, Error::Config { .. }), "{error}");
}

#[test]
fn values_that_cannot_be_are_errors() {
    for text in [
        "train.batch=0",
        "data.held_out=1.0",
        "data.anomalous=0.0",
        "data.anomalous=1",
        "data.anomalous=nan",
        "data.size=[0,8]",
        "data.tile=[512,64]",
        "data.tile=[0,64]",
        "data.overlap=nan",
        "train.batch=many",
        "train",
        "train.=3",
    ] {
        let error = read("", &[text]).unwrap_err();
        assert!(matches!(error, Error::Config { .. }), "{text}: {error}");
    }
}

#[test]
fn one_key_of_a_section_can_be_set_alone() {
    let config = read("[method.adam]\nrate = 0.5", &["method.adversary.every=3"]).unwrap();
    let text = config.to_table().unwrap().to_string();
    assert!(
        text.contains("rate = 0.5") && text.contains("every = 3") && text.contains("beta"),
        "{text}"
    );
}

#[test]
fn a_file_for_another_method_is_an_error() {
    let error = read("[method]\nname = \"cavga-r-u\"", &[])
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("cavga-r-u") && error.contains("cavga-d-u"),
        "{error}"
    );
}
