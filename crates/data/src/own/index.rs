//! An index: a table that names each image, what is known of it, and what belongs to it.
//!
//! As spreadsheets write them: commas, semicolons or tabs, a byte order mark or none, columns in any order. A row that cannot be
//! read is told by its line; none is left out without a word.

use std::collections::BTreeMap;

use super::entry::{Fault, Split, shown};
use crate::sample::{GOOD, Label};

/// What an index says.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Index {
    /// One image each.
    pub rows: Vec<Row>,
    /// Rows that say something that cannot be.
    pub faults: Vec<Fault>,
    /// Columns that mean nothing here.
    pub unknown: Vec<String>,
}

/// One image of an index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// "line 7" or "row 7".
    pub place: String,
    /// The image's file, as written.
    pub path: String,
    /// Normal, or anomalous and of which kind.
    pub label: Label,
    /// The mask's file, as written.
    pub mask: Option<String>,
    /// The side of the split, where one is given.
    pub split: Option<Split>,
    /// Images of one group stay together.
    pub group: Option<String>,
}

/// The columns, in the order in which they are named to the user.
const COLUMNS: [&str; 6] = ["path", "label", "kind", "mask", "split", "group"];
const PATH: usize = 0;
const LABEL: usize = 1;
const KIND: usize = 2;
const MASK: usize = 3;
const SPLIT: usize = 4;
const GROUP: usize = 5;

/// What labels may be called.
const NORMAL: [&str; 4] = ["normal", "good", "ok", "0"];
const ANOMALOUS: [&str; 8] = [
    "anomalous",
    "anomaly",
    "abnormal",
    "defective",
    "bad",
    "ng",
    "ko",
    "1",
];

/// More than any path has: a cell beyond it is a quote left open.
const LONGEST: usize = 4096;

/// Faults beyond so many are the same one.
const MOST_FAULTS: usize = 100;

/// Reads an index in CSV.
///
/// # Errors
/// Where nothing can be read at all: no text, no header, or a needed column missing. What is wrong with single rows is in
/// [`Index::faults`].
pub fn parse_csv(bytes: &[u8]) -> Result<Index, Fault> {
    if bytes.starts_with(&[0xFF, 0xFE]) || bytes.starts_with(&[0xFE, 0xFF]) {
        return Err(Fault::new("line 1", "text in UTF-8", "UTF-16"));
    }
    let bytes = bytes.strip_prefix(&[0xEF, 0xBB, 0xBF]).unwrap_or(bytes);
    let delimiter = delimiter(bytes);
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .flexible(true)
        .has_headers(false)
        .from_reader(bytes);
    let mut table: Option<Table> = None;
    let mut record = csv::ByteRecord::new();
    let mut lines = Lines { byte: 0, line: 1 };
    loop {
        // Of bytes in memory nothing is left that could fail.
        let more = reader
            .read_byte_record(&mut record)
            .map_err(|error| Fault::new("the file", "CSV", error.to_string()))?;
        if !more {
            break;
        }
        let start = record.position().map_or(0, csv::Position::byte);
        let place = format!("line {}", lines.at(bytes, start));
        let cells: Result<Vec<&str>, _> = record.iter().map(std::str::from_utf8).collect();
        match (&mut table, cells) {
            (None, Ok(cells)) => table = Some(Table::new(&place, &cells)?),
            (None, Err(_)) => return Err(Fault::new(place, "text in UTF-8", "other bytes")),
            (Some(table), Ok(cells)) => table.add(place, &cells),
            (Some(table), Err(_)) => {
                table.fault(Fault::new(place, "text in UTF-8", "other bytes"));
            }
        }
    }
    match table {
        Some(table) => Ok(table.index),
        None => Err(Fault::new("line 1", header_wanted(), "an empty file")),
    }
}

/// The number of a record's line. The reader's own is one too low after the line ends of Windows, of which it leaves the second
/// half to the next record.
struct Lines {
    byte: usize,
    line: u64,
}

impl Lines {
    /// The line of the record that begins at a byte, or at the next that ends no line.
    fn at(&mut self, bytes: &[u8], start: u64) -> u64 {
        let start = usize::try_from(start).unwrap_or(usize::MAX);
        let mut rest = bytes.iter().skip(self.byte).peekable();
        while let Some(&&next) = rest.peek()
            && (self.byte < start || matches!(next, b'\r' | b'\n'))
        {
            rest.next();
            self.byte += 1;
            let ends = next == b'\n' || (next == b'\r' && rest.peek() != Some(&&b'\n'));
            self.line += u64::from(ends);
        }
        self.line
    }
}

fn header_wanted() -> String {
    format!(
        "a header with `path` and `label` (and, if wanted, {})",
        COLUMNS.get(KIND..).unwrap_or_default().join(", ")
    )
}

/// What stands between the header's cells.
fn delimiter(bytes: &[u8]) -> u8 {
    let end = bytes.iter().position(|&byte| byte == b'\n');
    let header = bytes.get(..end.unwrap_or(bytes.len())).unwrap_or_default();
    let count = |wanted: u8| header.iter().filter(|&&byte| byte == wanted).count();
    // The first of the most frequent: `max_by_key` gives the last.
    let among = *b"\t;,";
    among.into_iter().max_by_key(|&d| count(d)).unwrap_or(b',')
}

/// A table that is read row by row, whatever the file's format.
pub(super) struct Table {
    /// For each of [`COLUMNS`] its place in a row.
    places: [Option<usize>; 6],
    width: usize,
    index: Index,
}

impl Table {
    /// # Errors
    /// A header without the needed columns, or with one twice.
    pub(super) fn new(place: &str, header: &[&str]) -> Result<Self, Fault> {
        let mut places = [None; 6];
        let mut unknown = Vec::new();
        for (at, name) in header.iter().enumerate() {
            let plain = name.trim().to_lowercase();
            let known = COLUMNS.iter().zip(&mut places).find(|(c, _)| **c == plain);
            match known {
                Some((_, Some(_))) => {
                    let found = format!("`{plain}` twice");
                    return Err(Fault::new(place, "each column once", found));
                }
                Some((_, free)) => *free = Some(at),
                None => unknown.push((*name).to_string()),
            }
        }
        if places[PATH].is_none() || places[LABEL].is_none() {
            let found = shown(&header.join(","));
            return Err(Fault::new(place, header_wanted(), found));
        }
        Ok(Self {
            places,
            width: header.len(),
            index: Index {
                unknown,
                ..Index::default()
            },
        })
    }

    /// Takes one row in.
    pub(super) fn add(&mut self, place: String, cells: &[&str]) {
        if let [""] = cells {
            return;
        }
        match self.row(&place, cells) {
            Ok(row) => self.index.rows.push(row),
            Err(fault) => self.fault(fault),
        }
    }

    pub(super) fn fault(&mut self, fault: Fault) {
        match self.index.faults.len() {
            0..MOST_FAULTS => self.index.faults.push(fault),
            MOST_FAULTS => {
                let more = Fault::new("further lines", "rows that can be read", "more faults");
                self.index.faults.push(more);
            }
            _ => {}
        }
    }

    #[cfg(feature = "parquet")]
    pub(super) fn into_index(self) -> Index {
        self.index
    }

    fn row(&self, place: &str, cells: &[&str]) -> Result<Row, Fault> {
        let fault = |expected: String, found: String| Err(Fault::new(place, expected, found));
        if cells.len() != self.width {
            let expected = format!("{} cells, as in the header", self.width);
            return fault(expected, cells.len().to_string());
        }
        if let Some(cell) = cells.iter().find(|cell| cell.len() > LONGEST) {
            let expected = format!("cells of at most {LONGEST} bytes (is a quote left open?)");
            return fault(expected, shown(cell));
        }
        let cell = |column: usize| {
            let at = self.places.get(column).copied().flatten();
            at.and_then(|at| cells.get(at))
                .map_or("", |cell| cell.trim())
        };
        let some = |column: usize| Some(cell(column).to_string()).filter(|text| !text.is_empty());
        let path = cell(PATH).to_string();
        if path.is_empty() || path.contains(['\n', '\0']) {
            let expected = "the path of one image".to_string();
            return fault(expected, shown(&path));
        }
        let split = match cell(SPLIT).to_lowercase().as_str() {
            "" => None,
            "train" => Some(Split::Train),
            "test" => Some(Split::Test),
            other => return fault("split train, test or nothing".into(), shown(other)),
        };
        Ok(Row {
            place: place.to_string(),
            label: label(place, cell(LABEL), some(KIND))?,
            mask: some(MASK),
            group: some(GROUP),
            path,
            split,
        })
    }
}

fn label(place: &str, text: &str, kind: Option<String>) -> Result<Label, Fault> {
    let plain = text.to_lowercase();
    if NORMAL.contains(&plain.as_str()) {
        return Ok(Label::Normal);
    }
    if !ANOMALOUS.contains(&plain.as_str()) {
        let [normal, anomalous] = [NORMAL.join(", "), ANOMALOUS.join(", ")];
        let expected = format!("label {normal} (normal) or {anomalous} (anomalous)");
        return Err(Fault::new(place, expected, shown(text)));
    }
    match kind {
        Some(kind) if kind == GOOD => {
            let expected = "a kind of defect, as the label is anomalous";
            Err(Fault::new(place, expected, shown(&kind)))
        }
        kind => Ok(Label::Anomalous {
            kind: kind.unwrap_or_else(|| "anomalous".into()),
        }),
    }
}

/// Where each path stood first: a second row of it is a fault that names both.
#[derive(Default)]
pub(super) struct Once(BTreeMap<std::path::PathBuf, String>);

impl Once {
    pub(super) fn check(&mut self, path: &std::path::Path, place: &str) -> Result<(), Fault> {
        match self.0.insert(path.to_path_buf(), place.to_string()) {
            None => Ok(()),
            Some(earlier) => {
                let expected = "each image once";
                let found = format!("that of {earlier} again ({})", path.display());
                Err(Fault::new(place, expected, found))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str) -> Vec<Row> {
        let index = parse_csv(text.as_bytes()).unwrap();
        assert_eq!(index.faults, []);
        index.rows
    }

    #[test]
    fn columns_come_in_any_order_with_any_delimiter_and_mark() {
        let expected = rows("path,label\n\"a, b;c.png\",OK\nd.png,Ng\n");
        assert_eq!(expected[0].path, "a, b;c.png");
        assert_eq!(expected[0].label, Label::Normal);
        assert!(expected[1].label.is_anomalous());
        assert_eq!(
            rows("\u{feff}label;path\r\n0;\"a, b;c.png\"\r\n1;d.png\r\n"),
            expected
        );
        assert_eq!(rows("Path\tLabel\na, b;c.png\tgood\nd.png\tbad"), expected);
        let row = &rows("group,split,mask,kind,label,path\nG,Test,m.png,dent,ko,x.png\n")[0];
        let texts = (row.group.as_deref(), row.mask.as_deref(), row.label.kind());
        assert_eq!(texts, (Some("G"), Some("m.png"), "dent"));
        assert_eq!(
            (row.split, row.place.as_str()),
            (Some(Split::Test), "line 2")
        );
    }

    #[test]
    fn lines_are_counted_whatever_ends_them() {
        for end in ["\n", "\r\n", "\r"] {
            let text = ["path,label", "\"a\"", "", "b,ok", "c,?", "d,ok"].join(end);
            let Index { rows, faults, .. } = parse_csv(text.as_bytes()).unwrap();
            let places = [
                &faults[0].place,
                &rows[0].place,
                &faults[1].place,
                &rows[1].place,
            ];
            assert_eq!(places, ["line 2", "line 4", "line 5", "line 6"], "{end:?}");
        }
    }

    #[test]
    fn what_is_no_index_says_why() {
        for (bytes, part) in [
            (&b""[..], "an empty file"),
            (b"file,label\n", "`path` and `label`"),
            (b"path,label,path\n", "`path` twice"),
            (b"\xff\xfep\0a\0", "UTF-16"),
            (b"pa\xffth,label\n", "UTF-8"),
            (b"\x00\x01\x02", "`path` and `label`"),
        ] {
            let fault = parse_csv(bytes).unwrap_err().to_string();
            assert!(fault.contains(part), "{fault}");
        }
    }

    #[test]
    fn a_bad_row_is_told_by_its_line_and_the_others_are_read() {
        let long = "x".repeat(10_000);
        for (row, part) in [
            ("b.png", "2 cells"),
            ("b.png,good,extra", "2 cells"),
            ("b.png,maybe", "label normal, good"),
            (",good", "the path of one image"),
            (&format!("{long},good"), "4096"),
        ] {
            let index = parse_csv(format!("path,label\n\na.png,ok\n{row}\nc.png,ok\n").as_bytes());
            let Index { rows, faults, .. } = index.unwrap();
            assert_eq!(rows.len(), 2, "{row}");
            assert_eq!((faults.len(), faults[0].place.as_str()), (1, "line 4"));
            assert!(faults[0].to_string().contains(part), "{}", faults[0]);
        }
        let open = parse_csv(b"path,label\n\"a.png,ok\nb.png,ok\n").unwrap();
        assert_eq!((open.rows.len(), open.faults.len()), (0, 1));
        let bytes = parse_csv(b"path,label\n\xff.png,ok\n").unwrap();
        assert!(bytes.faults[0].to_string().contains("UTF-8"));
        let split = parse_csv(b"path,label,split\na,ok,val\n").unwrap();
        assert!(split.faults[0].to_string().contains("train, test"));
        let good = parse_csv(b"path,label,kind\na,ng,good\n").unwrap();
        assert!(good.faults[0].to_string().contains("a kind of defect"));
    }

    #[test]
    fn a_thousand_faults_are_a_hundred_and_a_word() {
        let index = parse_csv(("path,label\n".to_string() + &"a,x\n".repeat(1000)).as_bytes());
        let index = index.unwrap();
        assert_eq!((index.rows.len(), index.faults.len()), (0, 101));
    }
}
