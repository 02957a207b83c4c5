//! Small files that ask for a lot: for memory, for time, for trust in what a
//! header says. Each gets a negative or an error of a given kind, soon and
//! within bounds. All are made here; none is stored.

mod animations;
mod bits;
mod bmp;
mod cuts;
mod gif;
mod jpeg;
mod jpeg_large;
mod jpeg_metadata;
mod jpeg_segments;
mod png;
mod png_large;
mod scale;
mod webp;
