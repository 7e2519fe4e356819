//! An index in Parquet, read row by row without Arrow.

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};

use ::parquet::data_type::AsBytes;
use ::parquet::errors::ParquetError;
use ::parquet::file::reader::{FileReader, SerializedFileReader};
use ::parquet::record::Field;

use super::entry::Fault;
use super::index::{Index, Table};

/// Reads an index in Parquet.
///
/// # Errors
/// As [`parse_csv`](super::index::parse_csv), and a file that is no Parquet.
pub(super) fn parse(file: File) -> Result<Index, Fault> {
    // The reader is other people's code fed with any bytes: a panic in it is a broken file.
    catch_unwind(AssertUnwindSafe(|| read(file)))
        .unwrap_or_else(|_| Err(Fault::new("the file", "Parquet", "its reader gave up")))
}

fn read(file: File) -> Result<Index, Fault> {
    let wrong = |error: ParquetError| Fault::new("the file", "Parquet", error.to_string());
    let reader = SerializedFileReader::new(file).map_err(wrong)?;
    let schema = reader.metadata().file_metadata().schema();
    let names: Vec<_> = schema
        .get_fields()
        .iter()
        .map(|field| field.name())
        .collect();
    let mut table = Table::new("its columns", &names)?;
    for (number, row) in reader.get_row_iter(None).map_err(wrong)?.enumerate() {
        let row = row.map_err(wrong)?;
        let cells: Vec<String> = row
            .get_column_iter()
            .map(|(_, field)| text(field))
            .collect();
        let cells: Vec<&str> = cells.iter().map(String::as_str).collect();
        table.add(format!("row {}", number + 1), &cells);
    }
    Ok(table.into_index())
}

fn text(field: &Field) -> String {
    match field {
        Field::Null => String::new(),
        Field::Str(text) => text.clone(),
        Field::Bytes(bytes) => String::from_utf8_lossy(bytes.as_bytes()).into_owned(),
        other => other.to_string(),
    }
}
