//! What stands for frames that a clip lacks, and what is told of clips that are not of one piece.

use super::*;

/// A clip of seven frames without its fourth.
fn with_hole() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let frames = (1..=7).filter(|n| *n != 4).map(|n| (n, picture(n, false, Depth::U8)));
    write(folder.path(), "in/%04d.png", frames);
    folder
}

fn apart(a: &Picture, b: &Picture) -> f64 {
    pickup_clips::psnr(a, b).unwrap()
}

#[test]
fn a_missing_frame_is_an_error_the_one_before_or_made_as_is_chosen() {
    let folder = with_hole();
    let truth = |n| picture(n, false, Depth::U8);
    let nodes = [
        ("Retime", "--set speed=100"),
        ("Extend", "--set tail=1 --set by=Motion"),
        ("Animate", "--set length=3 --set still=7"),
        ("Bridge", "--set start=7 --set length=1"),
    ];
    for (node, set) in nodes {
        let line = format!("render {node} --in in {set} --frames 3-5");
        let said = expect(folder.path(), &format!("{line} --out {node}/error/%04d.png"), 1);
        assert!(said.contains("has no frame 4") && said.contains("Missing frames"), "{node}: {said}");
        // The frames that the others are set to are on the axis of those hosts.
        let elsewhere = if node == "Extend" { &["resolve", "resolve-media", "baselight"][..] } else { &[] };
        for host in ["reference", "natron"].iter().chain(elsewhere) {
            let at = |way: &str| format!("{node}/{host}/{way}/%04d.png");
            for way in ["Hold", "Make"] {
                expect(folder.path(), &format!("{line} --host {host} --set missingFrames={way} --out {}", at(way)), 0);
                assert_eq!(read(folder.path(), &at(way), 3), truth(3), "{node} {host} {way}");
                assert_eq!(read(folder.path(), &at(way), 5), truth(5), "{node} {host} {way}");
            }
            assert_eq!(read(folder.path(), &at("Hold"), 4), truth(3), "{node} {host}");
            let made = read(folder.path(), &at("Make"), 4);
            let neighbours = apart(&truth(3), &truth(4)).max(apart(&truth(5), &truth(4)));
            let found = apart(&made, &truth(4));
            assert!(found > neighbours + 3.0, "{node} {host}: {found:.1} dB, a neighbour {neighbours:.1}");
        }
    }
}

#[test]
fn a_hole_is_never_black() {
    let folder = with_hole();
    for host in ["reference", "resolve", "resolve-media", "resolve-adjustment", "baselight", "nuke"] {
        expect(folder.path(), &format!("render Repair --in in --out {host}/%04d.png --host {host}"), 0);
        let made = read(folder.path(), &format!("{host}/%04d.png"), 4);
        let found = apart(&made, &picture(4, false, Depth::U8));
        assert!(found > 25.0, "{host}: {found:.1} dB");
    }
    for host in ["bare", "mlt"] {
        expect(folder.path(), &format!("render Repair --in in --out {host}/%04d.png --host {host}"), 1);
        expect(folder.path(), &format!("render Extend --in in --out {host}/%04d.png --host {host} --frames 4"), 1);
        let file = format!("--set sourceFile={}", folder.path().join("in").display());
        expect(folder.path(), &format!("render Repair --in in --out {host}-file/%04d.png --host mlt {file}"), 0);
        let made = read(folder.path(), &format!("{host}-file/%04d.png"), 4);
        assert!(apart(&made, &picture(4, false, Depth::U8)) > 25.0, "{host}");
    }
    let said =
        expect(folder.path(), "render Repair --in in --out b/%04d.png --host bare --set frames=2 --frames 1-3", 0);
    assert!(said.contains("--set sourceFile=FILE"), "{said}");
    let over = "render Generate --in in --frames 3-5 --set over=1 --set prompt=snow --set steps=1 --set length=8 --set start=1";
    let said = expect(folder.path(), &format!("{over} --out over/%04d.png"), 1);
    assert!(said.contains("has no frame 4"), "{said}");
}

#[test]
fn the_matte_shows_what_stands_for_a_missing_frame() {
    let folder = with_hole();
    let line = "render Retime --in in --set speed=100 --set missingFrames=Hold --set output=Matte --out out/%04d.png";
    expect(folder.path(), line, 0);
    let value = |n| match read(folder.path(), "out", n).pixels() {
        Pixels::U8(samples) => samples[0],
        other => panic!("{:?}", other.depth()),
    };
    assert_eq!([3, 4, 5].map(value), [0, 255, 0]);
}

#[test]
fn a_frame_unlike_the_first_is_kept_as_it_is_and_named() {
    let folder = with_clip();
    let other = picture(3, true, Depth::U16);
    write(folder.path(), "other/%04d.png", [(3, other.clone())]);
    fs::rename(folder.path().join("other/0003.png"), folder.path().join("in/0003.png")).unwrap();
    let file = |at: &str| fs::read(folder.path().join(at)).unwrap();
    for host in ["reference", "natron", "mlt"] {
        let said = expect(folder.path(), &format!("render Repair --in in --out {host}/%04d.png --host {host}"), 0);
        assert!(said.contains("differ from the clip's first in bits or alpha: 3."), "{host}: {said}");
        assert!(said.contains("all the clip's own"), "{host}: {said}");
        assert!(file("in/0003.png") == file(&format!("{host}/0003.png")), "{host}");
    }
    expect(folder.path(), "render Repair --in in --out out/%04d.exr --transfer keep", 0);
    let kept = read(folder.path(), "out", 3);
    assert_eq!((kept.depth(), kept.has_alpha()), (Depth::F32, true), "EXR has 16 bits as floats");
    expect(folder.path(), "render Repair --in in --out bytes/%04d.png --depth byte", 0);
    assert_eq!(read(folder.path(), "bytes", 3), other.to_depth(Depth::U8), "a depth that is asked for is for all");
}

#[test]
fn a_depth_that_the_format_does_not_store_leaves_files_alone() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "in/%04d.jpg", (1..=3).map(|n| (n, picture(n, false, Depth::U8))));
    for depth in ["short", "half", "float"] {
        let said = expect(folder.path(), &format!("render Repair --in in --out {depth}/%04d.jpg --depth {depth}"), 0);
        assert!(said.contains("all the clip's own"), "{said}");
        for n in 1..=3 {
            let file = |at: &str| fs::read(folder.path().join(format!("{at}/{n:04}.jpg"))).unwrap();
            assert!(file("in") == file(depth), "{depth} {n}");
        }
    }
}

#[test]
fn a_depth_too_coarse_for_the_clip_is_told() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "in/%04d.png", (1..=3).map(|n| (n, picture(n, false, Depth::U16))));
    write(folder.path(), "light/%04d.exr", (1..=3).map(|n| (n, picture(n, false, Depth::F32))));
    for (line, word) in [
        ("--in in --out a/%04d.png --depth half", "11 bits"),
        ("--in light --out b/%04d.exr --depth half", "rounded to half"),
        ("--in light --out c/%04d.exr --depth byte", "below 0 and above 1"),
        ("--in light --out d/%04d.png --transfer keep", "below 0 and above 1"),
    ] {
        let said = expect(folder.path(), &format!("render Repair {line}"), 0);
        assert!(said.contains(word), "{line}: {said}");
        assert!(said.contains("all the clip's own"), "{line}: {said}");
    }
    let said = expect(folder.path(), "render Repair --in in --out e/%04d.png --depth float", 0);
    assert!(!said.contains("bits"), "{said}");
}

#[test]
fn what_makes_no_sense_together_is_refused_before_anything_is_written() {
    let folder = with_clip();
    for (line, word) in [
        ("render Repair --in in --out out/%04d.png --sheet out/0002.png", "another file for the sheet"),
        ("render Repair --in in --out out/%04d.png --codec hevc", "--codec is for video"),
        ("render Repair --in in --out out/%04d.png --sheet sheet.%04d.png", "no frame number"),
        ("render Retime --in in --out out/%04d.png --context retimer", "driven by its host"),
        ("render Retime --in in --out out/%04d.png --without-repeats", "goes with Repair"),
        ("render Bridge --in in --out out/%04d.png --without-repeats --set start=3", "goes with Repair"),
    ] {
        let said = expect(folder.path(), line, 2);
        assert!(said.contains(word), "{line}: {said}");
        assert!(files(&folder.path().join("out")).is_empty(), "{line}");
    }
}
