//! The tags that are read, or kept when everything else goes (TIFF 6.0,
//! appendix A, unless said otherwise).

pub(super) const IMAGE_WIDTH: u16 = 256;
pub(super) const IMAGE_LENGTH: u16 = 257;
pub(super) const BITS_PER_SAMPLE: u16 = 258;
pub(super) const COMPRESSION: u16 = 259;
pub(super) const PHOTOMETRIC: u16 = 262;
pub(super) const FILL_ORDER: u16 = 266;
pub(super) const MAKE: u16 = 271;
pub(super) const STRIP_OFFSETS: u16 = 273;
pub(super) const SAMPLES_PER_PIXEL: u16 = 277;
pub(super) const ROWS_PER_STRIP: u16 = 278;
pub(super) const STRIP_BYTE_COUNTS: u16 = 279;
pub(super) const PLANAR_CONFIGURATION: u16 = 284;
pub(super) const PREDICTOR: u16 = 317;
pub(super) const COLOR_MAP: u16 = 320;
pub(super) const TILE_WIDTH: u16 = 322;
pub(super) const TILE_LENGTH: u16 = 323;
pub(super) const TILE_OFFSETS: u16 = 324;
pub(super) const TILE_BYTE_COUNTS: u16 = 325;
/// TIFF Technical Note 1.
pub(super) const SUB_DIRECTORIES: u16 = 330;
pub(super) const EXTRA_SAMPLES: u16 = 338;
pub(super) const SAMPLE_FORMAT: u16 = 339;
/// EXIF 2.32 §4.6.3.
pub(super) const EXIF: u16 = 34665;
pub(super) const GPS: u16 = 34853;
pub(super) const INTEROPERABILITY: u16 = 40965;
/// Photoshop's layers: a second, positive picture.
pub(super) const IMAGE_SOURCE_DATA: u16 = 37724;
/// DNG 1.7, chapter 4.
pub(super) const DNG_VERSION: u16 = 50706;

/// Whether a tag is needed to show a picture, or tells its colours, place in
/// the file, orientation or size on paper.
pub(super) fn is_needed(tag: u16) -> bool {
    const KEPT: [u16; 47] = [
        254, 255, 256, 257, 258, 259, 262, 263, 264, 265, 266, 273, 274, 277, 278, 279, 280, 281, 282, 283, 284, 290,
        291, 292, 293, 296, 297, 301, 317, 318, 319, 320, 321, 322, 323, 324, 325, 328, 330, 332, 336, 338, 339, 340,
        341, 347, 34675,
    ];
    KEPT.contains(&tag) || (326..=327).contains(&tag) || (529..=532).contains(&tag)
}
