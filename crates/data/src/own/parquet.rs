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

#[cfg(test)]
mod tests {
    use std::io::{Seek, Write};
    use std::sync::Arc;

    use ::parquet::basic::{Compression, GzipLevel, ZstdLevel};
    use ::parquet::data_type::{ByteArray, ByteArrayType, Int64Type};
    use ::parquet::file::properties::WriterProperties;
    use ::parquet::file::writer::SerializedFileWriter;
    use ::parquet::schema::parser::parse_message_type;

    use super::*;

    /// An index of two rows, of which the second has no group.
    fn written(compression: Compression) -> File {
        let message = "message index { required int64 label; required binary path (UTF8); \
                       optional binary group (UTF8); }";
        let schema = Arc::new(parse_message_type(message).unwrap());
        let properties = WriterProperties::builder().set_compression(compression);
        let mut file = tempfile::tempfile().unwrap();
        let to = file.try_clone().unwrap();
        let mut writer =
            SerializedFileWriter::new(to, schema, Arc::new(properties.build())).unwrap();
        let mut group = writer.next_row_group().unwrap();
        let mut column = group.next_column().unwrap().unwrap();
        let labels = column.typed::<Int64Type>();
        labels.write_batch(&[0, 1], None, None).unwrap();
        column.close().unwrap();
        for (values, present) in [(&["ä.png", "b.png"][..], None), (&["G"], Some(&[1, 0][..]))] {
            let mut column = group.next_column().unwrap().unwrap();
            let values: Vec<ByteArray> = values.iter().map(|v| ByteArray::from(*v)).collect();
            let texts = column.typed::<ByteArrayType>();
            texts.write_batch(&values, present, None).unwrap();
            column.close().unwrap();
        }
        group.close().unwrap();
        writer.close().unwrap();
        file.rewind().unwrap();
        file
    }

    #[test]
    fn rows_are_read_whatever_the_compression() {
        for compression in [
            Compression::UNCOMPRESSED,
            Compression::SNAPPY,
            Compression::GZIP(GzipLevel::default()),
            Compression::ZSTD(ZstdLevel::default()),
        ] {
            let index = parse(written(compression)).unwrap();
            assert_eq!(
                (index.faults.len(), index.rows.len()),
                (0, 2),
                "{compression}"
            );
            let [first, second] = &index.rows[..] else {
                panic!("two rows")
            };
            assert_eq!(
                (first.path.as_str(), first.group.as_deref()),
                ("ä.png", Some("G"))
            );
            assert!(second.label.is_anomalous() && second.group.is_none());
            assert_eq!(second.place, "row 2");
        }
    }

    #[test]
    fn broken_files_are_faults() {
        use std::io::Read;
        let mut whole = Vec::new();
        written(Compression::SNAPPY)
            .read_to_end(&mut whole)
            .unwrap();
        let read = |bytes: &[u8]| {
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(bytes).unwrap();
            file.rewind().unwrap();
            parse(file)
        };
        assert!(read(&whole).is_ok());
        for length in [0, 4, 11, whole.len() / 2, whole.len() - 1] {
            assert!(read(&whole[..length]).is_err(), "{length}");
        }
        // Whatever byte is off, it is read or refused.
        for at in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[at] ^= 0x55;
            let _ = read(&bytes);
        }
    }
}
