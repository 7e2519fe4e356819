//! COCO: one JSON file with the images, and outlines that name theirs by number. Polygons, boxes and run lengths.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::annotations::{Annotated, Annotations, json, sound};
use super::entry::{Fault, shown};
use crate::polygon::Polygon;

#[derive(Deserialize)]
struct File {
    images: Vec<Image>,
    #[serde(default)]
    annotations: Vec<Annotation>,
    #[serde(default)]
    categories: Vec<Category>,
}

/// Numbers, and the texts that some tools write.
#[derive(Deserialize, Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[serde(untagged)]
enum Id {
    Number(i64),
    Text(String),
}

impl std::fmt::Display for Id {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Text(text) => f.write_str(&shown(text)),
        }
    }
}

#[derive(Deserialize)]
struct Image {
    id: Id,
    file_name: String,
    height: Option<usize>,
    width: Option<usize>,
}

#[derive(Deserialize)]
struct Category {
    id: Id,
    name: String,
}

#[derive(Deserialize)]
struct Annotation {
    id: Option<Id>,
    image_id: Id,
    category_id: Option<Id>,
    segmentation: Option<Value>,
    bbox: Option<Vec<f64>>,
}

pub(super) fn parse(bytes: &[u8]) -> Result<Annotations, Fault> {
    let file: File = serde_json::from_slice(bytes).map_err(json)?;
    let mut annotations = Annotations::default();
    let mut places: BTreeMap<Id, usize> = BTreeMap::new();
    for image in file.images {
        if places
            .insert(image.id.clone(), annotations.images.len())
            .is_some()
        {
            let found = format!("{} twice", image.id);
            annotations
                .faults
                .push(Fault::new("its images", "each id once", found));
        }
        annotations.images.push(Annotated {
            file: image.file_name,
            size: image.height.zip(image.width).map(|(h, w)| [h, w]),
            ..Annotated::default()
        });
    }
    let categories = file.categories.into_iter();
    let categories: BTreeMap<Id, String> = categories.map(|c| (c.id, c.name)).collect();
    for (number, annotation) in file.annotations.into_iter().enumerate() {
        let place = match &annotation.id {
            Some(id) => format!("annotation {id}"),
            None => format!("annotation number {}", number + 1),
        };
        let at = places.get(&annotation.image_id);
        let Some(image) = at.and_then(|&at| annotations.images.get_mut(at)) else {
            let expected = "an `image_id` of its images";
            let fault = Fault::new(place, expected, annotation.image_id.to_string());
            annotations.faults.push(fault);
            continue;
        };
        match polygons(&place, &annotation, image.size) {
            Ok(polygons) => {
                image.polygons.extend(polygons);
                let category = annotation.category_id.and_then(|id| categories.get(&id));
                image.kinds.extend(category.cloned());
            }
            Err(fault) => annotations.faults.push(fault),
        }
    }
    Ok(annotations)
}

/// What one annotation marks: its outline, else its box.
fn polygons(
    place: &str,
    annotation: &Annotation,
    size: Option<[usize; 2]>,
) -> Result<Vec<Polygon>, Fault> {
    let polygons = match &annotation.segmentation {
        Some(Value::Array(outlines)) if !outlines.is_empty() => {
            let outlines = outlines.iter().map(|outline| outline_of(place, outline));
            outlines.collect::<Result<Vec<_>, _>>()?
        }
        Some(Value::Object(runs)) => {
            let (polygons, mask) = run_lengths(place, runs)?;
            if size.is_some_and(|image| image != mask) {
                let expected = format!("run lengths of the image's size {size:?} (height, width)");
                return Err(Fault::new(place, expected, format!("{mask:?}")));
            }
            // They cannot leave the image.
            return Ok(polygons);
        }
        None | Some(Value::Null | Value::Array(_)) => match annotation.bbox.as_deref() {
            Some(&[x, y, width, height]) if width > 0.0 && height > 0.0 => {
                vec![Polygon::rectangle([x, y, width, height])]
            }
            other => {
                let expected = "a segmentation, or a bbox [x, y, width, height] with an area";
                return Err(Fault::new(place, expected, format!("{other:?}")));
            }
        },
        Some(other) => {
            let expected = "a segmentation of polygons or run lengths";
            return Err(Fault::new(place, expected, shown(&other.to_string())));
        }
    };
    let sound = |polygon| sound(place, polygon, size);
    polygons.into_iter().map(sound).collect()
}

/// `[x0, y0, x1, y1, ...]`.
fn outline_of(place: &str, outline: &Value) -> Result<Polygon, Fault> {
    let wrong = || {
        let expected = "a polygon [x0, y0, x1, y1, ...] of three corners or more";
        Fault::new(place, expected, shown(&outline.to_string()))
    };
    let values = outline.as_array().ok_or_else(wrong)?;
    let values: Option<Vec<f64>> = values.iter().map(Value::as_f64).collect();
    let values = values.filter(|v| v.len() >= 6 && v.len().is_multiple_of(2));
    let values = values.ok_or_else(wrong)?;
    let corners = values.chunks_exact(2);
    Ok(Polygon {
        corners: corners.filter_map(|pair| pair.try_into().ok()).collect(),
    })
}

/// Lengths of runs of 0 and 1 in turns, down the columns, as numbers or in COCO's letters: as rectangles.
fn run_lengths(
    place: &str,
    runs: &serde_json::Map<String, Value>,
) -> Result<(Vec<Polygon>, [usize; 2]), Fault> {
    let wrong =
        |expected: &str, found: &Value| Fault::new(place, expected, shown(&found.to_string()));
    let size = runs.get("size").unwrap_or(&Value::Null);
    let sides: Option<Vec<usize>> = size.as_array().and_then(|sides| {
        let side = |side: &Value| usize::try_from(side.as_u64()?).ok();
        sides.iter().map(side).collect()
    });
    let Some(&[height, width]) = sides.as_deref() else {
        return Err(wrong("`size` [height, width] of run lengths", size));
    };
    let counts = runs.get("counts").unwrap_or(&Value::Null);
    let lengths = match counts {
        Value::String(letters) => unpack(letters.as_bytes()),
        Value::Array(counts) => {
            let count = |count: &Value| usize::try_from(count.as_u64()?).ok();
            counts.iter().map(count).collect()
        }
        _ => None,
    };
    let lengths = lengths.ok_or_else(|| wrong("`counts` of run lengths", counts))?;
    let total = lengths
        .iter()
        .try_fold(0_usize, |sum, &n| sum.checked_add(n));
    if height == 0 || total.is_none() || total != height.checked_mul(width) {
        let expected = format!("run lengths of {height} times {width} pixels in all");
        return Err(Fault::new(place, expected, format!("{total:?}")));
    }
    Ok((rectangles(&lengths, height), [height, width]))
}

/// Numbers in COCO's letters: five bits each from 48 on, the sixth says that more follow; from the fourth on they are the
/// difference to the second last.
fn unpack(letters: &[u8]) -> Option<Vec<usize>> {
    let mut lengths: Vec<usize> = Vec::new();
    let mut letters = letters.iter();
    while letters.len() > 0 {
        let (mut value, mut shift) = (0_i64, 0_u32);
        loop {
            let bits = i64::from(letters.next()?.checked_sub(48)?);
            if bits > 63 || shift > 55 {
                return None;
            }
            value |= (bits & 0x1F) << shift;
            shift += 5;
            if bits & 0x20 == 0 {
                if bits & 0x10 != 0 {
                    value |= -1 << shift;
                }
                break;
            }
        }
        if lengths.len() > 2 {
            let earlier = *lengths.get(lengths.len() - 2)?;
            value = value.checked_add(i64::try_from(earlier).ok()?)?;
        }
        lengths.push(usize::try_from(value).ok()?);
    }
    Some(lengths)
}

/// The runs of 1, column by column; columns alike side by side become one rectangle.
fn rectangles(lengths: &[usize], height: usize) -> Vec<Polygon> {
    // [x, y, columns, rows]
    let mut found: Vec<[usize; 4]> = Vec::new();
    let mut add = |x: usize, y: usize, columns: usize, rows: usize| {
        if let Some([last_x, last_y, last_columns, last_rows]) = found.last_mut()
            && [*last_y, *last_rows, *last_x + *last_columns] == [y, rows, x]
        {
            *last_columns += columns;
        } else if rows > 0 && columns > 0 {
            found.push([x, y, columns, rows]);
        }
    };
    let mut start = 0;
    for (number, &length) in lengths.iter().enumerate() {
        let end = start + length;
        if number % 2 == 1 && length > 0 {
            let [(first, top), (last, low)] = [start, end].map(|at| (at / height, at % height));
            if first == last {
                add(first, top, 1, low - top);
            } else {
                // The rest of one column, whole columns, the beginning of another.
                let whole = if top == 0 { first } else { first + 1 };
                if top > 0 {
                    add(first, top, 1, height - top);
                }
                add(whole, 0, last - whole, height);
                add(last, 0, 1, low);
            }
        }
        start = end;
    }
    let rectangle = |sides: [usize; 4]| Polygon::rectangle(sides.map(|side| side as f64));
    found.into_iter().map(rectangle).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Letters as pycocotools 2.0.11 writes them of a random mask of 13 rows of 17.
    #[test]
    fn run_lengths_are_read_as_pycocotools_writes_them() {
        let counts = "231N11O00O020N111OO83HN02011MON063KM00O0126NI010212OM1O0OO003110LO0020N0035MK12OO041K11NO11OO020O3ON010";
        let rows = [
            ".#.#..#...#..#...",
            "...#..###...#..##",
            "##....##..#..#.##",
            "#.#..###...###..#",
            "##..#...#####.#.#",
            ".#...#......#.##.",
            "###...#....##...#",
            "..##.........####",
            ".##......#.#..#..",
            "#.#...#.###...#.#",
            "#.#.....#.#..#..#",
            ".####.#........##",
            "###.#..#.#.#..#..",
        ];
        let runs = serde_json::json!({"size": [13, 17], "counts": counts});
        let (polygons, size) = run_lengths("here", runs.as_object().unwrap()).unwrap();
        let mut pixels = vec![false; 13 * 17];
        for polygon in polygons {
            polygon.fill(size, &mut pixels);
        }
        let row = |row: &[bool]| {
            row.iter()
                .map(|&m| if m { '#' } else { '.' })
                .collect::<String>()
        };
        assert_eq!(pixels.chunks(17).map(row).collect::<Vec<_>>(), rows);
    }
}
