//! The page: what stands out, counts, spreads, duplicates, outliers, what cannot be read, and the contact sheets.

use cavga_data::Look;

use super::choose::{GROUPS, OF_GROUP, Sheet as Kind, worst};
use super::figures::by_class;
use super::gather::{Entry, Seen};
use super::{Duplicates, Preview, PreviewOptions, Range, Sameness, words};
use crate::report::{Contacts, Part, Sheet, SheetSection, Spread, Table, Thumb, Tone};

/// Lines of a list, and rows of a table; the figures as JSON have all.
const LINES: usize = 200;
const SIZES: usize = 20;

/// All that the page is made of.
pub(super) struct Page<'a> {
    pub(super) preview: &'a Preview,
    pub(super) entries: &'a [Entry<'a>],
    pub(super) seen: &'a [Seen],
    pub(super) sheets: &'a [Kind],
    pub(super) options: &'a PreviewOptions,
}

impl Page<'_> {
    /// The page as plain data.
    pub(super) fn sheet(&self) -> Sheet {
        let preview = self.preview;
        let root = std::path::Path::new(&preview.root);
        let name = root.file_name().unwrap_or(root.as_os_str());
        let mut subtitle = preview.root.clone();
        for (key, value) in &preview.dataset {
            let text = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            subtitle += &format!(" · {key} {text}");
        }
        let mut warnings: Vec<String> =
            preview.problems.iter().map(|p| p.message.clone()).collect();
        warnings.truncate(LINES / 10);
        if preview.problems.len() > warnings.len() {
            let more = preview.problems.len() - warnings.len();
            warnings.push(format!("{more} more problems: cavga data check lists all"));
        }
        Sheet {
            title: name.to_string_lossy().into_owned(),
            subtitle,
            summary: words::summary(preview),
            warnings,
            footer: "Nothing was changed in the dataset.".to_owned(),
            sections: vec![
                self.standing_out(),
                self.counts(),
                self.spreads(),
                self.defects(),
                self.duplicates(),
                self.outliers(),
                self.refused(),
                self.unused(),
                self.contacts(),
            ],
        }
    }

    fn standing_out(&self) -> SheetSection {
        let mut lines = self.preview.stands_out.clone();
        if lines.is_empty() {
            lines.push(
                "Nothing: every image can be read, none is there twice, none is unlike the others."
                    .into(),
            );
        }
        section("What stands out", "", vec![Part::List(lines)])
    }

    fn counts(&self) -> SheetSection {
        let row = |part: &super::PartCounts| {
            let numbers = [part.images, part.with_mask, part.unreadable].map(|n| n.to_string());
            let mut row = vec![part.split.clone(), part.kind.clone()];
            row.extend(numbers);
            row
        };
        let parts = Table {
            columns: columns(&["split", "kind", "images", "with a mask", "unreadable"]),
            rows: self.preview.parts.iter().map(row).collect(),
        };
        let sizes = &self.preview.sizes;
        let mut rows: Vec<Vec<String>> = sizes
            .iter()
            .take(SIZES)
            .map(|size| {
                vec![
                    format!("{} × {}", size.height, size.width),
                    size.images.to_string(),
                ]
            })
            .collect();
        if sizes.len() > SIZES {
            let images: usize = sizes.iter().skip(SIZES).map(|size| size.images).sum();
            let others = sizes.len() - SIZES;
            rows.push(vec![format!("{others} other sizes"), images.to_string()]);
        }
        let sizes = Table {
            columns: columns(&["height × width", "images"]),
            rows,
        };
        let files = &self.preview.files;
        let mut row = vec![vec!["grey".to_owned(), files.grey.to_string()]];
        row.push(vec!["colour".to_owned(), files.colour.to_string()]);
        let bits = files.bits.iter();
        row.extend(bits.map(|(bits, n)| vec![format!("{bits} bits a value"), n.to_string()]));
        row.push(vec![
            "with transparency (not looked at)".to_owned(),
            files.alpha.to_string(),
        ]);
        row.push(vec![
            "turned upright by EXIF".to_owned(),
            files.turned.to_string(),
        ]);
        row.retain(|cells| cells.last().is_some_and(|n| n != "0"));
        let files = Table {
            columns: columns(&["files", "images"]),
            rows: row,
        };
        section(
            "Counts and sizes",
            "",
            vec![Part::Table(parts), Part::Table(sizes), Part::Table(files)],
        )
    }

    fn spreads(&self) -> SheetSection {
        let spread = |title: &str, unit: &str, log, value: fn(&Look) -> f64| Spread {
            title: title.to_owned(),
            unit: unit.to_owned(),
            log,
            classes: by_class(self.entries, self.seen)
                .into_iter()
                .map(|(class, looks)| (class, looks.into_iter().map(value).collect()))
                .collect(),
        };
        let mut spreads = vec![
            spread("Brightness", "mean grey of an image", false, |look| {
                look.brightness
            }),
            spread(
                "Contrast",
                "standard deviation of grey within an image",
                false,
                |look| look.contrast,
            ),
            spread(
                "Sharpness",
                "standard deviation of the Laplacian",
                true,
                |look| look.sharpness,
            ),
            spread("Over-exposure", "% of pixels fully white", false, |look| {
                100.0 * look.white
            }),
        ];
        if self.preview.sizes.len() > 1 {
            let longer = |look: &Look| look.size[0].max(look.size[1]) as f64;
            spreads.push(spread("Size", "longer side, pixels", true, longer));
        }
        let note = "Grey levels (Rec. 601) as shares of full scale. A class that lies apart from the training images is told from \
                    them by this alone.";
        section("Spreads", note, vec![Part::Spreads(spreads)])
    }

    fn defects(&self) -> SheetSection {
        let preview = self.preview;
        if preview.defects.is_empty() {
            return SheetSection::default();
        }
        let of = |value: fn(&super::gather::Defect) -> f64| -> Vec<(String, Vec<f64>)> {
            let defects = self.seen.iter().filter_map(|seen| seen.defect.as_ref());
            vec![("masks".to_owned(), defects.map(value).collect())]
        };
        let spreads = vec![
            Spread {
                title: "Defect area".into(),
                unit: "% of the image that a mask marks".into(),
                log: true,
                classes: of(|defect| 100.0 * defect.area),
            },
            Spread {
                title: "Regions".into(),
                unit: "regions of a mask".into(),
                log: false,
                classes: of(|defect| defect.regions as f64),
            },
        ];
        let percent = |range: Range| {
            [range.least, range.median, range.most].map(|v| format!("{:.3}", 100.0 * v))
        };
        let rows = preview.defects.iter().map(|kind| {
            let mut row = vec![kind.kind.clone(), kind.masks.to_string()];
            row.extend(percent(kind.area));
            row.push(format!("{}", kind.regions.median));
            row.push(format!("{}", kind.regions.most));
            row
        });
        let table = Table {
            columns: columns(&[
                "kind",
                "masks",
                "smallest, % of image",
                "median",
                "largest",
                "regions, median",
                "most",
            ]),
            rows: rows.collect(),
        };
        section(
            "Defects",
            "",
            vec![Part::Spreads(spreads), Part::Table(table)],
        )
    }

    fn duplicates(&self) -> SheetSection {
        let groups = &self.preview.duplicates;
        let shown = groups
            .iter()
            .take(GROUPS)
            .map(|group| Part::Contacts(self.group(group)));
        let mut note = format!(
            "Images look alike if at most {} of 256 bits of their difference hash differ (is each of 16×16 cells darker than its \
             right neighbour?), and brightness and contrast at most 0.03. Each image is compared with the first of its group. In \
             films and aligned series many images look alike and are no fault.",
            self.options.distance
        );
        if groups.len() > GROUPS {
            note += &format!(" Shown: {GROUPS} of {} groups.", groups.len());
        }
        section("The same image twice", &note, shown.collect())
    }

    fn group(&self, group: &Duplicates) -> Contacts {
        let what = match group.sameness {
            Sameness::SameBytes => "the same bytes",
            Sameness::SamePixels => "the same pixels, other bytes",
            Sameness::LookAlike => "look alike",
        };
        let mut title = format!("{}: {what}", words::images(group.ids.len()));
        if group.across_splits {
            title += ", in training and test";
        }
        if group.labels_differ {
            title += ", labels differ";
        }
        let note = if group.places.len() > OF_GROUP {
            format!("Shown: {OF_GROUP} of {}.", group.places.len())
        } else {
            String::new()
        };
        let thumbs = group.places.iter().take(OF_GROUP);
        Contacts {
            title,
            note,
            thumbs: thumbs.filter_map(|&at| self.thumb(at, "")).collect(),
        }
    }

    fn outliers(&self) -> SheetSection {
        let outliers = &self.preview.outliers;
        let worst = worst(outliers);
        let title = match (worst.len(), outliers.len()) {
            (shown, all) if shown < all => format!("{shown} of {all}, the farthest first"),
            (shown, _) => format!("{}, the farthest first", words::images(shown)),
        };
        let thumbs = worst
            .iter()
            .filter_map(|outlier| self.thumb(outlier.place, &outlier.why.join("; ")));
        let contacts = Contacts {
            title,
            note: String::new(),
            thumbs: thumbs.collect(),
        };
        let note = "Of another size than more than half of all images, or more than 3.5 robust deviations (1.4826 times the median \
                    distance from the median) from the normal training images in brightness, clipped pixels, sharpness or shape.";
        section("Unlike the others", note, vec![Part::Contacts(contacts)])
    }

    fn refused(&self) -> SheetSection {
        let refused = &self.preview.refused;
        let mut lines: Vec<String> = refused
            .iter()
            .take(LINES)
            .map(|one| one.message.clone())
            .collect();
        if refused.len() > LINES {
            lines.push(format!(
                "{} more: cavga data check lists all",
                refused.len() - LINES
            ));
        }
        section("Cannot be used", "", vec![Part::List(lines)])
    }

    fn unused(&self) -> SheetSection {
        let tally = &self.preview.tally;
        let reasons = tally.refused.iter().map(|(why, n)| format!("{n}: {why}"));
        let warnings = self
            .preview
            .warnings
            .iter()
            .take(LINES)
            .map(|warning| warning.message.clone());
        let note = format!("{} files seen, {} used.", tally.seen, tally.used);
        section(
            "Files not used",
            &note,
            vec![Part::List(reasons.chain(warnings).collect())],
        )
    }

    fn contacts(&self) -> SheetSection {
        let sheet = |kind: &Kind| {
            let split = if kind.is_train { "train" } else { "test" };
            let images = if kind.shown.len() < kind.images {
                format!("{} of {}", kind.shown.len(), kind.images)
            } else {
                words::images(kind.images)
            };
            Part::Contacts(Contacts {
                title: format!("{split}, {}: {images}", kind.kind),
                note: String::new(),
                thumbs: kind
                    .shown
                    .iter()
                    .filter_map(|&at| self.thumb(at, ""))
                    .collect(),
            })
        };
        let note = format!(
            "Masks are outlined. At most {} images of a kind, {} in all, chosen evenly over their order by seed {}.",
            self.options.per_kind, self.options.in_all, self.options.seed
        );
        section("Images", &note, self.sheets.iter().map(sheet).collect())
    }

    /// The picture of an image, with what is wrong with its mask or what else is to be said.
    fn thumb(&self, at: usize, note: &str) -> Option<Thumb> {
        let (entry, seen) = (self.entries.get(at)?, self.seen.get(at)?);
        let anomalous = entry.is_anomalous();
        let mut notes = vec![entry.sample.label.kind().to_owned()];
        match (&seen.defect, entry.mask) {
            (None, Some(_)) => notes.push("mask cannot be used".to_owned()),
            (None, None) if anomalous && self.preview.defects.iter().any(|kind| kind.masks > 0) => {
                notes.push("no mask".to_owned());
            }
            _ => {}
        }
        notes.extend((!note.is_empty()).then(|| note.to_owned()));
        Some(Thumb {
            id: entry.sample.id.clone(),
            note: notes.join("; "),
            tone: if anomalous {
                Tone::Anomalous
            } else {
                Tone::Normal
            },
            picture: seen.picture.clone(),
        })
    }
}

fn section(title: &str, note: &str, parts: Vec<Part>) -> SheetSection {
    SheetSection {
        title: title.to_owned(),
        note: note.to_owned(),
        parts,
    }
}

fn columns(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}
