//! Which images are learnt from and which are tested on, where the user leaves it open: by seed, groups whole.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use super::Own;
use super::entry::{Entry, Split, tell_apart};
use super::masks::listed;
use crate::error::Error;
use crate::sample::TestSample;
use crate::split::choose;
use crate::stream::Purpose;

impl Own<'_> {
    /// Sorts the entries into the dataset. Anomalous images are tested on. Normal ones that nobody assigned are learnt from if
    /// there are others to test on, or no anomalous image; else a share of them is tested on.
    pub(super) fn split(&mut self) {
        self.entries.sort_by(|a, b| a.path.cmp(&b.path));
        let named = self.entries.iter_mut();
        tell_apart(named.map(|entry| (&mut entry.id, entry.path.clone())));
        self.entries.sort_by(|a, b| a.id.cmp(&b.id));
        self.leave_out_anomalous();
        for entry in &mut self.entries {
            if entry.label.is_anomalous() {
                entry.split = Some(Split::Test);
            }
        }
        self.decide();
        self.check_groups();
        self.require_masks();
        for entry in std::mem::take(&mut self.entries) {
            let sample = entry.sample();
            match entry.split {
                Some(Split::Test) => {
                    let mask = entry.mask;
                    self.scan.dataset.test.push(TestSample { sample, mask });
                }
                Some(Split::Train) | None => self.scan.dataset.train.push(sample),
            }
        }
        if self.scan.dataset.train.is_empty() && self.scan.problems.is_empty() {
            let root = self.scan.dataset.root.clone();
            let expected = match &self.spec.index {
                Some(index) => index.clone(),
                None => PathBuf::from("`normal`"),
            };
            self.problem(Error::NoNormalImage {
                path: root,
                expected,
            });
        }
    }

    /// Anomalous images that an index puts into train: a method learns from normal images, or from anomalous ones that are drawn
    /// out of the test set.
    fn leave_out_anomalous(&mut self) {
        let entries = std::mem::take(&mut self.entries);
        let is_left =
            |entry: &Entry| entry.label.is_anomalous() && entry.split == Some(Split::Train);
        let (left, kept): (Vec<_>, Vec<_>) = entries.into_iter().partition(is_left);
        self.entries = kept;
        if let Some(first) = left.first() {
            let list = listed(left.iter().map(|entry| entry.path.as_path()), left.len());
            let message = format!(
                "anomalous, and in the train split: not used, as anomalous images that are learnt from are drawn from the \
                 test split: {list}"
            );
            self.scan.warn(&first.path, "not-used", message);
        }
        for entry in left {
            self.scan
                .unused(entry.path, "anomalous, in the train split");
        }
    }

    /// Gives each image that has no side yet one.
    fn decide(&mut self) {
        let of = |split| {
            let on_it = self.entries.iter().filter(move |e| e.split == Some(split));
            on_it
                .filter_map(|e| e.group.clone())
                .collect::<BTreeSet<_>>()
        };
        let sides = [
            (Split::Train, of(Split::Train)),
            (Split::Test, of(Split::Test)),
        ];
        let has_anomalous = self.entries.iter().any(|e| e.label.is_anomalous());
        // An image goes with its group.
        for entry in self.entries.iter_mut().filter(|e| e.split.is_none()) {
            let with = |(_, groups): &&(_, BTreeSet<String>)| {
                entry
                    .group
                    .as_ref()
                    .is_some_and(|group| groups.contains(group))
            };
            entry.split = sides.iter().find(with).map(|(split, _)| *split);
        }
        // After that, as some of them may be tested on now.
        let tested_normal = self.tests_a_normal_image();
        let mut open: Vec<&mut Entry> = self
            .entries
            .iter_mut()
            .filter(|e| e.split.is_none())
            .collect();
        let held = match has_anomalous && !tested_normal && self.spec.test_share > 0.0 {
            false => vec![false; open.len()],
            true => {
                let groups: Vec<_> = open.iter().map(|e| e.group.as_deref()).collect();
                let share = self.spec.test_share;
                choose(&groups, share, self.spec.split_seed, Purpose::TestSplit)
            }
        };
        for (entry, held) in open.iter_mut().zip(held) {
            entry.split = Some(if held { Split::Test } else { Split::Train });
        }
        let wants_some = has_anomalous && self.spec.test_share > 0.0;
        if wants_some && !self.tests_a_normal_image() {
            let message = "no normal image is tested on, so that a false alarm cannot be measured: those that could be are one, or \
                           of one group, or of groups that are learnt from";
            let root = self.scan.dataset.root.clone();
            self.scan.warn(&root, "no-normal-test", message.into());
        }
    }

    fn tests_a_normal_image(&self) -> bool {
        let mut entries = self.entries.iter();
        entries.any(|e| e.split == Some(Split::Test) && !e.label.is_anomalous())
    }

    /// No group may be on both sides.
    fn check_groups(&mut self) {
        let mut sides: BTreeMap<&str, [Option<&Entry>; 2]> = BTreeMap::new();
        for entry in &self.entries {
            if let (Some(group), Some(split)) = (&entry.group, entry.split) {
                let [train, test] = sides.entry(group).or_default();
                let side = if split == Split::Train { train } else { test };
                side.get_or_insert(entry);
            }
        }
        let mut straddling = Vec::new();
        for (group, sides) in sides {
            if let [Some(train), Some(test)] = sides {
                straddling.push(Error::GroupStraddles {
                    path: train.path.clone(),
                    group: group.into(),
                    other: test.path.clone(),
                });
            }
        }
        for problem in straddling {
            if !self.spec.allow_leaks {
                self.problem(problem);
            } else if let Some(path) = problem.path().map(PathBuf::from) {
                self.scan
                    .warn(&path, "group-straddles", problem.to_string());
            }
        }
    }
}
