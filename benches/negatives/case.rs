//! The files of the corpus that are measured.

/// One kind of file, by one example of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Case {
    /// As the table's headline says it.
    pub(crate) title: &'static str,
    /// Its path in the corpus.
    pub(crate) file: &'static str,
    /// The quality that it was encoded with and that all encoders are given.
    pub(crate) quality: u8,
}

/// Timed, one by one.
pub(crate) const TIMED: [Case; 11] = [
    case("JPEG, a webcam's frame, 640×480, quality 80, 4:2:0", "jpeg_china_q80_seq.jpg", 80),
    case("JPEG, 2 MP, quality 90, 4:2:0", "jpeg_volna_2mp_q90_seq.jpg", 90),
    case("JPEG, 12 MP, quality 90, 4:2:0", "jpeg_volna_12mp_q90_seq.jpg", 90),
    case("JPEG, 2 MP, quality 90, progressive", "jpeg_volna_2mp_q90_prog.jpg", 90),
    case("PNG, a photograph, RGB, 768×512", "png_china_rgb8_zc6_zs0.png", 90),
    case("PNG, a desktop's background, RGBA, 2.3 MP", "originals/mate_Gulp.png", 90),
    case("PNG, palette, 2 MP", "png_volna_palette.png", 90),
    case("PNG, a diagram, RGB, 3840×2160", "png_volna_diagram.png", 90),
    case("GIF, animated, 8 frames of 320×240", "gif_china_animated.gif", 90),
    case("BMP, 24 bits, 2 MP", "bmp_volna_large.bmp", 90),
    case("WebP, lossy, 640×480, quality 75", "webp_china_lossy_q75.webp", 75),
];

/// Only asked for what is left of them.
pub(crate) const LOSSES: [Case; 11] = [
    case("JPEG with EXIF, ICC, XMP, IPTC, comment", "jpeg_china_everything.jpg", 85),
    case("JPEG, grey", "jpeg_china_grey_seq.jpg", 85),
    case("JPEG, 4:4:4", "jpeg_china_444_seq.jpg", 80),
    case("PNG, RGBA", "png_china_rgba8_mixed.png", 90),
    case("PNG, 16 bits", "png_china_rgb16_mixed.png", 90),
    case("PNG, colour key", "png_china_trns_rgb.png", 90),
    case("PNG, grey, 2 bits", "png_china_l2_mixed.png", 90),
    case("PNG, interlaced", "png_china_rgb8_adam7.png", 90),
    case("PNG with ICC", "png_china_icc.png", 90),
    case("PNG, animated", "png_china_animated_rgb.png", 90),
    case("WebP, lossless, ICC, alpha", "webp_china_lossless_icc.webp", 90),
];

const fn case(title: &'static str, file: &'static str, quality: u8) -> Case {
    Case { title, file, quality }
}
