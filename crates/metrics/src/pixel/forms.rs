//! The other forms of pixel figures by hand: by ranks, saturated, per image, by size.

use super::tests::{assert_close, evaluate, map};
use super::*;
use crate::{AUPIMO_LIMITS, AUPRO_LIMIT};

#[test]
fn a_hundred_ranks_break_ties_against_a_constant_map() {
    // Edge case 1 in the other form in use: the rate is read off the rank, so all ties but the last are above it.
    let metrics = evaluate(&[map(
        &[&[0.7; 50], &[0.7; 50]],
        &[&"#".repeat(50), &".".repeat(50)],
    )]);
    assert_close(metrics.aupro(AUPRO_LIMIT), 0.15);
    assert!(metrics.aupro_100_ranks(AUPRO_LIMIT).unwrap() < 0.01);
}

#[test]
fn a_saturated_defect_is_found_whole_by_as_many_pixels_as_suffice() {
    let scores = [0.9, 0.8, 0.2, 0.1, 0.5, 0.3];
    let mask = [true, true, true, true, false, false];
    let defects = |saturation| {
        [Defect {
            mask: &mask,
            saturation,
        }]
    };
    let area = |saturation: usize| {
        let defects = defects(saturation);
        let map = PixelMap::new(&scores, &mask, 1, 6).unwrap();
        let mut evaluation = PixelEvaluation::new(0.5);
        evaluation
            .push(&map.with_defects(&defects).unwrap())
            .unwrap();
        evaluation.finish().auspro(1.0)
    };
    // Two of its four pixels stand above all normal ones.
    assert_eq!(area(2), Ok(1.0));
    assert_close(area(4), 0.5);
    assert_close(area(99), 0.5);
    // The third comes after both normal pixels.
    assert_close(area(3), 2.0 / 3.0);
    let plain = evaluate(&[map(&[&scores], &["####.."])]);
    assert_eq!(plain.auspro(1.0), Err(Undefined::NoDefects));
    assert_eq!(area(4), plain.aupro(1.0));
}

#[test]
fn defects_may_share_pixels_and_need_not_be_connected() {
    let [one, other] = [[true, false, true, false], [false, false, true, false]];
    let defects = [
        Defect {
            mask: &one,
            saturation: 2,
        },
        Defect {
            mask: &other,
            saturation: 1,
        },
    ];
    let mask = [true, false, true, false];
    let map = PixelMap::new(&[0.1, 0.5, 0.9, 0.4], &mask, 1, 4).unwrap();
    let mut evaluation = PixelEvaluation::new(0.5);
    evaluation
        .push(&map.with_defects(&defects).unwrap())
        .unwrap();
    let pixels = evaluation.finish();
    assert_eq!((pixels.regions(), pixels.anomalous_pixels()), (2, 2));
    // One of the two is found at once, the other by half.
    assert_close(pixels.auspro(0.5), 0.75);
    let short = [Defect {
        mask: &one[..3],
        saturation: 1,
    }];
    assert!(map.with_defects(&short).is_err());
}

#[test]
fn aupimo_asks_each_image_at_rates_of_normal_images_alone() {
    // Of 100 normal pixels one scores 0.5. Pixels above it are found at a rate of 0, the others at 1/100 or more.
    let mut scores = vec![0.0; 100];
    scores[7] = 0.5;
    let normal = map(&[&scores], &[&".".repeat(100)]);
    // 0.99 of the normal pixel beside the defect counts nowhere.
    let image = map(&[&[0.9, 0.4, 0.99]], &["##."]);
    let found = map(&[&[0.6, 0.0]], &["#."]);
    let metrics = evaluate(&[image.clone(), normal, found]);
    assert_eq!(metrics.aupimo((1e-3, 1e-2)), Ok(vec![0.5, 1.0]));
    // At 0.4 the rate is 10⁻², half of the way from 10⁻³ to 10⁻¹ by logarithms.
    let areas = metrics.aupimo((1e-3, 1e-1)).unwrap();
    assert_close(Ok(areas[0]), (1.0 + 0.5) / 2.0);
    assert_eq!(metrics.aupimo(AUPIMO_LIMITS), Ok(vec![0.5, 1.0]));
    assert_eq!(
        evaluate(&[image]).aupimo(AUPIMO_LIMITS),
        Err(Undefined::NoNormalImage)
    );
    assert!(metrics.aupimo((0.0, 0.1)).is_err() && metrics.aupimo((0.2, 0.1)).is_err());
}

#[test]
fn aupimo_weighs_normal_images_of_different_sizes_the_same() {
    let small = map(&[&[0.5, 0.0]], &[".."]);
    let large = map(&[&[0.0; 8]], &["........"]);
    let image = map(&[&[0.3]], &["#"]);
    // Half of the small image's pixels and none of the large one's: a rate of ¼, not of 1/10.
    let area = evaluate(&[small, large, image]).aupimo((0.2, 1.0)).unwrap()[0];
    assert_close(Ok(area), (1.0_f64 / 0.25).ln() / (1.0_f64 / 0.2).ln());
}

#[test]
fn regions_of_a_size_are_measured_alone() {
    let maps = [
        map(&[&[0.9, 0.0, 0.0, 0.1, 0.0, 0.5, 0.5, 0.5]], &["#..##..."]),
        map(&[&[0.2; 3]], &["###"]),
    ];
    let metrics = evaluate(&maps);
    assert_eq!(metrics.size_limits(), [1, 2]);
    assert_close(metrics.aupro_of_size(1.0, SizeClass::Small), 1.0);
    // The region of 3 comes after 3 of the 5 normal pixels.
    assert_close(metrics.aupro_of_size(1.0, SizeClass::Large), 0.4);
    let one = evaluate(&[map(&[&[0.9, 0.0]], &["#."])]);
    assert_eq!(one.aupro_of_size(1.0, SizeClass::Small), Ok(1.0));
    assert_eq!(
        one.aupro_of_size(1.0, SizeClass::Large),
        Err(Undefined::NoRegion)
    );
}
