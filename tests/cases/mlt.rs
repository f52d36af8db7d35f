//! Hosts that give a filter no neighbouring frames, as MLT: the node says so, and works from the clip's own file.

use std::{fs, path::Path, sync::Arc};

use ofx::{
    BitDepth, Components, Context,
    host::{CancelHandle, HostImage, MemoryClip, MessageKind, PixelFormat, Profile, RenderArgs, render_range},
};
use pickup_clips::{ClipWriter, Picture, Pixels, WriteOptions};
use tempfile::TempDir;

use super::{
    footage::{HEIGHT, WIDTH, assert_same, clip, draw, largest_difference, panning},
    stage::{REPAIR, RETIME, Stage},
};

pub(crate) const BYTE: PixelFormat = PixelFormat::new(BitDepth::Byte, Components::Rgba);
const FRAMES: i32 = 8;

fn whole(time: i32) -> Arc<HostImage> {
    panning(f64::from(time), BYTE)
}

/// What the host has: times from 0 on, and damage at 3.
fn damaged() -> Arc<MemoryClip> {
    clip((0, FRAMES - 1), |t| Some(if t == 3 { draw(BYTE, |_, _| [0.2, 0.9, 0.1, 1.0]) } else { whole(t) }))
}

/// The clip's file: the same frames, numbered from `first` on.
fn sequence(folder: &Path, first: i64) -> String {
    write_sequence(folder, (first, FRAMES), whole)
}

/// Writes so many pictures into a folder, numbered from `first` on.
pub(crate) fn write_sequence(
    folder: &Path,
    (first, count): (i64, i32),
    picture: impl Fn(i32) -> Arc<HostImage>,
) -> String {
    let spec = folder.join("shot.%04d.png");
    let writer = ClipWriter::create(&spec, WriteOptions::default(), &[]).expect("a sequence");
    for time in 0..count {
        let values = picture(time).to_rgba().chunks_exact(4).flat_map(|p| [p[0], p[1], p[2]]).collect::<Vec<_>>();
        let bytes = values.iter().map(|v| (v * 255.0).round() as u8).collect();
        let picture = Picture::new(WIDTH, HEIGHT, false, false, Pixels::U8(bytes)).expect("a picture");
        writer.write(first + i64::from(time), &picture).expect("it is written");
    }
    writer.finish().expect("it is whole");
    spec.display().to_string()
}

fn with_file(first: i64) -> (TempDir, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let spec = sequence(folder.path(), first);
    (folder, spec)
}

fn stage(id: &str, settings: &[(&str, &str)]) -> Stage {
    let stage = Stage::new(Profile::mlt(), id, Context::Filter, damaged());
    settings.iter().for_each(|(id, value)| stage.put(id, value));
    stage
}

/// Every frame, each from an instance of its own.
fn render_all(stage: &Stage) -> Vec<HostImage> {
    let mut frames = Vec::new();
    let range = (0, FRAMES - 1);
    let result = render_range(
        stage,
        RenderArgs::at(0.0),
        range,
        &CancelHandle::new(),
        |_| {},
        |_, image| {
            frames.push(image);
            Ok(())
        },
    );
    result.unwrap_or_else(|e| panic!("{e}"));
    frames
}

#[test]
fn without_a_source_file_the_frames_that_should_be_others_say_why_and_all_else_passes() {
    for (id, settings, changed) in [(REPAIR, ("frames", "3"), 3..4), (RETIME, ("speed", "50"), 1..FRAMES)] {
        for shown in ["Where the host shows none", "Never"] {
            let stage = stage(id, &[settings]);
            stage.put("errorsInPicture", shown);
            for (time, image) in (0..).zip(render_all(&stage)) {
                let own = if time == 3 { draw(BYTE, |_, _| [0.2, 0.9, 0.1, 1.0]) } else { whole(time) };
                if changed.contains(&time) && shown != "Never" {
                    let lit = image.to_rgba().chunks_exact(4).filter(|p| p[..3] == [1.0; 3]).count();
                    assert!(lit > 100, "{id} {time}: {lit} white pixels of letters");
                } else {
                    assert_same(&image, &own, &format!("{id} {time} {shown}"));
                }
            }
            let told = |text: &str| text.contains("no neighbouring frames") && text.contains("“Source file”");
            let kind = if shown == "Never" { MessageKind::Warning } else { MessageKind::Error };
            let said = stage.messages().into_iter().find(|m| told(&m.text)).expect("it says so");
            assert_eq!(said.kind, kind, "{}", said.text);
        }
    }
}

#[test]
fn a_file_is_read_by_the_name_that_mlt_keeps_where_the_project_is() {
    let (_folder, path) = with_file(1);
    let made = |files: &[(&str, &str)]| {
        let stage = stage(REPAIR, &[("frames", "3")]);
        files.iter().for_each(|(id, file)| stage.put(id, file));
        let image = stage.at(3.0);
        let off = largest_difference(&image, &whole(3));
        assert!(off < 0.1, "{files:?}: {off} apart from the frame that is lost");
        image
    };
    let before = made(&[("sourceFile", &path)]);
    assert_same(&made(&[("filename", &path)]), &before, "by either name");
    assert_same(&made(&[("sourceFile", "nowhere.png"), ("filename", &path)]), &before, "the one that is shown counts");
}

#[test]
fn a_held_frame_that_the_file_lacks_is_an_error() {
    let (folder, path) = with_file(1);
    fs::remove_file(folder.path().join("shot.0003.png")).expect("it is there");
    let stage =
        stage(RETIME, &[("speed", "50"), ("method", "Nearest"), ("sourceFile", &path), ("errorsInPicture", "Never")]);
    let said = stage.error_at(4.0);
    assert!(said.contains("no frame 2"), "{said}");
}

#[test]
fn with_nothing_to_do_nothing_is_said() {
    for id in [REPAIR, RETIME] {
        let stage = stage(id, &[]);
        assert_same(&stage.at(2.0), &whole(2), id);
        assert_eq!(stage.persistent_message(), None);
    }
}

#[test]
fn from_the_source_file_a_listed_frame_is_made_as_in_a_host_with_neighbours() {
    let right = Stage::repair(damaged(), "3").at(3.0);
    let (_folder, spec) = with_file(101);
    let stage = stage(REPAIR, &[("frames", "3"), ("sourceFile", &spec)]);
    for (time, image) in (0..).zip(render_all(&stage)) {
        if time == 3 {
            assert!(largest_difference(&image, &right) < 1.5 / 255.0, "{} apart", largest_difference(&image, &right));
        } else {
            assert_same(&image, &whole(time), "a good frame");
        }
    }
}

#[test]
fn a_clip_trimmed_at_its_start_finds_its_frames_by_the_offset() {
    let right = Stage::repair(damaged(), "3").at(3.0);
    let (_folder, spec) = with_file(1);
    let later = clip((0, FRAMES - 3), |t| Some(whole(t + 2)));
    let stage = Stage::new(Profile::mlt(), REPAIR, Context::Filter, later);
    [("frames", "1"), ("sourceFile", &spec), ("sourceOffset", "2")].iter().for_each(|(id, v)| stage.put(id, v));
    assert!(largest_difference(&stage.at(1.0), &right) < 1.5 / 255.0);
}

#[test]
fn from_the_source_file_a_clip_is_retimed() {
    let (_folder, spec) = with_file(1);
    let sound = clip((0, FRAMES - 1), |t| Some(whole(t)));
    let stage = Stage::new(Profile::mlt(), RETIME, Context::Filter, sound);
    [("speed", "200"), ("sourceFile", &spec)].iter().for_each(|(id, value)| stage.put(id, value));
    for (time, source) in [(0.0, 0), (1.0, 2), (2.0, 4), (3.0, 6), (5.0, 7)] {
        assert_same(&stage.at(time), &whole(source), &format!("at {time} stands {source}"));
    }
    stage.put("speed", "50");
    stage.put("method", "Blend");
    let right = super::footage::mean(&whole(1), &whole(2));
    assert!(largest_difference(&stage.at(3.0), &right) < 1.5 / 255.0);
}

#[test]
fn a_source_file_that_is_not_there_is_an_error_that_names_it() {
    let folder = tempfile::tempdir().expect("a folder");
    for name in ["none.%04d.png", "none.png", "none.mp4"] {
        let path = folder.path().join(name).display().to_string();
        let said = stage(REPAIR, &[("frames", "3"), ("sourceFile", &path)]).error_at(3.0);
        assert!(said.contains("none."), "{said}");
    }
}

#[test]
fn a_source_frame_that_is_cut_short_is_an_error_that_names_its_file() {
    let (folder, spec) = with_file(1);
    let file = folder.path().join("shot.0005.png");
    let bytes = fs::read(&file).expect("it is there");
    fs::write(&file, &bytes[..bytes.len() / 2]).expect("it can be cut");
    let stage = stage(REPAIR, &[("frames", "3"), ("sourceFile", &spec)]);
    let said = stage.error_at(3.0);
    assert!(said.contains("shot.0005.png"), "{said}");
    fs::write(&file, &bytes).expect("it can be mended");
    stage.at(3.0);
}

/// How much of a picture is as white as letters are, and the largest of its other values.
fn letters(image: &HostImage) -> (usize, f32) {
    let values: Vec<f32> = image.to_rgba().chunks_exact(4).map(|p| p[0].min(p[1]).min(p[2])).collect();
    let rest = values.iter().copied().filter(|v| *v < 1.0).fold(0.0, f32::max);
    (values.iter().filter(|v| **v == 1.0).count(), rest)
}

#[test]
fn a_source_file_that_was_moved_leaves_good_frames_alone_and_says_in_the_picture_why_a_listed_one_is_not_made() {
    let stage = stage(REPAIR, &[("frames", "3"), ("sourceFile", "moved/shot.%04d.png")]);
    for (time, image) in (0..).zip(render_all(&stage)) {
        if time == 3 {
            let (lit, rest) = letters(&image);
            assert!(lit > 300 && rest < 0.5, "{lit} dots over a dark picture, the brightest of which is {rest}");
        } else {
            assert_same(&image, &whole(time), "a good frame");
        }
    }
    stage.put("errorsInPicture", "Never");
    assert!(stage.render(RenderArgs::at(3.0)).is_err());
}

#[test]
fn a_wrong_offset_is_told_with_the_right_one() {
    let (_folder, spec) = with_file(1);
    // The clip was trimmed by two frames, and nobody said so.
    let later = || clip((0, FRAMES - 3), |t| Some(whole(t + 2)));
    for (id, settings) in
        [(REPAIR, [("frames", "1"), ("quality", "Draft")]), (RETIME, [("speed", "50"), ("quality", "Draft")])]
    {
        let stage = Stage::new(Profile::mlt(), id, Context::Filter, later());
        settings.iter().for_each(|(id, value)| stage.put(id, value));
        stage.put("sourceFile", &spec);
        let said = stage.error_at(1.0);
        assert!(said.contains("“Source offset” to 2"), "{id}: {said}");
        stage.put("sourceOffset", "2");
        stage.at(1.0);
    }
}

/// A picture between black pillars, as MLT shows a narrow clip in a wide project.
fn pillared(time: i32) -> Arc<HostImage> {
    let narrow = whole(time);
    draw(BYTE, |x, y| {
        let inside = (16.0..80.0).contains(&x);
        if inside { narrow.pixel(x as i32, 63 - y as i32).expect("inside") } else { [0.0, 0.0, 0.0, 1.0] }
    })
}

#[test]
fn a_file_of_another_shape_is_fitted_as_the_host_fits_its_clip() {
    let folder = tempfile::tempdir().expect("a folder");
    let spec = folder.path().join("narrow.%04d.png");
    let writer = ClipWriter::create(&spec, WriteOptions::default(), &[]).expect("a sequence");
    for time in 0..FRAMES {
        let rgba = whole(time).to_rgba();
        let inner = (0..WIDTH * HEIGHT).filter(|i| (16..80).contains(&(i % WIDTH)));
        let bytes = inner.flat_map(|i| [0, 1, 2].map(|c| (rgba[i * 4 + c] * 255.0).round() as u8)).collect();
        let picture = Picture::new(64, HEIGHT, false, false, Pixels::U8(bytes)).expect("a picture");
        writer.write(1 + i64::from(time), &picture).expect("it is written");
    }
    writer.finish().expect("it is whole");
    let host =
        clip((0, FRAMES - 1), |t| Some(if t == 3 { draw(BYTE, |_, _| [0.2, 0.9, 0.1, 1.0]) } else { pillared(t) }));
    let stage = Stage::new(Profile::mlt(), REPAIR, Context::Filter, host);
    stage.put("frames", "3");
    stage.put("sourceFile", &spec.display().to_string());
    let made = stage.at(3.0);
    let (is, stretched) = (super::footage::psnr(&made, &pillared(3)), super::footage::psnr(&whole(3), &pillared(3)));
    assert!(is > 30.0 && is > stretched + 10.0, "{is:.1} dB");
    assert_eq!(made.pixel(3, 30).map(|p| p[0].max(p[1])), Some(0.0), "the pillars stay black");
}

#[test]
fn where_the_host_counts_rows_downwards_made_frames_stand_upright() {
    let (_folder, spec) = with_file(1);
    // As MLT lays pictures out where `mlt_origin` is 1: the row that it calls the lowest is the top one.
    let upside_down = |image: &HostImage| draw(BYTE, |x, y| image.pixel(x as i32, y as i32).expect("inside"));
    let host = clip((0, FRAMES - 1), |t| {
        Some(if t == 3 { draw(BYTE, |_, _| [0.2, 0.9, 0.1, 1.0]) } else { upside_down(&whole(t)) })
    });
    let layout = ofx::host::RowLayout { negative: false, padding: 0 };
    let stage = Stage::new(Profile { layout, ..Profile::mlt() }, REPAIR, Context::Filter, host);
    stage.put("frames", "3");
    stage.put("sourceFile", &spec);
    let made = upside_down(&stage.at(3.0));
    drop(stage);
    let right = self::stage(REPAIR, &[("frames", "3"), ("sourceFile", &spec)]).at(3.0);
    assert!(largest_difference(&made, &right) < 1.5 / 255.0, "{}", largest_difference(&made, &right));
}

#[test]
fn on_a_photo_without_a_source_file_the_current_frame_is_the_still() {
    let animated = |profile: Profile| {
        let photo = clip((0, FRAMES - 1), |_| Some(whole(0)));
        let stage = Stage::new(profile, super::stage::ANIMATE, Context::Filter, photo);
        [("camera", "Push in"), ("length", "6")].iter().for_each(|(id, value)| stage.put(id, value));
        [0.0, 1.0, 5.0].map(|time| stage.at(time))
    };
    let (is, right) = (animated(Profile::mlt()), animated(Profile::reference()));
    assert_same(&is[0], &whole(0), "the still");
    for (is, right) in is.iter().zip(&right).skip(1) {
        assert!(!is.same_pixels(&whole(0)), "it moves");
        assert!(largest_difference(is, right) < 1.5 / 255.0, "as in a host that gives any frame");
    }
}

#[test]
fn a_file_of_something_else_is_told_in_every_listed_frame() {
    let folder = tempfile::tempdir().expect("a folder");
    let other = write_sequence(folder.path(), (1, FRAMES), |t| panning(f64::from(t) + 40.0, BYTE));
    let stage =
        stage(REPAIR, &[("frames", "3-5"), ("sourceFile", &other), ("errorsInPicture", "Never"), ("longestGap", "9")]);
    // In order, as a host plays: the good frames before the listed ones are held against the file's.
    for time in 0..FRAMES {
        if (3..=5).contains(&time) {
            assert!(stage.render(RenderArgs::at(f64::from(time))).is_err(), "{time}");
            let said = stage.persistent_message().map(|message| message.text).unwrap_or_default();
            assert!(said.contains("something else") || said.contains("frames apart"), "{time}: {said}");
        } else {
            assert_same(&stage.at(f64::from(time)), &whole(time), "a frame that is not listed");
        }
    }
    // The right file, once it is named, is believed again.
    let (_folder, right) = with_file(1);
    stage.put("sourceFile", &right);
    assert_same(&stage.at(2.0), &whole(2), "a good frame");
    assert!(largest_difference(&stage.at(3.0), &whole(3)) < 0.2, "and the listed one is made");
}
