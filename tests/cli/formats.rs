//! Formats of pictures through a render: kept frames are their files, and made ones are stored as those are.

use super::*;

#[test]
fn bmp_and_webp_are_read_and_written() {
    let folder = tempfile::tempdir().unwrap();
    for ending in ["bmp", "webp"] {
        let alpha = ending == "webp";
        write(folder.path(), &format!("in/%04d.{ending}"), (1..=5).map(|n| (n, picture(n, alpha, Depth::U8))));
        expect(
            folder.path(),
            &format!("render Repair --in in/%04d.{ending} --out out/%04d.{ending} --set frames=3"),
            0,
        );
        let bytes = |at: &str, n: i64| fs::read(folder.path().join(format!("{at}/{n:04}.{ending}"))).unwrap();
        assert!([1, 2, 4, 5].into_iter().all(|n| bytes("in", n) == bytes("out", n)), "{ending}");
        let made = read(folder.path(), &format!("out/%04d.{ending}"), 3);
        let truth = picture(3, alpha, Depth::U8);
        assert_eq!((made.has_alpha(), made.depth()), (alpha, Depth::U8));
        let found = pickup_clips::psnr(&made, &truth).unwrap();
        assert!(made != truth && found > 25.0, "{ending}: {found}");
    }
}

#[test]
#[ignore = "needs ffmpeg"]
fn a_made_dpx_is_stored_as_its_neighbours_and_they_are_copied() {
    let folder = tempfile::tempdir().unwrap();
    let made = Command::new("ffmpeg")
        .args(["-v", "error", "-nostdin", "-f", "lavfi", "-i", "testsrc2=size=64x48:rate=25", "-frames:v", "5"])
        .args(["-c:v", "dpx", "-pix_fmt", "gbrp10be"])
        .arg(folder.path().join("%04d.dpx"))
        .status();
    assert!(made.expect("ffmpeg starts").success());
    let said = expect(folder.path(), "render Repair --in %04d.dpx --out out/%04d.dpx --set frames=3", 0);
    assert!(said.contains("made: 3"), "{said}");
    let bytes = |at: &str| fs::read(folder.path().join(at)).unwrap();
    for n in [1, 2, 4, 5] {
        assert!(bytes(&format!("{n:04}.dpx")) == bytes(&format!("out/{n:04}.dpx")), "{n}");
    }
    assert_eq!(bytes("out/0003.dpx")[801..804], bytes("0003.dpx")[801..804], "curve, colorimetry and bits");
    let said = expect(folder.path(), "render Repair --in %04d.dpx --out out/%04d.exr --set frames=3", 0);
    assert!(said.contains("the DPX files call them linear"), "{said}");
}
