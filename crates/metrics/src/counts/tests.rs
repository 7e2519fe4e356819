//! A multiset, whatever form its pages take.

use super::*;
use proptest::prelude::*;
use std::collections::BTreeMap;

fn counted(keys: &[(u32, u64)]) -> Counts {
    let mut counts = Counts::default();
    keys.iter().for_each(|&(key, count)| counts.add(key, count));
    counts.settle();
    counts
}

#[test]
fn more_ties_than_32_bits_can_count_are_counted() {
    let mut counts = counted(&[(7, 1 << 32), (7, 3), (6, 1)]);
    assert_eq!(
        counts.entries().collect::<Vec<_>>(),
        [(6, 1), (7, (1 << 32) + 3)]
    );
    counts.absorb(counted(&[(7, u64::from(u32::MAX))]));
    assert_eq!(counts.total(), (1 << 33) + 3);
    assert_eq!(counts.cursor().below(8), counts.total());
}

#[test]
fn pages_widen_without_losing_a_count() {
    let mut counts = Counts::default();
    // Through all three forms of a page.
    for round in 0..300_u64 {
        (0..200).for_each(|key| counts.add_one(key));
        if round % 50 == 0 {
            counts.settle();
            assert!(counts.entries().all(|(_, count)| count == round + 1));
        }
    }
    counts.settle();
    assert_eq!(
        counts.entries().map(|(_, count)| count).sum::<u64>(),
        60_000
    );
}

#[test]
fn a_page_never_takes_more_room_than_its_counters() {
    let mut counts = Counts::default();
    (0..1_000_000_u32).for_each(|index| counts.add_one(index.wrapping_mul(40_503) & 0xffff));
    assert!(matches!(counts.pages[..], [Page::Bytes(_)]));
}

proptest! {
    #[test]
    fn it_is_a_multiset(
        keys in prop::collection::vec((prop_oneof![0..40_u32, 65_500..65_600_u32, any::<u32>()], prop_oneof![1..4_u64, 250..40_000_u64]), 0..60),
        other in prop::collection::vec((0..40_u32, 1..4_u64), 0..20),
        mut asked in prop::collection::vec(prop_oneof![0..50_u64, 65_490..65_610_u64, 0..=1_u64 << 32], 1..20),
    ) {
        let mut expected = BTreeMap::new();
        for &(key, count) in keys.iter().chain(&other) {
            *expected.entry(key).or_insert(0) += count;
        }
        let mut counts = counted(&keys);
        counts.absorb(counted(&other));
        counts.settle();
        prop_assert_eq!(counts.entries().collect::<Vec<_>>(), expected.clone().into_iter().collect::<Vec<_>>());
        asked.sort_unstable();
        let mut cursor = counts.cursor();
        for key in asked {
            let below = expected.iter().filter(|(found, _)| u64::from(**found) < key);
            prop_assert_eq!(cursor.below(key), below.clone().map(|(_, count)| count).sum::<u64>());
            prop_assert_eq!(counts.last_below(key, 0), below.map(|(key, _)| *key).next_back());
        }
    }
}
