//! Each public dataset by name: a small tree in its layout, what is found in it, and what is said of a broken one.

#![allow(clippy::unwrap_used, reason = "in a test an error is a failure")]

mod categories;
#[path = "../common/mod.rs"]
mod common;
mod folders;
mod frames;
mod loco;
mod real;
mod splits;
mod tree;
mod videos;
mod visa;
