//! The program `cavga`.
fn main() {}
