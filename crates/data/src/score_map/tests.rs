//! Maps and masks of other programs, and files that are none.

use std::fs;

use ::tiff::encoder::{TiffEncoder, colortype};
use image::{ImageBuffer, Luma};

use super::*;

fn npy(folder: &Path, descr: &str, shape: &str, bytes: &[u8]) -> PathBuf {
    let head = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n");
    let mut file = b"\x93NUMPY\x01\x00".to_vec();
    file.extend((head.len() as u16).to_le_bytes());
    file.extend(head.as_bytes());
    file.extend(bytes);
    let path = folder.join("map.npy");
    fs::write(&path, file).unwrap();
    path
}

fn read(path: &Path) -> Result<ScoreMap> {
    load_score_map(path, &Limits::default())
}

#[test]
fn arrays_of_all_numbers_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let values = [-1.5_f32, 0.25, 3.0, 1e30];
    let singles: Vec<u8> = values
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect();
    let map = read(&npy(folder, "<f4", "(2, 2)", &singles)).unwrap();
    assert_eq!(
        (map.height, map.width, &map.values[..], map.rounded),
        (2, 2, &values[..], false)
    );
    let map = read(&npy(folder, "<f4", "(1, 1, 2, 2)", &singles)).unwrap();
    assert_eq!([map.height, map.width], [2, 2]);
    let doubles: Vec<u8> = [0.1_f64, 2.0]
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect();
    let map = read(&npy(folder, "<f8", "(1, 2)", &doubles)).unwrap();
    assert_eq!((&map.values[..], map.rounded), (&[0.1_f32, 2.0][..], true));
    let whole: Vec<u8> = [-3_i16, 700]
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect();
    assert_eq!(
        read(&npy(folder, "<i2", "(2, 1)", &whole)).unwrap().values,
        [-3.0, 700.0]
    );
    assert_eq!(
        read(&npy(folder, "|u1", "(1, 2)", &[0, 255]))
            .unwrap()
            .values,
        [0.0, 255.0]
    );
    // 1.0, -2.0, the least subnormal, of half precision.
    let halves: Vec<u8> = [0x3c00_u16, 0xc000, 0x0001]
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect();
    assert_eq!(
        read(&npy(folder, "<f2", "(1, 3)", &halves)).unwrap().values,
        [1.0, -2.0, 2.0_f32.powi(-24)]
    );
}

#[test]
fn what_is_no_number_is_named_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    for (name, bad) in [("f4", f32::NAN), ("f4", f32::INFINITY)] {
        let bytes: Vec<u8> = [0.0, 1.0, bad]
            .iter()
            .flat_map(|value: &f32| value.to_le_bytes())
            .collect();
        let error = read(&npy(folder.path(), &format!("<{name}"), "(3, 1)", &bytes)).unwrap_err();
        assert!(
            matches!(
                error,
                Error::NotFinite {
                    row: 2,
                    column: 0,
                    ..
                }
            ),
            "{error}"
        );
    }
    let beyond: Vec<u8> = 1e300_f64.to_le_bytes().to_vec();
    assert!(read(&npy(folder.path(), "<f8", "(1, 1)", &beyond)).is_err());
    let half = 0x7c00_u16.to_le_bytes();
    assert!(read(&npy(folder.path(), "<f2", "(1, 1)", &half)).is_err());
}

#[test]
fn several_maps_in_one_array_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let error = read(&npy(folder.path(), "|u1", "(2, 1, 1)", &[0, 1])).unwrap_err();
    assert!(error.to_string().contains("[2, 1, 1]"), "{error}");
}

#[test]
fn tiff_and_png_are_read_as_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("map.tiff");
    let values = [-2.0_f32, 0.5, 7.25, 1e-20, 0.0, 4.0];
    let mut encoder = TiffEncoder::new(fs::File::create(&path).unwrap()).unwrap();
    encoder
        .write_image::<colortype::Gray32Float>(3, 2, &values)
        .unwrap();
    drop(encoder);
    let map = read(&path).unwrap();
    assert_eq!(
        (map.height, map.width, &map.values[..]),
        (2, 3, &values[..])
    );
    let path = folder.path().join("map.png");
    let image: ImageBuffer<Luma<u16>, _> = ImageBuffer::from_raw(2, 1, vec![0_u16, 65535]).unwrap();
    image.save(&path).unwrap();
    assert_eq!(read(&path).unwrap().values, [0.0, 65535.0]);
    image::RgbImage::new(2, 2).save(&path).unwrap();
    assert!(
        read(&path)
            .unwrap_err()
            .to_string()
            .contains("one grey channel")
    );
}

#[test]
fn a_tiff_map_of_single_precision_has_a_size() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("map.tif");
    let mut encoder = TiffEncoder::new(fs::File::create(&path).unwrap()).unwrap();
    let written = encoder.write_image::<colortype::Gray32Float>(3, 2, &[0.5; 6]);
    written.unwrap();
    assert_eq!(score_map_size(&path).unwrap(), [2, 3]);
}

#[test]
fn broken_files_are_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["a.npy", "a.tiff", "a.png", "a.exr"] {
        let path = folder.path().join(name);
        for bytes in [
            &b""[..],
            b"\x93NUMPY",
            b"II*\0\xff\xff\xff\xff",
            b"\x89PNG\r\n\x1a\n",
        ] {
            fs::write(&path, bytes).unwrap();
            assert!(read(&path).unwrap_err().to_string().contains(name));
        }
        assert!(read(&folder.path().join("missing").join(name)).is_err());
    }
    assert!(list_score_maps(&folder.path().join("missing")).is_err());
    assert_eq!(list_score_maps(folder.path()).unwrap().len(), 3);
}

#[test]
fn several_pages_and_white_as_0_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("map.tiff");
    let mut encoder = TiffEncoder::new(fs::File::create(&path).unwrap()).unwrap();
    for _ in 0..2 {
        encoder
            .write_image::<colortype::Gray32Float>(2, 1, &[0.0, 1.0])
            .unwrap();
    }
    drop(encoder);
    assert!(read(&path).unwrap_err().to_string().contains("one page"));
    let mut encoder = TiffEncoder::new(fs::File::create(&path).unwrap()).unwrap();
    let mut image = encoder.new_image::<colortype::Gray32Float>(2, 1).unwrap();
    let photometric = ::tiff::tags::Tag::PhotometricInterpretation;
    image.encoder().write_tag(photometric, 0_u16).unwrap();
    image.write_data(&[0.0, 1.0]).unwrap();
    drop(encoder);
    let said = read(&path).unwrap_err().to_string();
    assert!(said.contains("as white"), "{said}");
}

#[test]
fn masks_as_arrays_are_one_frame_and_know_soft_edges() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let load = |path: &Path, above: f32| load_soft_mask(path, above, &Limits::default());
    let soft: Vec<u8> = [0.0_f32, 0.01, 1.0]
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect();
    let path = npy(folder, "<f4", "(1, 1, 1, 3)", &soft);
    let (mask, is_soft) = load(&path, 0.0).unwrap();
    assert_eq!(
        (&mask.pixels[..], is_soft),
        (&[false, true, true][..], true)
    );
    assert_eq!(load(&path, 0.5).unwrap().0.area(), 1);
    let path = npy(folder, "|u1", "(1, 2)", &[0, 255]);
    let (mask, is_soft) = load(&path, 0.5).unwrap();
    assert_eq!((&mask.pixels[..], is_soft), (&[false, true][..], false));
    assert!(load(&npy(folder, "|b1", "(2, 1, 1)", &[0, 1]), 0.0).is_err());
}
