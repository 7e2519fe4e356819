//! A model loaded once and asked about image after image, as a program on a line would.
//!
//! `cargo run --release -p cavga --example score_images -- RUN IMAGE...`

use std::{env, error::Error, path::Path};

use cavga::{
    Model,
    data::{Limits, load_image},
    device,
};

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = env::args_os().skip(1);
    let run = args.next().ok_or("give the folder of a run, then images")?;
    let model = Model::load(Path::new(&run), &device::parse("cpu")?)?;
    let scale = model
        .calibration()
        .scores
        .first()
        .ok_or("a model without a score")?;
    for path in args {
        // From a camera, the pixels would come as they are: planes of red, green and blue in [0, 1].
        let image = load_image(Path::new(&path), Some(model.size()), &Limits::default())?;
        let scored = model.score(image.pixels)?;
        let (name, score) = scored.scores.first().ok_or("no score")?;
        let highest = scored
            .maps
            .first()
            .and_then(|(_, map)| map.iter().copied().reduce(f32::max));
        println!(
            "{}: {name} {score} is {:?}, map up to {highest:?}",
            path.display(),
            scale.verdict(*score)
        );
    }
    Ok(())
}
