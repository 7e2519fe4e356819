//! Printing, and errors as a user reads them.

use std::{
    io::{self, Write},
    process::ExitCode,
};

use cavga::{Error, MethodError, UpdateError, weights::FetchError};

/// Exit code of work that was stopped by Ctrl-C: 128 and the signal's number, as shells have it.
pub(crate) const STOPPED: u8 = 130;

/// Prints a line of results. A reader that has gone (`cavga methods | head -1`) is an error that [`report`] keeps quiet.
pub(crate) fn line(text: impl AsRef<str>) -> io::Result<()> {
    writeln!(io::stdout().lock(), "{}", text.as_ref())
}

/// Prints an error with its causes and says with which code to exit.
pub(crate) fn report(error: &anyhow::Error) -> ExitCode {
    if error.chain().any(|cause| {
        cause
            .downcast_ref::<io::Error>()
            .is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
    }) {
        return ExitCode::SUCCESS;
    }
    let mut stderr = io::stderr().lock();
    // Standard error may be gone too; there is nobody left to tell then.
    let _ = writeln!(stderr, "error: {error}");
    let mut said = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        // Some errors quote their cause in their own message.
        if !said.contains(&cause) {
            let _ = writeln!(stderr, "  because: {cause}");
        }
        said = cause;
    }
    ExitCode::from(code(error))
}

/// 2 where other arguments or settings would have helped, else 1.
fn code(error: &anyhow::Error) -> u8 {
    match error.downcast_ref::<Error>() {
        Some(
            Error::UnknownMethod { .. }
            | Error::UnknownMap { .. }
            | Error::UnknownScore { .. }
            | Error::UnknownKey { .. }
            | Error::Config { .. }
            | Error::RunExists { .. }
            | Error::RunDiffers { .. }
            | Error::OtherImages { .. }
            | Error::Out { .. }
            | Error::Device(_)
            | Error::Update(UpdateError::UnknownImage { .. } | UpdateError::WentBefore { .. })
            | Error::WeightFile(_)
            | Error::Method(MethodError::Config { .. } | MethodError::Weights { .. })
            | Error::Weights(
                FetchError::Unknown { .. }
                | FetchError::NoFile { .. }
                | FetchError::NoFolder
                | FetchError::NoHome { .. }
                | FetchError::Offline { .. },
            ),
        ) => 2,
        Some(Error::Data(error)) if is_argument(error) => 2,
        Some(Error::Stopped) => STOPPED,
        _ => 1,
    }
}

/// Whether what is wrong with a dataset is how it was asked for.
fn is_argument(error: &cavga::data::Error) -> bool {
    let kinds = ["setting", "category", "category-missing", "normal-class"];
    kinds.contains(&error.kind())
}

/// Prints rows under a head, in columns as wide as their widest cells. `right`: which columns end alike, as numbers do.
pub(crate) fn table<const N: usize>(
    head: [&str; N],
    rows: impl Iterator<Item = [String; N]>,
    right: [bool; N],
) -> io::Result<()> {
    let rows: Vec<_> = std::iter::once(head.map(str::to_owned))
        .chain(rows)
        .collect();
    let widths: [usize; N] = std::array::from_fn(|column| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    });
    for row in &rows {
        let cells = row.iter().zip(widths.iter().zip(right));
        let cells: Vec<_> = cells
            .map(|(cell, (width, is_right))| match is_right {
                true => format!("{cell:>width$}"),
                false => format!("{cell:width$}"),
            })
            .collect();
        line(cells.join("  ").trim_end())?;
    }
    Ok(())
}
