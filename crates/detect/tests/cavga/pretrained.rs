//! Networks that start from what another training made.

use super::*;

/// CAVGA-R whose encoder starts as another one was drawn.
/// The setting that names the encoder's weights.
const ENCODER: &str = "method.encoder.weights";

fn pretrained(frozen_passes: usize, keep_statistics: bool) -> (Method, Pretrained) {
    let mut config = CavgaConfig::tiny();
    config.encoder.weights = Source::File("elsewhere".into());
    config.encoder.frozen_passes = frozen_passes;
    config.encoder.keep_statistics = keep_statistics;
    config.encoder.backbone = Kind::MobilenetV2;
    let mut other = config.clone();
    other.encoder.weights = Source::None;
    let state = fresh(&Method::CavgaRW(other), SIZE, 9)
        .unwrap()
        .state()
        .map(Option::unwrap);
    let encoder = state.unwrap().into_iter().filter_map(|(name, data)| {
        let name = name.strip_prefix("vae.encoder.")?;
        Some((name.to_owned(), data))
    });
    let file = WeightFile {
        path: "elsewhere".into(),
        tensors: encoder.collect(),
    };
    let mut known = Pretrained::default();
    known.insert(ENCODER, file);
    (Method::CavgaRW(config), known)
}

/// The encoder's tensors after some passes of a step each, those of its statistics and the others.
fn encoder_after(passes: usize, (method, known): &(Method, Pretrained)) -> [Tensors; 2] {
    let mut learner = method.learner(SIZE, 1, known, &Device::flex()).unwrap();
    for pass in 0..passes {
        let mut batch = lesson(method, pass as u64);
        batch.pass = pass;
        learner.observe(&batch).unwrap();
    }
    let mut tensors = learner.state().unwrap().unwrap();
    tensors.retain(|name, _| name.starts_with("vae.encoder."));
    let (statistics, others) = tensors
        .into_iter()
        .partition(|(name, _)| name.contains(".running_"));
    [statistics, others]
}

#[test]
fn a_pretrained_encoder_rests_then_moves_and_keeps_its_statistics() {
    let method = pretrained(2, true);
    let start = encoder_after(0, &method);
    for (name, data) in &method.1.get(ENCODER).unwrap().tensors {
        let name = format!("vae.encoder.{name}");
        let found = start.iter().find_map(|tensors| tensors.get(&name));
        assert!(found == Some(data), "{name}");
    }
    assert!(encoder_after(2, &method) == start);
    let [statistics, others] = encoder_after(3, &method);
    assert!(statistics == start[0] && others != start[1]);
    let [statistics, _] = encoder_after(3, &pretrained(2, false));
    assert!(statistics != start[0]);
}

#[test]
fn a_restored_learner_with_a_resting_encoder_goes_on_as_if_never_stopped() {
    let (method, known) = pretrained(2, true);
    let steps = |known: &Pretrained, state: Option<Tensors>, steps: std::ops::Range<usize>| {
        let mut learner = method.learner(SIZE, 1, known, &Device::flex()).unwrap();
        if let Some(state) = state {
            learner.restore(state).unwrap();
        }
        for step in steps {
            let mut batch = lesson(&method, step as u64);
            batch.pass = step;
            learner.observe(&batch).unwrap();
        }
        learner.state().unwrap().unwrap()
    };
    let straight = steps(&known, None, 0..4);
    for stop in [1, 3] {
        let half = steps(&known, None, 0..stop);
        // Nobody looks for the weight file a second time.
        assert!(steps(&Pretrained::default(), Some(half), stop..4) == straight);
    }
}

#[test]
fn weights_of_another_network_are_refused_with_the_first_tensors_that_do_not_fit() {
    let (Method::CavgaRW(mut config), known) = pretrained(0, true) else {
        unreachable!("it makes no other");
    };
    config.encoder.backbone = Kind::Resnet18;
    let learner = Method::CavgaRW(config).learner(SIZE, 1, &known, &Device::flex());
    let error = learner.err().unwrap();
    assert!(error.to_string().contains("elsewhere"), "{error}");
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert!(
        source.contains("missing: conv1.weight [64, 3, 7, 7]"),
        "{source}"
    );
    assert!(source.contains("more"), "{source}");
}

#[test]
fn weights_that_settings_name_and_nobody_brought_are_missed() {
    let (method, _) = pretrained(2, true);
    let mut learner = fresh(&method, SIZE, 1).unwrap();
    let error = learner.observe(&lesson(&method, 0)).unwrap_err();
    assert!(error.to_string().starts_with("encoder.weights"), "{error}");
}
