//! Layers and parts of EXR files: which one is the picture, and what is written of it.

use std::fs;

use exr::prelude::{AnyChannel, AnyChannels, Encoding, FlatSamples, Image, Layer, LayerAttributes, WritableImage as _};

use super::*;

/// Channels of 2×1 pixels whose samples are a number of their own: 1 for the first, 2 for the second.
fn part(name: Option<&str>, first: u8, channels: &[&str]) -> Layer<AnyChannels<FlatSamples>> {
    let samples = |i: usize| FlatSamples::F16(vec![f16::from_f32(f32::from(first) + i as f32); 2]);
    let list = channels.iter().enumerate().map(|(i, name)| AnyChannel::new(*name, samples(i)));
    let attributes = LayerAttributes { layer_name: name.map(|name| name.into()), ..LayerAttributes::default() };
    Layer::new((2, 1), attributes, Encoding::UNCOMPRESSED, AnyChannels::sort(list.collect()))
}

/// As renderers write: one part with the layers before dots.
fn single(folder: &Folder) -> PathBuf {
    let path = folder.join("single.exr");
    let channels = [
        "R",
        "G",
        "B",
        "A",
        "diffuse.R",
        "diffuse.G",
        "diffuse.B",
        "key.red",
        "key.green",
        "key.blue",
        "key.alpha",
        "Z",
        "N.X",
        "N.Y",
        "N.Z",
        "motion.u",
        "motion.v",
        "fog.Y",
    ];
    Image::from_layer(part(None, 1, &channels)).write().to_file(&path).unwrap();
    path
}

/// As compositors write: a part for each layer, the second with the names of Nuke.
fn parts(folder: &Folder) -> PathBuf {
    let path = folder.join("parts.exr");
    let layers = [
        part(Some("beauty"), 1, &["R", "G", "B", "A"]),
        part(Some("key"), 5, &["key.red", "key.green", "key.blue"]),
        part(Some("fill"), 8, &["R", "G", "B"]),
        part(Some("depth"), 11, &["Z"]),
    ];
    let window = exr::meta::attribute::IntegerBounds::from_dimensions((2, 1));
    let attributes = exr::meta::header::ImageAttributes::new(window);
    Image::from_layers(attributes, Vec::from(layers)).write().to_file(&path).unwrap();
    path
}

fn open(path: &Path, layer: Option<&str>) -> Result<ClipReader, ClipError> {
    ClipReader::open_with(path, &ReadOptions { layer: layer.map(Into::into), ..ReadOptions::default() })
}

/// The first pixel of the frame.
fn pixel(reader: &ClipReader) -> Vec<f32> {
    let picture = reader.frame(1).unwrap();
    picture.pixels().to_f32()[..picture.channels()].to_vec()
}

#[test]
fn a_layer_or_a_part_is_the_picture_and_all_others_stay_beside_it() {
    let folder = Folder::new();
    let (single, parts) = (single(&folder), parts(&folder));
    let cases: [(&Path, Option<&str>, &[f32]); 14] = [
        (&single, None, &[1.0, 2.0, 3.0, 4.0]),
        (&single, Some("diffuse"), &[5.0, 6.0, 7.0]),
        (&single, Some("Diffuse"), &[5.0, 6.0, 7.0]),
        (&single, Some("key"), &[8.0, 9.0, 10.0, 11.0]),
        (&single, Some("Z"), &[12.0; 3]),
        (&single, Some("N"), &[13.0, 14.0, 15.0]),
        (&single, Some("motion.v"), &[17.0; 3]),
        (&single, Some("fog"), &[18.0; 3]),
        (&parts, None, &[1.0, 2.0, 3.0, 4.0]),
        (&parts, Some("beauty"), &[1.0, 2.0, 3.0, 4.0]),
        (&parts, Some("key"), &[5.0, 6.0, 7.0]),
        (&parts, Some("fill"), &[8.0, 9.0, 10.0]),
        (&parts, Some("depth"), &[11.0; 3]),
        (&parts, Some("depth.Z"), &[11.0; 3]),
    ];
    for (path, layer, expected) in cases {
        let reader = open(path, layer).unwrap();
        assert_eq!(pixel(&reader), expected, "{layer:?}");
        let (all, grey) = (if path == single { 18 } else { 11 }, expected.iter().all(|v| *v == expected[0]));
        let taken = if grey { 1 } else { expected.len() };
        assert_eq!(reader.frame(1).unwrap().extras().len(), all - taken, "{layer:?}");
    }
    let names = open(&parts, None).unwrap().info().channel_names.clone();
    assert_eq!(names[4..], ["key.blue", "key.green", "key.red", "fill.B", "fill.G", "fill.R", "depth.Z"]);
}

#[test]
fn a_layer_that_is_not_there_or_has_no_colours_tells_what_is() {
    let folder = Folder::new();
    let (single, parts) = (single(&folder), parts(&folder));
    let error = message(open(&single, Some("spec")));
    assert!(error.contains("no layer “spec” in it, only A, B, G, N, R, Z, diffuse, fog, key, motion"), "{error}");
    let error = message(open(&parts, Some("spec")));
    assert!(error.contains("only A, B, G, R, key, fill, depth"), "{error}");
    let error = message(open(&single, Some("motion")));
    assert!(error.contains("only motion.u, motion.v: name one of these"), "{error}");
    let png = sequence(&folder, "a.%04d.png", [1]);
    assert!(message(open(&png, Some("key"))).contains("only EXR files have layers"));
}

#[test]
fn a_made_frame_has_the_layer_under_its_own_name_and_a_kept_one_is_its_file() {
    let folder = Folder::new();
    let (single, parts) = (single(&folder), parts(&folder));
    let cases = [
        (&single, "diffuse", &["diffuse.B", "diffuse.G", "diffuse.R"][..]),
        (&single, "Z", &["Z"]),
        (&parts, "key", &["key.blue", "key.green", "key.red"]),
        (&parts, "fill", &["fill.B", "fill.G", "fill.R"]),
        (&parts, "beauty", &["A", "B", "G", "R"]),
    ];
    for (path, layer, names) in cases {
        let reader = open(path, Some(layer)).unwrap();
        let picture = reader.frame(1).unwrap();
        let write = |name: &str| ClipWriter::create(folder.join(name), WriteOptions::like(reader.info()), &[]).unwrap();
        write("made.exr").write(1, &(*picture).clone().with_extras(Vec::new()).unwrap()).unwrap();
        let header = exr::meta::MetaData::read_from_file(folder.join("made.exr"), false).unwrap().headers.remove(0);
        let written: Vec<_> = header.channels.list.iter().map(|c| c.name.to_string()).collect();
        assert_eq!(written, names, "{layer}");
        if layer != "beauty" {
            assert_eq!(pixel(&open(&folder.join("made.exr"), Some(layer)).unwrap()), pixel(&reader), "{layer}");
        }
        write("kept.exr").write_kept(1, &picture, path, || None).unwrap();
        assert!(fs::read(folder.join("kept.exr")).unwrap() == fs::read(path).unwrap(), "{layer}");
        // One that is written and not copied keeps its other channels.
        write("deep.exr").write(1, &picture).unwrap();
        let deep = open(&folder.join("deep.exr"), None).unwrap();
        assert_eq!(pixel(&deep), [1.0, 2.0, 3.0, 4.0], "{layer}");
    }
}
