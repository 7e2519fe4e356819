//! Forms that are wrong are found.
