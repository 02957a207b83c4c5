//! The promises of `invert`, format by format, held against other decoders.

mod bmp;
mod embedded;
mod foreign;
mod gif;
mod jpeg;
mod jpeg_layouts;
mod jpeg_writer;
mod kept;
mod limits;
mod png;
mod png_animation;
mod png_generator;
mod png_kinds;
mod pnm;
mod qoi;
mod samples;
mod tiff;
mod webp;
