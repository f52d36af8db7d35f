//! Which frames a render writes, and that known ones come back as they were.

use super::*;

#[test]
fn known_frames_come_back_bit_for_bit() {
    let folder = tempfile::tempdir().unwrap();
    let clips = [
        ("a/%04d.png", false, Depth::U8),
        ("b/%04d.png", true, Depth::U16),
        ("c/%04d.exr", false, Depth::F16),
        ("d/%04d.tif", false, Depth::F32),
    ];
    for (spec, alpha, depth) in clips {
        write(folder.path(), spec, (7..=9).map(|n| (n, picture(n, alpha, depth))));
        expect(folder.path(), &format!("render Repair --in {spec} --out out/{spec}"), 0);
        for n in 7..=9 {
            let (before, after) = (read(folder.path(), spec, n), read(folder.path(), &format!("out/{spec}"), n));
            assert_eq!(before, after, "{spec} {n}");
        }
    }
}

#[test]
fn a_bridge_between_two_clips_is_as_long_as_both() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "a/%04d.png", (1..=4).map(|n| (n, picture(n, false, Depth::U8))));
    write(folder.path(), "b/%04d.png", (8..=11).map(|n| (n, picture(n, false, Depth::U8))));
    let line = "render Bridge --in a --to b --set by=Motion";
    let said = expect(folder.path(), &format!("{line} --out out/%04d.png"), 0);
    assert!(said.contains("11 frames (1-11)"), "{said}");
    for n in [1, 4, 8, 11] {
        assert_eq!(read(folder.path(), "out", n), picture(n, false, Depth::U8), "{n}");
    }
    let said =
        expect(folder.path(), &format!("{line} --set start=5 --set length=3 --frames 5-7 --out own/%04d.png"), 0);
    assert!(said.contains("3 frames (5-7)"), "{said}");
    let said = expect(folder.path(), &format!("{line} --frames 12 --out own/%04d.png"), 2);
    assert!(said.contains("there are 1 to 11"), "{said}");
}

#[test]
fn pixels_that_are_not_square_keep_their_shape() {
    let folder = tempfile::tempdir().unwrap();
    let options = WriteOptions { pixel_aspect: 2.0, ..WriteOptions::default() };
    let writer = ClipWriter::create(folder.path().join("in/%04d.exr"), options, &[]).unwrap();
    for n in [1, 2, 4, 5] {
        writer.write(n, &picture(n, false, Depth::F16)).unwrap();
    }
    for host in ["reference", "natron"] {
        expect(folder.path(), &format!("render Repair --in in --out {host}/%04d.exr --host {host}"), 0);
        let made = ClipReader::open(folder.path().join(host)).unwrap();
        assert_eq!(made.info().pixel_aspect, 2.0, "{host}");
        for n in 1..=5 {
            assert_eq!(made.frame(n).unwrap().size(), (WIDTH, HEIGHT), "{host} {n}");
        }
        for n in [1, 2, 4, 5] {
            assert!(*made.frame(n).unwrap() == picture(n, false, Depth::F16), "{host} {n}");
        }
    }
}

#[test]
fn a_file_that_a_node_reads_has_the_shape_of_the_hosts_clip() {
    let folder = tempfile::tempdir().unwrap();
    for (name, pixel_aspect) in [("wide", 2.0), ("square", 1.0)] {
        let options = WriteOptions { pixel_aspect, ..WriteOptions::default() };
        let writer = ClipWriter::create(folder.path().join(name).join("%04d.exr"), options, &[]).unwrap();
        (1..=8).for_each(|n| writer.write(n, &picture(n, false, Depth::F16)).unwrap());
        let file = folder.path().join(name);
        for (i, (node, set)) in [
            ("Repair", "--host mlt --set frames=3 --set sourceFile="),
            ("Bridge", "--host mlt --set start=3 --set length=2 --set by=Motion --set sourceFile="),
            ("Bridge", "--context filter --set start=3 --set length=2 --set by=Dissolve --set toFile="),
        ]
        .into_iter()
        .enumerate()
        {
            let line = format!("render {node} --in {name} --out {name}-{i}/%04d.exr {set}{}", file.display());
            expect(folder.path(), &line, 0);
        }
    }
    for i in 0..3 {
        let made = |name: &str| read(folder.path(), &format!("{name}-{i}"), 4);
        let found = pickup_clips::psnr_float(&made("wide"), &made("square"), 1.0).unwrap();
        assert!(found > 60.0, "{i}: {found}");
    }
}

#[test]
fn a_bridge_inside_one_clip_needs_no_second_where_every_clip_looks_connected() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "in/%04d.png", (1..=16).map(|n| (n, picture(n, false, Depth::U8))));
    for host in ["natron", "resolve", "resolve-media"] {
        let line = "render Bridge --in in --set length=2 --set by=Motion --press startHere@8";
        expect(folder.path(), &format!("{line} --out {host}/%04d.png --host {host}"), 0);
        let own = |n: &i64| read(folder.path(), &format!("{host}/%04d.png"), *n) == picture(*n, false, Depth::U8);
        let made: Vec<i64> = (1..=16).filter(|n| !own(n)).collect();
        assert_eq!(made, [8, 9], "{host}");
    }
}

#[test]
fn known_frames_of_eight_bits_survive_every_host() {
    let folder = with_clip();
    for host in ["reference", "resolve", "nuke", "natron", "fusion", "vegas", "mlt", "bare"] {
        expect(folder.path(), &format!("render Repair --in in --out {host}/%04d.png --host {host}"), 0);
        for n in 1..=5 {
            assert_eq!(read(folder.path(), &format!("{host}/%04d.png"), n), picture(n, false, Depth::U8), "{host} {n}");
        }
    }
}

#[test]
fn a_listed_frame_is_made_and_a_hole_is_filled() {
    let folder = with_clip();
    fs::remove_file(folder.path().join("in/0004.png")).unwrap();
    fs::write(folder.path().join("in/0002.png"), fs::read(folder.path().join("in/0001.png")).unwrap()).unwrap();
    let said = expect(folder.path(), "render repair --in in --out out/%04d.png --set Frames=2", 0);
    assert!(said.contains("5 frames (1-5)"), "{said}");
    assert_eq!(files(&folder.path().join("out")).len(), 5);
    for n in [1, 3, 5] {
        assert_eq!(read(folder.path(), "out", n), picture(n, false, Depth::U8), "{n}");
    }
    for n in [2, 4] {
        let apart = pickup_clips::psnr(&read(folder.path(), "out", n), &picture(n, false, Depth::U8)).unwrap();
        assert!(apart > 20.0, "frame {n}: {apart} dB");
    }
}

#[test]
fn retime_writes_as_many_frames_as_the_slowed_clip_has() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "in/%04d.png", [(10, flat(10)), (11, flat(30)), (12, flat(90))]);
    expect(folder.path(), "render Retime --in in --out out/%04d.png --set speed=50 --set method=blend", 0);
    let values: Vec<u8> = (10..=14)
        .map(|n| match read(folder.path(), "out", n).pixels() {
            Pixels::U8(v) => v[0],
            _ => panic!("8 bits"),
        })
        .collect();
    assert_eq!((values[0], values[2], values[4]), (10, 30, 90));
    assert!(values[1] > 10 && values[1] < 30 && values[3] > 30 && values[3] < 90, "{values:?}");
}

#[test]
fn a_bridge_leads_to_a_file_and_says_where_clips_do_not_meet() {
    let folder = tempfile::tempdir().unwrap();
    let own = |n: i64| picture(n, false, Depth::U8);
    write(folder.path(), "a/%04d.png", (1..=4).map(|n| (n, own(n))));
    write(folder.path(), "b/%04d.png", (9..=12).map(|n| (n, own(n))));
    write(folder.path(), "c/%04d.png", (1..=6).map(|n| (n, own(n + 20))));
    let file = folder.path().join("b/%04d.png");
    let to_file = format!("render Bridge --in a --set by=Motion --set length=4 --set toFile={}", file.display());
    for (out, set) in [("whole", ""), ("stated", "--set start=5")] {
        let said = expect(folder.path(), &format!("{to_file} {set} --out {out}/%04d.png"), 0);
        assert!(said.contains("12 frames (1-12)"), "{said}");
        for n in [1, 4, 9, 12] {
            assert_eq!(read(folder.path(), out, n), own(n), "{out} {n}");
        }
        for n in 5..=8 {
            let made = read(folder.path(), out, n);
            assert!(made != own(4) && made != own(9), "{out} {n} is made");
        }
    }
    let said = expect(folder.path(), "render Bridge --in b --to a --out d/%04d.png", 1);
    assert!(said.contains("lies before the first"), "{said}");
    for start in [5, 7] {
        let line = format!("render Bridge --in a --to c --set start={start} --set length=4 --out e/%04d.png");
        let said = expect(folder.path(), &line, 1);
        assert!(said.contains(&format!("has the frames 1 to 6, and none at {}", start + 4)), "{said}");
    }
}
