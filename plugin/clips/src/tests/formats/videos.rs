//! Videos in the codecs and pixel formats that cameras, editors and archives use.

use super::*;

/// Codecs that store RGB: the pixels are ffmpeg's own, without any matrix.
const RGB: &[(&str, &str, Must)] = &[
    ("ffv1-rgb.mkv", "-c:v ffv1 -pix_fmt bgr0", Equal),
    ("ffv1-rgba.mkv", "-c:v ffv1 -pix_fmt bgra", Equal),
    ("ffv1-10.mkv", "-c:v ffv1 -pix_fmt gbrp10le", Equal),
    ("ffv1-12.mkv", "-c:v ffv1 -pix_fmt gbrp12le", Equal),
    ("ffv1-16.mkv", "-c:v ffv1 -pix_fmt gbrp16le", Equal),
    ("ffv1-16-alpha.mkv", "-c:v ffv1 -pix_fmt rgba64le", Equal),
    ("utvideo.avi", "-c:v utvideo -pix_fmt gbrp", Equal),
    ("utvideo-alpha.avi", "-c:v utvideo -pix_fmt gbrap", Equal),
    ("magicyuv.avi", "-c:v magicyuv -pix_fmt gbrp", Equal),
    ("huffyuv.avi", "-c:v huffyuv -pix_fmt rgb24", Equal),
    ("huffyuv-alpha.avi", "-c:v huffyuv -pix_fmt bgra", Equal),
    ("ffvhuff.avi", "-c:v ffvhuff -pix_fmt rgb24", Equal),
    ("qtrle.mov", "-c:v qtrle -pix_fmt rgb24", Equal),
    ("qtrle-alpha.mov", "-c:v qtrle -pix_fmt argb", Equal),
    ("png.mov", "-c:v png -pix_fmt rgb48be", Equal),
    ("raw.avi", "-c:v rawvideo -pix_fmt bgr24", Equal),
    ("raw.mov", "-c:v rawvideo -pix_fmt rgb24", Equal),
    ("r210.mov", "-c:v r210 -pix_fmt gbrp10le", Equal),
    ("h264-rgb.mkv", "-c:v libx264rgb -qp 0 -pix_fmt bgr24", Equal),
    ("animation.gif", "-c:v gif -pix_fmt rgb8", Equal),
];

/// Codecs that store luma and chroma: zimg, which is not ffmpeg's own scaler, makes RGB of them by the matrix and range in the
/// middle. Each rounds in its own way, by up to a level, and where chroma has half the width or height interpolates it in its own
/// way, most at the edges: but a wrong matrix, range or plane is off by more than ten.
const YUV: &[(&str, &str, &str, Must)] = &[
    ("h264-420.mp4", "-c:v libx264 -crf 10 -pix_fmt yuv420p", TV, HALVED),
    ("h264-422.mp4", "-c:v libx264 -crf 10 -pix_fmt yuv422p", TV, HALVED),
    ("h264-444.mp4", "-c:v libx264 -crf 10 -pix_fmt yuv444p", TV, WHOLE),
    ("h264-full.mp4", "-c:v libx264 -crf 10 -pix_fmt yuv420p -color_range pc", PC, HALVED),
    ("h264-420-10.mp4", "-c:v libx264 -crf 10 -pix_fmt yuv420p10le", TV, HALVED),
    ("h264-422-10.mp4", "-c:v libx264 -crf 10 -pix_fmt yuv422p10le", TV, HALVED),
    ("h264-444-10.mp4", "-c:v libx264 -crf 10 -pix_fmt yuv444p10le", TV, WHOLE),
    ("h264-full-10.mp4", "-c:v libx264 -crf 10 -pix_fmt yuv444p10le -color_range pc", PC, WHOLE),
    ("hevc-8.mp4", "-c:v libx265 -x265-params log-level=error -pix_fmt yuv420p", TV, HALVED),
    ("hevc-10.mp4", "-c:v libx265 -x265-params log-level=error -pix_fmt yuv422p10le", TV, HALVED),
    ("hevc-12.mp4", "-c:v libx265 -x265-params log-level=error -pix_fmt yuv444p12le", TV, WHOLE),
    ("vp8.webm", "-c:v libvpx -b:v 4M -pix_fmt yuv420p", TV601, HALVED),
    ("vp9.webm", "-c:v libvpx-vp9 -b:v 4M -pix_fmt yuv420p", TV, HALVED),
    ("vp9-10.webm", "-c:v libvpx-vp9 -b:v 4M -pix_fmt yuv420p10le", TV, HALVED),
    ("av1.mkv", "-c:v libaom-av1 -cpu-used 8 -crf 10 -pix_fmt yuv420p", TV, HALVED),
    ("av1-10.mkv", "-c:v libaom-av1 -cpu-used 8 -crf 10 -pix_fmt yuv420p10le", TV, HALVED),
    ("prores-proxy.mov", "-c:v prores_ks -profile:v proxy -pix_fmt yuv422p10le", TV, HALVED),
    ("prores-lt.mov", "-c:v prores_ks -profile:v lt -pix_fmt yuv422p10le", TV, HALVED),
    ("prores.mov", "-c:v prores_ks -profile:v standard -pix_fmt yuv422p10le", TV, HALVED),
    ("prores-hq.mov", "-c:v prores_ks -profile:v hq -pix_fmt yuv422p10le", TV, HALVED),
    ("prores-4444.mov", "-c:v prores_ks -profile:v 4444 -pix_fmt yuv444p10le", TV, WHOLE),
    ("prores-4444xq.mov", "-c:v prores_ks -profile:v 4444xq -pix_fmt yuv444p10le", TV, WHOLE),
    ("dnxhr-sq.mov", "-s 256x128 -c:v dnxhd -profile:v dnxhr_sq -pix_fmt yuv422p", TV, HALVED),
    ("dnxhr-hqx.mov", "-s 256x128 -c:v dnxhd -profile:v dnxhr_hqx -pix_fmt yuv422p10le", TV, HALVED),
    ("dnxhr-444.mov", "-s 256x128 -c:v dnxhd -profile:v dnxhr_444 -pix_fmt yuv444p10le", TV, WHOLE),
    ("ffv1-420.mkv", "-c:v ffv1 -pix_fmt yuv420p", TV, HALVED),
    ("ffv1-422-10.mkv", "-c:v ffv1 -pix_fmt yuv422p10le", TV, HALVED),
    ("ffv1-444-16.mkv", "-c:v ffv1 -pix_fmt yuv444p16le", TV, WHOLE),
    ("mjpeg.avi", "-c:v mjpeg -q:v 2 -pix_fmt yuvj422p", PC601, HALVED),
    ("mpeg2.mpg", "-c:v mpeg2video -q:v 2 -pix_fmt yuv420p", TV, HALVED),
    ("mpeg4.avi", "-c:v mpeg4 -q:v 2 -pix_fmt yuv420p", TV601, HALVED),
    ("utvideo-422.avi", "-c:v utvideo -pix_fmt yuv422p", TV601, HALVED),
    ("huffyuv-422.avi", "-c:v huffyuv -pix_fmt yuv422p", TV601, HALVED),
    ("v210.mov", "-c:v v210 -pix_fmt yuv422p10le", TV, HALVED),
    ("uyvy.mov", "-c:v rawvideo -pix_fmt uyvy422", TV, HALVED),
];

const WHOLE: Must = Near(1.1);
const HALVED: Must = Near(4.0);
const TV: &str = "709:rin=tv";
const PC: &str = "709:rin=pc";
/// Small files that hold no tags, and all of VP8, are standard definition.
const TV601: &str = "170m:rin=tv";
const PC601: &str = "170m:rin=pc";

#[test]
#[ignore = "needs ffmpeg"]
fn videos_of_rgb_have_the_pixels_that_ffmpeg_finds_in_them() {
    let folder = sources();
    let mut found = Found::default();
    for (name, options, must) in RGB {
        // Sides as all of them take.
        ffmpeg(&folder, &format!("-loop 1 -i noise.png -vf crop=32:20 {options} -frames:v 3 {name}"));
        found.note(name, *must, compare(&folder.join(name), |like| by_ffmpeg(&folder, name, ("", ""), like)));
    }
    found.settle();
}

#[test]
#[ignore = "needs ffmpeg"]
fn videos_of_luma_and_chroma_have_the_pixels_that_zimg_makes_of_them() {
    let folder = sources();
    let (mut found, mut own) = (Found::default(), Found::default());
    for (name, options, way, must) in YUV {
        let (matrix, _) = way.split_once(':').unwrap();
        let scaled = if matrix == "709" { "bt709" } else { "smpte170m" };
        let range = if way.ends_with("pc") { "pc" } else { "tv" };
        let filter = format!("format=rgb48le,scale=out_color_matrix={scaled}:out_range={range}");
        // Some codecs take their tags from the frames, some containers from the options.
        let tagged = format!(
            "{filter},setparams=colorspace=bt709:color_primaries=bt709:color_trc=bt709:range={range} -colorspace bt709 \
             -color_primaries bt709 -color_trc bt709 -color_range {range}"
        );
        let filter = if matrix == "709" { tagged } else { filter };
        ffmpeg(&folder, &format!("-loop 1 -i soft.png -vf {filter} {options} -frames:v 3 {name}"));
        let zimg = format!("-vf zscale=min={way}:m=gbr:r=pc:f=bicubic,format=gbrp16le");
        found.note(name, *must, compare(&folder.join(name), |like| by_ffmpeg(&folder, name, ("", &zimg), like)));
        own.note(name, Equal, compare(&folder.join(name), |like| by_ffmpeg(&folder, name, ("", SCALING), like)));
    }
    found.settle();
    own.settle();
}
