//! The real sets, where they are at hand: `CAVGA_TEST_DATA`, or `shared/data` beside the project.

use cavga_data::{Known, Limits, check};

use crate::{common::real, tree::spec};

#[test]
fn a_part_of_mvtec_ad_opens_by_name_and_the_rest_is_told() {
    for (category, train, anomalous) in [
        ("toothbrush", "48 of the official set's 60", 30),
        ("leather", "4 of", 11),
    ] {
        let Some(folder) = real(category) else { return };
        let report = check(&spec(Known::MvtecAd, category), &folder, &Limits::default());
        assert_eq!(report.problems, []);
        assert_eq!(report.counts.test_anomalous, anomalous);
        assert!(
            report
                .warnings
                .iter()
                .any(|warning| warning.message.contains(train))
        );
        let above = spec(Known::MvtecAd, category)
            .open(folder.parent().unwrap())
            .unwrap();
        assert_eq!(above.test.len(), report.counts.test_normal + anomalous);
    }
}

#[test]
fn ped2_has_the_counts_of_every_fifth_frame() {
    let Some(folder) = real("ucsd_ped2") else {
        return;
    };
    let report = check(&spec(Known::UcsdPed, "ped2"), &folder, &Limits::default());
    assert_eq!(report.problems, []);
    assert!(
        report
            .warnings
            .iter()
            .all(|warning| warning.kind != "count"),
        "{:?}",
        report.warnings
    );
    let dataset = spec(Known::UcsdPed, "ped2").open(&folder).unwrap();
    let mut clips: Vec<_> = dataset
        .train
        .iter()
        .filter_map(|sample| sample.group.clone())
        .collect();
    clips.dedup();
    assert_eq!(clips.len(), 16);
}
