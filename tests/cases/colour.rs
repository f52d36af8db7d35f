//! What the clip's numbers stand for.

use std::{path::Path, sync::Arc};

use ofx::{
    Context,
    host::{HostImage, Profile},
};
use pickup_clips::ClipReader;
use pickup_model::Encoding;

use super::{
    footage::{FLOAT, PAN, clip, draw, psnr, texture},
    stage::{EXTEND, REPAIR, RETIME, Stage},
};

/// Each choice of *Footage is*, with what it stands for.
const CHOICES: [(&str, Encoding); 13] = [
    ("Display-referred", Encoding::Display),
    ("Scene-linear", Encoding::Linear),
    ("ACEScg", Encoding::AcesCg),
    ("ACEScct", Encoding::AcesCct),
    ("ARRI LogC3", Encoding::LogC3),
    ("ARRI LogC4", Encoding::LogC4),
    ("Sony S-Log3", Encoding::SLog3),
    ("Panasonic V-Log", Encoding::VLog),
    ("Canon Log 3", Encoding::CanonLog3),
    ("RED Log3G10", Encoding::Log3G10),
    ("DaVinci Intermediate", Encoding::DaVinci),
    ("HLG", Encoding::Hlg),
    ("PQ", Encoding::Pq),
];

/// RGBA pixels with their colours turned.
fn turned(pixels: &[f32], turn: impl Fn([f32; 3]) -> [f32; 3]) -> Vec<f32> {
    pixels.chunks_exact(4).flat_map(|p| turn([p[0], p[1], p[2]]).into_iter().chain([p[3]])).collect()
}

fn image(size: (usize, usize), pixels: &[f32]) -> Arc<HostImage> {
    Arc::new(HostImage::from_rgba(size.0, size.1, pixels, FLOAT).expect("a small picture"))
}

/// How near Repair comes to the true middle one of three pictures, as a monitor shows both, in dB, where they reach it in an encoding.
fn repaired([before, truth, after]: [&[f32]; 3], size: (usize, usize), choice: &str, encoding: Encoding) -> f64 {
    let encoded = |pixels: &[f32]| image(size, &turned(pixels, |colour| encoding.of_shown(colour)));
    let [before, after] = [before, after].map(encoded);
    let clip = clip((1, 3), move |t| match t {
        1 => Some(before.clone()),
        3 => Some(after.clone()),
        _ => None,
    });
    let stage = Stage::new(Profile::reference(), REPAIR, Context::Filter, clip);
    stage.put("frames", "2");
    stage.put("quality", "Normal");
    stage.put("footage", choice);
    let made = stage.at(2.0).to_rgba();
    psnr(&image(size, &turned(&made, |colour| encoding.shown(colour))), &image(size, truth))
}

#[test]
fn motion_is_found_in_any_encoding() {
    let picture = |t: f32| draw(FLOAT, |x, y| texture(x - 2.0 * PAN * t, y));
    let pictures = [0.0, 1.0, 2.0].map(|t| picture(t).to_rgba());
    let [before, truth, after] = pictures.each_ref().map(|p| &p[..]);
    let size = (super::footage::WIDTH, super::footage::HEIGHT);
    let of = |choice, encoding| repaired([before, truth, after], size, choice, encoding);
    let display = of("Display-referred", Encoding::Display);
    let neighbour = psnr(&image(size, before), &image(size, truth));
    assert!(display > neighbour + 6.0, "{display:.1} dB, a neighbour {neighbour:.1}");
    for (choice, encoding) in CHOICES {
        let found = of(choice, encoding);
        assert!(found > display - 1.0, "{choice}: {found:.1} dB, display-referred {display:.1}");
    }
}

/// A real clip turned into each encoding and back, of which the middle frame of three is made.
#[test]
#[ignore = "needs ffmpeg, and footage in $PICKUP_SHARED/footage"]
fn a_real_clip_is_repaired_as_well_in_any_encoding() {
    let shared = std::env::var_os("PICKUP_SHARED").expect("PICKUP_SHARED names the folder that holds footage/");
    let reader = ClipReader::open(Path::new(&shared).join("footage/walk.mkv")).expect("the clip opens");
    let pictures = [11, 12, 13].map(|number| {
        let picture = reader.frame(number).expect("the frame is there");
        picture.pixels().to_f32().chunks_exact(3).flat_map(|p| [p[0], p[1], p[2], 1.0]).collect::<Vec<f32>>()
    });
    let [before, truth, after] = pictures.each_ref().map(|p| &p[..]);
    let of = |choice, encoding| {
        repaired([before, truth, after], reader.frame(11).expect("the frame is there").size(), choice, encoding)
    };
    let display = of("Display-referred", Encoding::Display);
    for (choice, encoding) in CHOICES {
        let found = of(choice, encoding);
        assert!(found > display - 0.3, "{choice}: {found:.2} dB, display-referred {display:.2}");
    }
}

/// The largest value of a picture's colours.
fn peak(image: &HostImage) -> f32 {
    image.to_rgba().chunks_exact(4).flat_map(|p| [p[0], p[1], p[2]]).fold(0.0, f32::max)
}

#[test]
fn light_of_a_hundred_times_white_keeps_its_peak() {
    // A ramp up to a plateau of 100.0, behind a texture, that moves.
    let picture = |t: i32| {
        draw(FLOAT, move |x, y| {
            let at = x - PAN * t as f32;
            let light = ((at - 20.0) / 24.0).clamp(0.0, 1.0) * ((70.0 - at) / 8.0).clamp(0.0, 1.0);
            let [r, g, b, a] = texture(at, y);
            [r + 99.5 * light, g + 99.5 * light, b + 99.5 * light, a].map(|v| v.min(100.0))
        })
    };
    let cases = [
        (REPAIR, vec![("frames", "4")], 4.0),
        (RETIME, vec![("speed", "50")], 4.0),
        (EXTEND, vec![("tail", "3"), ("by", "Motion")], 10.0),
    ];
    for (id, settings, time) in cases {
        let stage = Stage::new(Profile::reference(), id, Context::Filter, clip((1, 8), move |t| Some(picture(t))));
        stage.put("footage", "Scene-linear");
        settings.iter().for_each(|(name, value)| stage.put(name, value));
        assert!(stage.is_made(time), "{id}");
        let found = peak(&stage.at(time));
        assert!((98.0..=102.0).contains(&found), "{id}: the peak is {found}");
    }
}
