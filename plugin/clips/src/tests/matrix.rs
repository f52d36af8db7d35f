//! What becomes of each property of a clip in each format that is written: as docs/footage.md prints it. Nothing may be lost without
//! a word.

use std::fmt::Write as _;

use super::beside::filmed;
use super::videos::drawn;
use super::*;

/// A property is not there again, and nobody was told.
const SILENT: &str = "LOST";

/// What was read, what was written from it, and what was told.
struct Seen<'a> {
    before: &'a ClipReader,
    after: ClipReader,
    told: String,
}

impl Seen<'_> {
    /// The property is there again, or its loss was told by this word.
    fn kept_or(&self, kept: bool, word: &str) -> String {
        if kept {
            return "kept".into();
        }
        if self.told.contains(word) { "told".into() } else { SILENT.into() }
    }

    fn infos(&self) -> (&ClipInfo, &ClipInfo) {
        (self.before.info(), self.after.info())
    }

    /// How like the second frames are, in decibels.
    fn likeness(&self) -> f64 {
        let number = |clip: &ClipReader| clip.info().frames.iter().nth(1).unwrap();
        let (before, after) =
            (self.before.frame(number(self.before)).unwrap(), self.after.frame(number(&self.after)).unwrap());
        psnr(&before.to_rgb().to_depth(Depth::U8), &after.to_rgb().to_depth(Depth::U8)).unwrap()
    }
}

/// A property, a clip that has it, and what is said of a clip that was written from that.
struct Property {
    name: &'static str,
    input: ClipReader,
    judge: fn(&Seen<'_>) -> String,
}

impl Property {
    fn new(name: &'static str, input: PathBuf, judge: fn(&Seen<'_>) -> String) -> Self {
        Self { name, input: ClipReader::open(&input).unwrap(), judge }
    }
}

/// Writes a clip as `pickup render` does, with all that is carried over; an error is what is said instead.
fn carried<'a>(folder: &Folder, before: &'a ClipReader, to: &str, codec: Option<Codec>) -> Result<Seen<'a>, String> {
    let info = before.info().clone();
    let out = folder.join(to);
    if let Some(stale) = out.parent().filter(|parent| to.contains('/') && parent.exists()) {
        std::fs::remove_dir_all(stale).unwrap();
    }
    let length = info.frames.len() as f64 / info.rate.as_f64();
    let options = WriteOptions {
        depth: Some(info.depth),
        transfer: usual_transfer(&info, &out),
        codec,
        sound: Some(SoundSpan { from: 0.0, length, tempo: 1.0, whole: true }),
        from_start: true,
        ..WriteOptions::like(&info)
    };
    let told = lost(&info, &out, &options).join("; ");
    let writer = ClipWriter::create(&out, options, &[]).map_err(|error| error.to_string())?;
    for frame in info.frames.iter() {
        writer.write(frame, &before.frame(frame).unwrap()).map_err(|error| error.to_string())?;
    }
    writer.finish().map_err(|error| error.to_string())?;
    Ok(Seen { before, after: ClipReader::open(&out).unwrap(), told })
}

fn bits(seen: &Seen<'_>) -> String {
    let (before, after) = seen.infos();
    match seen.kept_or(after.bits >= before.bits, &format!("in {} bits", after.bits)) {
        lost if lost == SILENT => lost,
        _ => format!("{}", after.bits),
    }
}

fn light(seen: &Seen<'_>) -> String {
    let (_, after) = seen.infos();
    if after.colour == ColourHint::Linear {
        return "kept".into();
    }
    match seen.kept_or(false, "encoded by the sRGB curve") {
        lost if lost == SILENT => lost,
        _ => "encoded".into(),
    }
}

fn values(seen: &Seen<'_>) -> String {
    let db = seen.likeness();
    assert!(db > 28.0 || seen.told.contains("scene-linear"), "{}: {db}", seen.after.name().display());
    if seen.told.contains("scene-linear") { "made linear".into() } else { "kept".into() }
}

/// Properties of pictures, which every format is asked about.
fn of_pictures(folder: &Folder) -> Vec<Property> {
    let written = |name: &str, alpha, depth, options: WriteOptions, size: (usize, usize)| {
        let spec = folder.join(name);
        let writer = ClipWriter::create(&spec, options, &[]).unwrap();
        (1..=3).for_each(|n| writer.write(n, &picture(n, size.0, size.1, alpha, depth)).unwrap());
        spec
    };
    let plain = WriteOptions::default;
    let profiled =
        WriteOptions { beside: Beside { profile: Some(vec![1; 200].into()), ..Beside::default() }, ..plain() };
    let lying = {
        let options = ["-c:v", "mjpeg", "-frames:v", "3", "-q:v", "2"];
        let spec = drawn(folder, "lying%d.jpg", &options);
        let exif = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";
        for n in 1..=3 {
            let path = folder.join(format!("lying{n}.jpg"));
            let bytes = std::fs::read(&path).unwrap();
            let length = u16::try_from(exif.len() + 2).unwrap().to_be_bytes();
            std::fs::write(&path, [&bytes[..2], &[0xFF, 0xE1], &length, exif, &bytes[2..]].concat()).unwrap();
        }
        spec
    };
    let p = Property::new;
    vec![
        p("odd size", written("odd/%d.png", false, Depth::U8, plain(), (33, 17)), |s| {
            s.kept_or(s.before.info().size() == s.after.info().size(), "size")
        }),
        p(
            "pixel aspect",
            written("wide/%d.exr", false, Depth::F16, WriteOptions { pixel_aspect: 2.0, ..plain() }, (32, 16)),
            |s| s.kept_or((s.after.info().pixel_aspect - 2.0).abs() < 1e-3, "as wide as high"),
        ),
        p("orientation", lying, |s| {
            assert_eq!(s.after.info().size(), (48, 64));
            "turned upright".into()
        }),
        p("16 bits", written("deep/%d.png", false, Depth::U16, plain(), (32, 16)), bits),
        p("light above white", written("light/%d.exr", false, Depth::F16, plain(), (32, 16)), light),
        p("alpha", written("cut/%d.png", true, Depth::U8, plain(), (32, 16)), |s| {
            let after = s.after.frame(s.after.info().first()).unwrap().to_rgba().to_depth(Depth::U8);
            let clear = after.pixels().to_f32().chunks(4).any(|pixel| pixel[3] < 0.5);
            s.kept_or(clear, "alpha")
        }),
        p("ICC profile", written("icc/%d.png", false, Depth::U8, profiled, (32, 16)), |s| {
            s.kept_or(s.after.info().beside.profile.is_some(), "profile")
        }),
    ]
}

/// Properties that videos have.
fn of_videos(folder: &Folder) -> Vec<Property> {
    let p = Property::new;
    let short = ["-t", "0.2"];
    let with = |name: &str, options: &[&str]| drawn(folder, name, &[options, &short].concat());
    let wide = ["-colorspace", "bt2020nc", "-color_trc", "smpte2084", "-color_primaries", "bt2020"];
    let params = "setparams=colorspace=bt2020nc:color_trc=smpte2084:color_primaries=bt2020";
    let fields = ["-vf", "setfield=tff", "-c:v", "ffv1", "-flags", "+ildct", "-top", "1"];
    let uneven = ["-vf", "select=not(lt(mod(n\\,7)\\,4))", "-fps_mode", "passthrough", "-c:v", "ffv1"];
    vec![
        p("full range", with("full.mp4", &["-c:v", "libx264", "-pix_fmt", "yuvj444p", "-crf", "4"]), values),
        p("HDR tags", with("hdr.mov", &[&["-vf", params, "-c:v", "prores_ks"][..], &wide].concat()), |s| {
            let (before, after) = s.infos();
            let tags = |info: &ClipInfo| (info.beside.tags.transfer.clone(), info.beside.tags.primaries.clone());
            s.kept_or(tags(before) == tags(after), "colour tags")
        }),
        p("time code", with("code.mov", &["-timecode", "01:02:03:04", "-c:v", "prores_ks"]), |s| {
            let code = |info: &ClipInfo| info.beside.notes.as_ref().and_then(|notes| notes.time_code.clone());
            s.kept_or(code(s.before.info()) == code(s.after.info()), "time code")
        }),
        p("title, date", with("titled.mov", &["-metadata", "title=one", "-c:v", "prores_ks"]), |s| {
            s.kept_or(s.after.info().beside.notes.as_ref().is_some_and(|notes| notes.told), "title and date")
        }),
        p(
            "sound",
            with("sound.mov", &["-f", "lavfi", "-i", "sine=duration=1", "-c:v", "prores_ks", "-c:a", "aac"]),
            |s| match &s.after.info().beside.sound {
                Some(sound) if s.told.contains("the sound is encoded again") => {
                    format!("as {}", sound.codecs.join(", "))
                }
                sound => s.kept_or(sound.is_some(), "sound"),
            },
        ),
        p("rate 24000/1001", with("film.mov", &["-r", "24000/1001", "-c:v", "prores_ks"]), |s| {
            let (before, after) = s.infos();
            let same = (before.rate.as_f64() / after.rate.as_f64() - 1.0).abs() < 2e-5;
            s.kept_or(same, "rate")
        }),
        p("varying rate", drawn(folder, "uneven.mkv", &uneven), |s| {
            s.kept_or(s.after.info().beside.times.is_some(), "rate varies")
        }),
        p("fields", with("fields.mkv", &fields), |s| s.kept_or(s.after.info().beside.fields.is_some(), "two fields")),
    ]
}

fn line(folder: &Folder, label: &str, to: &str, codec: Option<Codec>, properties: &[Property]) -> String {
    let mut line = format!("| {label} |");
    for Property { input, judge, name } in properties {
        let cell = match carried(folder, input, to, codec) {
            Ok(seen) => judge(&seen),
            Err(error) => {
                assert!(error.contains("even width"), "{label}, {name}: {error}");
                "refused".into()
            }
        };
        write!(line, " {cell} |").unwrap();
    }
    line + "\n"
}

fn head(properties: &[Property]) -> String {
    let names: Vec<&str> = properties.iter().map(|property| property.name).collect();
    format!("| | {} |\n|---{}|\n", names.join(" | "), "|---".repeat(names.len()))
}

#[test]
#[ignore = "needs ffmpeg"]
fn nothing_is_lost_without_a_word_and_the_documents_say_what_is() {
    let folder = Folder::new();
    let pictures = [
        ("PNG", "o/%d.png"),
        ("TIFF", "o/%d.tif"),
        ("JPEG", "o/%d.jpg"),
        ("EXR", "o/%d.exr"),
        ("BMP", "o/%d.bmp"),
        ("WebP", "o/%d.webp"),
        ("DPX", "o/%d.dpx"),
    ];
    let videos = [
        (".mp4, H.264", "o.mp4", Codec::H264),
        (".mp4, HEVC", "o.mp4", Codec::Hevc),
        (".mov, ProRes", "o.mov", Codec::ProRes),
        (".mov, H.264", "o.mov", Codec::H264),
        (".mov, HEVC", "o.mov", Codec::Hevc),
        (".mkv, FFV1", "o.mkv", Codec::Ffv1),
        (".mkv, H.264", "o.mkv", Codec::H264),
        (".mkv, HEVC", "o.mkv", Codec::Hevc),
        (".mkv, VP9", "o.mkv", Codec::Vp9),
        (".webm, VP9", "o.webm", Codec::Vp9),
        (".avi, FFV1", "o.avi", Codec::Ffv1),
        (".gif", "o.gif", Codec::Gif),
    ];
    let (first, second) = (of_pictures(&folder), of_videos(&folder));
    let mut tables = head(&first);
    for (label, to) in pictures {
        tables += &line(&folder, label, to, None, &first);
    }
    for (label, to, codec) in videos {
        tables += &line(&folder, label, to, Some(codec), &first);
    }
    tables += "\n";
    tables += &head(&second);
    for (label, to, codec) in videos {
        tables += &line(&folder, label, to, Some(codec), &second);
    }
    assert!(!tables.contains(SILENT), "\n{tables}");
    let documents = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/footage.md");
    let printed = std::fs::read_to_string(documents).unwrap();
    assert!(printed.contains(&tables), "docs/footage.md should print\n\n{tables}");
    // What an EXR tells beside its pixels is asked of pictures in `beside`; other formats say that they hold none of it.
    let film = ClipReader::open(filmed(&folder, [1, 2, 3])).unwrap();
    for (_, to) in pictures.iter().filter(|(label, _)| *label != "EXR") {
        assert!(carried(&folder, &film, to, None).unwrap().told.contains("time code"), "{to}");
    }
}
