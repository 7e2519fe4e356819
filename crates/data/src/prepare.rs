//! One image as a network sees it: what doesn't count painted, resized, cut to a tile, changed at random.

use crate::decode::{Image, to_image};
use crate::error::Result;
use crate::loader::LoaderConfig;
use crate::regions::paint;
use crate::sample::Sample;
use crate::valid::Valid;

/// An image that is ready, and where there are regions which of its pixels count.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) pixels: Image,
    pub(crate) valid: Option<Valid>,
}

/// Loads an image, or a tile of one: `index` is the sample's, or `sample * tiles + tile`.
pub(crate) fn prepare(sample: &Sample, index: usize, config: &LoaderConfig) -> Result<Prepared> {
    let mut prepared = whole(sample, config)?;
    if let Some(tiles) = &config.tiles {
        let tile = index % tiles.len();
        let [height, width] = tiles.tile();
        prepared = Prepared {
            pixels: Image {
                height,
                width,
                pixels: tiles.cut(&prepared.pixels.pixels, tile),
            },
            valid: prepared.valid.map(|valid| tiles.cut_valid(&valid, tile)),
        };
    }
    let Prepared { pixels, valid } = &mut prepared;
    let name = (config.seed, config.pass, index as u64);
    config.augment.apply(pixels, name.0, name.1, name.2);
    if let Some(valid) = valid {
        let augment = &config.augment;
        augment.apply_to_valid(valid, name.0, name.1, name.2);
        // Again: paint is brightened too, and an edge that was resized or moved is a mixture.
        valid.paint(&mut pixels.pixels);
    }
    Ok(prepared)
}

fn whole(sample: &Sample, config: &LoaderConfig) -> Result<Prepared> {
    let Some(regions) = &config.regions else {
        let pixels = sample
            .source
            .load_fitted(config.size, config.fit, &config.limits)?;
        return Ok(Prepared {
            pixels,
            valid: None,
        });
    };
    let mut image = sample.source.decode(&config.limits)?;
    let full = [image.height() as usize, image.width() as usize];
    if let Some(valid) = regions.of(&sample.id, full)? {
        image = paint(image, &valid);
    }
    let valid = regions.at(&sample.id, full, config.size)?;
    Ok(Prepared {
        pixels: to_image(sample.path(), image, Some(config.size))?,
        valid: Some(match valid {
            Some(valid) => (*valid).clone(),
            None => Valid::all(config.size),
        }),
    })
}
