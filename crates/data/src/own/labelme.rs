//! LabelMe: a JSON file for each image, with its shapes.

use std::f64::consts::TAU;

use serde::Deserialize;

use super::annotations::{Annotated, Annotations, json, sound};
use super::entry::{Fault, shown};
use crate::polygon::Polygon;

#[derive(Deserialize)]
struct File {
    #[serde(rename = "imagePath")]
    image_path: String,
    #[serde(rename = "imageHeight")]
    height: Option<usize>,
    #[serde(rename = "imageWidth")]
    width: Option<usize>,
    shapes: Vec<Shape>,
}

#[derive(Deserialize)]
struct Shape {
    label: Option<String>,
    points: Vec<[f64; 2]>,
    shape_type: Option<String>,
}

/// A circle's corners: with so many its area is a thousandth off.
const CORNERS: usize = 64;

pub(super) fn parse(bytes: &[u8]) -> Result<Annotations, Fault> {
    let file: File = serde_json::from_slice(bytes).map_err(json)?;
    let size = file.height.zip(file.width).map(|(h, w)| [h, w]);
    let mut annotations = Annotations::default();
    let mut image = Annotated {
        file: file.image_path,
        size,
        ..Annotated::default()
    };
    for (number, shape) in file.shapes.into_iter().enumerate() {
        let place = format!("shape {}", number + 1);
        let kind = shape.label.clone();
        match polygon(&place, shape).and_then(|polygon| sound(&place, polygon, size)) {
            Ok(polygon) => {
                image.polygons.push(polygon);
                image.kinds.extend(kind);
            }
            Err(fault) => annotations.faults.push(fault),
        }
    }
    annotations.images.push(image);
    Ok(annotations)
}

fn polygon(place: &str, shape: Shape) -> Result<Polygon, Fault> {
    let kind = shape.shape_type.as_deref().unwrap_or("polygon");
    match (kind, &*shape.points) {
        ("polygon", _) => Ok(Polygon {
            corners: shape.points,
        }),
        ("rectangle", &[[x0, y0], [x1, y1]]) => Ok(Polygon {
            corners: vec![[x0, y0], [x1, y0], [x1, y1], [x0, y1]],
        }),
        // Later versions write all four corners.
        ("rectangle", [_, _, _, _]) => Ok(Polygon {
            corners: shape.points,
        }),
        ("circle", &[[x, y], [to_x, to_y]]) => {
            let radius = (to_x - x).hypot(to_y - y);
            let corner = |i: usize| {
                let (sin, cos) = (i as f64 / CORNERS as f64 * TAU).sin_cos();
                [x + radius * cos, y + radius * sin]
            };
            Ok(Polygon {
                corners: (0..CORNERS).map(corner).collect(),
            })
        }
        ("rectangle" | "circle", points) => {
            let expected = format!("the two points of a {kind}");
            Err(Fault::new(place, expected, points.len().to_string()))
        }
        (other, _) => {
            let expected = "a polygon, a rectangle or a circle (what has an area)";
            Err(Fault::new(place, expected, shown(other)))
        }
    }
}
