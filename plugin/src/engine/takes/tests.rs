use pickup_model::{Brief, Encoding, Shot};

use super::*;

fn frame(value: f32) -> Frame {
    let pixels = (0..5 * 4 * 3).map(|i| value + i as f32 / 1000.0).collect();
    Frame::new(5, 4, 3, Encoding::Display, pixels).expect("a small frame")
}

fn take() -> Take {
    let notes = TakeNotes { unknown_words: vec!["zyzzyva".to_owned()], ..TakeNotes::default() };
    Take::new(&[frame(0.1), frame(0.5)], notes).expect("frames of one size")
}

fn recipe(prompt: &str) -> Recipe {
    let brief = Brief { prompt: prompt.to_owned(), ..Brief::default() };
    Recipe::new(&Shot::new().missing(0.0).missing(1.0), &brief, "diffusion", "test")
}

/// Takes in a folder as another process would open them: with nothing in memory.
fn fresh(folder: &Path) -> Takes {
    Takes::new(Some(folder.to_owned()))
}

fn file_of(folder: &Path, recipe: Recipe) -> PathBuf {
    folder.join(format!("{recipe}.take"))
}

#[test]
fn a_take_is_the_same_in_the_process_that_made_it_and_in_others() {
    let folder = tempfile::tempdir().expect("a folder");
    let (maker, recipe) = (fresh(folder.path()), recipe("rain"));
    assert_eq!(maker.frame(recipe, 0), None);
    maker.keep(recipe, take());
    let other = fresh(folder.path());
    let rounded = take();
    for place in 0..2 {
        let made = maker.frame(recipe, place).expect("kept");
        assert_eq!(other.frame(recipe, place).expect("on disk").pixels(), made.pixels());
        let far = made.pixels().iter().zip(rounded.frames[place].pixels()).map(|(a, b)| (a - b).abs());
        assert!(far.fold(0.0, f32::max) == 0.0, "a take is rounded once");
    }
    assert_eq!(other.frame(recipe, 2), None, "it has two frames");
    assert_eq!(other.notes(recipe).expect("on disk").unknown_words, ["zyzzyva"]);
    assert_eq!(other.list().len(), 1);
    assert_eq!(other.clear().expect("removable"), 1);
    assert_eq!(fresh(folder.path()).frame(recipe, 0), None);
}

#[test]
fn a_damaged_take_is_dropped_and_can_be_made_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let recipe = recipe("snow");
    fresh(folder.path()).keep(recipe, take());
    let path = file_of(folder.path(), recipe);
    let whole = fs::read(&path).expect("it was written");
    for cut in 0..whole.len() {
        fs::write(&path, &whole[..cut]).expect("writable");
        assert_eq!(fresh(folder.path()).frame(recipe, 1), None, "cut after {cut} bytes");
        assert!(!path.exists(), "cut after {cut} bytes, it is dropped");
    }
    for at in (0..whole.len()).step_by(7) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x10;
        fs::write(&path, &bytes).expect("writable");
        let seen = fresh(folder.path()).frame(recipe, 1);
        // What was flipped may lie in the other frame, or in a word.
        assert!(seen.is_none_or(|frame| *frame == take().frames[1]), "a byte flipped at {at}");
        let _ = fs::remove_file(&path);
    }
    fresh(folder.path()).keep(recipe, take());
    assert!(fresh(folder.path()).frame(recipe, 1).is_some());
}

#[test]
fn a_take_of_another_version_stays_as_it_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let recipe = recipe("hail");
    let path = file_of(folder.path(), recipe);
    for other in [&b"pickup take 3\nwho knows"[..], b"pickup take 10\nwho knows"] {
        fs::write(&path, other).expect("writable");
        let takes = fresh(folder.path());
        assert_eq!(takes.frame(recipe, 0), None);
        takes.keep(recipe, take());
        assert!(takes.frame(recipe, 1).is_some(), "it is made, and kept in memory");
        assert_eq!(fs::read(&path).expect("still there"), other);
    }
}

#[test]
fn a_take_of_the_first_version_is_shown() {
    let folder = tempfile::tempdir().expect("a folder");
    let recipe = recipe("fog");
    let whole = take();
    let frames: Vec<u64> = whole.frames.iter().map(Frame::fingerprint).collect();
    let mut bytes = format!(
        "pickup take 1\n{{\"width\":5,\"height\":4,\"frames\":{frames:?},\"notes\":{{\"unknown_words\":[]}}}}\n"
    )
    .into_bytes();
    bytes.extend(
        whole.frames.iter().flat_map(|f| f.pixels().to_vec()).flat_map(|v| half::f16::from_f32(v).to_le_bytes()),
    );
    let path = file_of(folder.path(), recipe);
    fs::write(&path, &bytes).expect("writable");
    let shown = fresh(folder.path()).frame(recipe, 1).expect("it is sound");
    assert_eq!(*shown, whole.frames[1]);
    *bytes.last_mut().expect("a byte") ^= 0x10;
    fs::write(&path, &bytes).expect("writable");
    assert_eq!(fresh(folder.path()).frame(recipe, 1), None, "damage is found in it, too");
}

#[test]
fn a_clock_that_is_set_back_or_forth_loses_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let (one, other) = (recipe("then"), recipe("now"));
    fresh(folder.path()).keep(one, take());
    let day = Duration::from_secs(24 * 60 * 60);
    for time in [SystemTime::now() + 4_000 * day, SystemTime::UNIX_EPOCH + day] {
        let file = File::options().write(true).open(file_of(folder.path(), one)).expect("it is there");
        file.set_modified(time).expect("its time can be set");
        let takes = fresh(folder.path());
        takes.keep(other, take());
        let claim = takes.claim(recipe("later")).expect("nobody else makes it");
        assert!(takes.frame(one, 1).is_some() && takes.frame(other, 1).is_some() && takes.list().len() == 2);
        drop(claim);
    }
}

#[test]
fn where_nothing_can_be_written_takes_live_in_memory() {
    let folder = tempfile::tempdir().expect("a folder");
    // A file stands where the folder should be: nobody, not even root, can write into it.
    let blocked = folder.path().join("blocked");
    fs::write(&blocked, b"").expect("writable");
    for takes in [Takes::new(None), Takes::new(Some(blocked))] {
        assert!(takes.claim(recipe("fire")).is_none() == takes.folder().is_none());
        takes.keep(recipe("fire"), take());
        assert_eq!(takes.frame(recipe("fire"), 1).expect("in memory").pixels(), take().frames[1].pixels());
        assert_eq!(takes.notes(recipe("fire")).expect("in memory").unknown_words.len(), 1);
    }
}

#[test]
fn one_process_makes_a_take_at_a_time() {
    let folder = tempfile::tempdir().expect("a folder");
    let (one, other, recipe) = (fresh(folder.path()), fresh(folder.path()), recipe("sea"));
    let claim = one.claim(recipe).expect("nobody else makes it");
    assert!(other.claim(recipe).is_none());
    drop(claim);
    assert!(other.claim(recipe).is_some());
    assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 0, "nothing is left behind");
}

#[test]
fn what_others_keep_in_the_folder_is_left_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let notes = folder.path().join("notes.take");
    fs::write(&notes, b"mine").expect("writable");
    let takes = fresh(folder.path());
    takes.keep(recipe("ink"), take());
    assert_eq!(takes.clear().expect("removable"), 1);
    assert!(notes.exists());
}
