//! Video formats: what each container takes, in which codec, and with which of ffmpeg's options.

use std::path::Path;

use super::beside::{Beside, FieldOrder};
use super::picture::{Depth, Picture};
use super::reader::Rate;

/// A video format by its file extension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Container {
    Mp4,
    Mov,
    Mkv,
    WebM,
    Avi,
    Gif,
}

impl Container {
    pub(super) fn of(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "mp4" => Some(Self::Mp4),
            "mov" => Some(Self::Mov),
            "mkv" => Some(Self::Mkv),
            "webm" => Some(Self::WebM),
            "avi" => Some(Self::Avi),
            "gif" => Some(Self::Gif),
            _ => None,
        }
    }

    pub(super) fn muxer(self) -> &'static str {
        match self {
            Self::Mp4 => "mp4",
            Self::Mov => "mov",
            Self::Mkv => "matroska",
            Self::WebM => "webm",
            Self::Avi => "avi",
            Self::Gif => "gif",
        }
    }

    /// The codecs it is written in, the usual one first.
    pub(super) fn codecs(self) -> &'static [Codec] {
        match self {
            Self::Mp4 => &[Codec::H264, Codec::Hevc],
            Self::Mov => &[Codec::ProRes, Codec::H264, Codec::Hevc],
            Self::Mkv => &[Codec::Ffv1, Codec::H264, Codec::Hevc, Codec::Vp9],
            Self::WebM => &[Codec::Vp9],
            Self::Avi => &[Codec::Ffv1],
            Self::Gif => &[Codec::Gif],
        }
    }

    /// The codec for a clip where none is asked for: high dynamic range needs more than the eight bits of H.264.
    pub(super) fn usual(self, beside: &Beside) -> Codec {
        match self {
            Self::Mp4 if beside.tags.wide() => Codec::Hevc,
            _ => self.codecs()[0],
        }
    }

    /// Whether a frame can begin at any time in it.
    pub(super) fn has_times(self) -> bool {
        self != Self::Avi
    }

    /// Whether it says what the numbers of its pictures stand for, which fields they have, and a time code.
    pub(super) fn has_tags(self) -> bool {
        !matches!(self, Self::Avi | Self::Gif)
    }

    /// The rate it has for one that is asked for: browsers show a GIF's frames for two hundredths of a second at the least.
    pub(super) fn rate(self, rate: Rate) -> Rate {
        const MOST: Rate = Rate { num: 50, den: 1 };
        if self == Self::Gif && rate.as_f64() > MOST.as_f64() { MOST } else { rate }
    }

    /// The codec for sound that it cannot take as it is.
    pub(super) fn sound(self) -> Option<&'static str> {
        match self {
            Self::Mp4 => Some("aac"),
            Self::Mov => Some("pcm_s24le"),
            Self::Mkv => Some("flac"),
            Self::WebM => Some("libopus"),
            Self::Avi => Some("pcm_s16le"),
            Self::Gif => None,
        }
    }

    /// Whether sound in this codec can stand in it as it is, and players know it there.
    pub(super) fn takes_sound(self, codec: &str) -> bool {
        match self {
            Self::Mp4 => matches!(codec, "aac" | "mp3" | "ac3" | "eac3" | "alac" | "opus"),
            Self::Mov => matches!(codec, "aac" | "mp3" | "ac3" | "alac") || codec.starts_with("pcm_"),
            Self::Mkv => true,
            Self::WebM => matches!(codec, "opus" | "vorbis"),
            Self::Avi => matches!(codec, "mp3" | "ac3" | "pcm_s16le"),
            Self::Gif => false,
        }
    }
}

/// How the pictures of a video are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Codec {
    /// H.264: 8 bits, 4:2:0, no alpha.
    H264,
    /// HEVC: 8 or 10 bits, 4:2:0, no alpha.
    Hevc,
    /// Apple ProRes: 10 bits, 4:2:2; 4:4:4 with alpha.
    ProRes,
    /// FFV1: RGB of 8 or 16 bits with alpha, without loss.
    Ffv1,
    /// VP9: 4:2:0, 8 bits with alpha, 8 or 10 without.
    Vp9,
    /// GIF: 256 colours.
    Gif,
}

/// How much is lost to compression.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Quality {
    /// Small files, in which the loss can be seen.
    Low,
    /// What is usual for watching.
    Medium,
    /// For further work: the loss is hard to see.
    #[default]
    High,
}

impl Codec {
    /// The name on the command line and in messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::H264 => "h264",
            Self::Hevc => "hevc",
            Self::ProRes => "prores",
            Self::Ffv1 => "ffv1",
            Self::Vp9 => "vp9",
            Self::Gif => "gif",
        }
    }

    /// ffmpeg's encoder.
    pub(super) fn encoder(self) -> &'static str {
        match self {
            Self::H264 => "libx264",
            Self::Hevc => "libx265",
            Self::ProRes => "prores_ks",
            Self::Ffv1 => "ffv1",
            Self::Vp9 => "libvpx-vp9",
            Self::Gif => "gif",
        }
    }

    /// Bits of a sample in it, of a clip that has so many.
    pub(super) fn bits(self, bits: u8, alpha: bool) -> u8 {
        match self {
            Self::H264 | Self::Gif => 8,
            Self::Vp9 if alpha => 8,
            Self::Hevc | Self::Vp9 if bits > 8 => 10,
            Self::Hevc | Self::Vp9 => 8,
            Self::ProRes => 10,
            Self::Ffv1 if bits > 8 => 16,
            Self::Ffv1 => 8,
        }
    }

    /// Pixels that share one sample of colour in it, across and down.
    pub(super) fn chroma(self, alpha: bool) -> (u8, u8) {
        match self {
            Self::H264 | Self::Hevc | Self::Vp9 => (2, 2),
            Self::ProRes if !alpha => (2, 1),
            Self::ProRes | Self::Ffv1 | Self::Gif => (1, 1),
        }
    }

    pub(super) fn has_alpha(self) -> bool {
        matches!(self, Self::ProRes | Self::Ffv1 | Self::Vp9)
    }

    /// Whether it takes pictures of two fields.
    pub(super) fn has_fields(self) -> bool {
        matches!(self, Self::H264 | Self::ProRes | Self::Ffv1)
    }

    /// Whether chroma has half the size, so that sides must be even.
    pub(super) fn needs_even(self) -> bool {
        matches!(self, Self::H264 | Self::Hevc)
    }

    /// Depth and alpha in which a picture goes to ffmpeg.
    pub(super) fn takes(self, picture: &Picture) -> (Depth, bool) {
        let alpha = picture.has_alpha() && self.has_alpha();
        let deep = picture.depth() != Depth::U8 && self.bits(16, alpha) > 8;
        (if deep { Depth::U16 } else { Depth::U8 }, alpha)
    }

    fn pixel_format(self, depth: Depth, alpha: bool) -> &'static str {
        match (self, depth, alpha) {
            (Self::H264, ..) | (Self::Hevc | Self::Vp9, Depth::U8, false) => "yuv420p",
            (Self::Hevc | Self::Vp9, _, false) => "yuv420p10le",
            (Self::Vp9 | Self::Hevc, _, true) => "yuva420p",
            (Self::ProRes, _, true) => "yuva444p10le",
            (Self::ProRes, _, false) => "yuv422p10le",
            (Self::Ffv1, Depth::U8, false) => "bgr0",
            (Self::Ffv1, Depth::U8, true) => "bgra",
            (Self::Ffv1, _, false) => "gbrp16le",
            (Self::Ffv1, _, true) => "gbrap16le",
            (Self::Gif, ..) => "pal8",
        }
    }

    /// The constant rate factor of x264, x265 or libvpx.
    fn rate_factor(self, quality: Quality) -> &'static str {
        match (self, quality) {
            (Self::H264, Quality::Low) => "28",
            (Self::H264, Quality::Medium) => "20",
            (Self::H264, _) => "12",
            (Self::Hevc, Quality::Low) => "30",
            (Self::Hevc, Quality::Medium) => "22",
            (Self::Hevc, _) => "14",
            (_, Quality::Low) => "38",
            (_, Quality::Medium) => "28",
            (..) => "16",
        }
    }

    /// ffmpeg's options for pictures of a depth, with alpha or without, of a clip that had this beside them.
    pub(super) fn args(self, (depth, alpha): (Depth, bool), quality: Quality, beside: &Beside) -> Vec<String> {
        let fields = beside.fields.filter(|_| self.has_fields());
        let mut args = vec!["-c:v", self.encoder()];
        match self {
            Self::H264 => args.extend(["-crf", self.rate_factor(quality), "-preset", "medium"]),
            Self::Hevc => {
                args.extend(["-crf", self.rate_factor(quality), "-preset", "medium", "-tag:v", "hvc1"]);
                args.extend(["-x265-params", "log-level=error"]);
            }
            Self::ProRes => {
                let profile = match quality {
                    _ if alpha => "4444",
                    Quality::Low => "lt",
                    Quality::Medium => "standard",
                    Quality::High => "hq",
                };
                args.extend(["-profile:v", profile, "-vendor", "apl0"]);
            }
            Self::Ffv1 => args.extend(["-level", "3", "-slicecrc", "1"]),
            Self::Vp9 => args.extend(["-crf", self.rate_factor(quality), "-b:v", "0", "-row-mt", "1"]),
            Self::Gif => {
                args.extend(["-filter_complex", "split[a][b];[a]palettegen[p];[b][p]paletteuse"]);
                return args.into_iter().map(Into::into).collect();
            }
        }
        args.extend(["-pix_fmt", self.pixel_format(depth, alpha)]);
        if let Some(order) = fields {
            args.extend(["-flags", "+ildct+ilme"]);
            if (self, order) == (Self::H264, FieldOrder::Bottom) {
                // x264 does not ask ffmpeg for the order.
                args.extend(["-x264opts", "bff=1"]);
            }
        }
        let mut args: Vec<String> = args.into_iter().map(Into::into).collect();
        args.extend(self.colour(beside, fields));
        args
    }

    /// How RGB becomes what is stored, and the tags that say so: in the frames, which ProRes takes its tags from, and in
    /// the container. Without a tag players guess the matrix by the picture's size.
    fn colour(self, beside: &Beside, fields: Option<FieldOrder>) -> Vec<String> {
        let tags = &beside.tags;
        let rgb = self == Self::Ffv1;
        let (matrix, scaled) = match tags.matrix.as_deref() {
            Some(matrix @ ("bt2020nc" | "bt2020c")) => (matrix, "bt2020"),
            Some(matrix @ ("smpte170m" | "bt470bg")) => (matrix, "smpte170m"),
            Some("smpte240m") => ("smpte240m", "smpte240m"),
            _ => ("bt709", "bt709"),
        };
        // What nobody told stays untold where the numbers are stored as they came.
        let untold = if rgb { "unknown" } else { "bt709" };
        let primaries = tags.primaries.as_deref().unwrap_or(untold);
        let transfer = tags.transfer.as_deref().unwrap_or(untold);
        let mut filters = Vec::new();
        let mut args = Vec::new();
        if rgb {
            filters.push(format!("setparams=color_primaries={primaries}:color_trc={transfer}"));
        } else {
            let interlaced = u8::from(fields.is_some());
            filters.push(format!(
                "scale=out_color_matrix={scaled}:out_range=tv:interl={interlaced}:flags=bicubic+accurate_rnd+full_chroma_int"
            ));
            filters.push(format!(
                "setparams=colorspace={matrix}:color_primaries={primaries}:color_trc={transfer}:range=tv"
            ));
            args.extend(["-colorspace", matrix, "-color_range", "tv"].map(Into::into));
        }
        // Two curves go by other names in ffmpeg's options than in its filters.
        let curve = match transfer {
            "bt470m" => "gamma22",
            "bt470bg" => "gamma28",
            other => other,
        };
        args.extend(["-color_primaries", primaries, "-color_trc", curve].map(Into::into));
        if let Some(order) = fields {
            let (mode, top) = if order == FieldOrder::Top { ("tff", "1") } else { ("bff", "0") };
            filters.insert(0, format!("setfield={mode}"));
            args.extend(["-top", top].map(Into::into));
        }
        args.extend(["-vf".into(), filters.join(",")]);
        args
    }
}
