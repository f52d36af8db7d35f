//! Sound, carried from the clip that is read into the video that is written: ffmpeg's options for it.

use super::beside::Sound;
use super::codec::Container;

/// Which part of a clip's sound goes with what is written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SoundSpan {
    /// Seconds from the clip's first picture to the first one written; below zero where that stands before it.
    pub from: f64,
    /// Seconds of pictures that are written.
    pub length: f64,
    /// How much faster the pictures go by than the clip's: 0.5 is half speed. The pitch stays.
    pub tempo: f64,
    /// The whole clip, at its own speed: its sound can be taken as it is.
    pub whole: bool,
}

/// How sound comes into a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    Copied,
    /// Encoded again, by this encoder of ffmpeg.
    Encoded(&'static str),
    /// The format holds none.
    Dropped,
}

pub(super) fn way(sound: &Sound, span: &SoundSpan, container: Container) -> Way {
    match container.sound() {
        None => Way::Dropped,
        Some(_) if span.whole && sound.codecs.iter().all(|codec| container.takes_sound(codec)) => Way::Copied,
        Some(encoder) => Way::Encoded(encoder),
    }
}

/// ffmpeg's options for the second input, whose sound this is, and for what becomes of it.
pub(super) fn args(sound: &Sound, span: &SoundSpan, container: Container) -> (Vec<String>, Vec<String>) {
    match way(sound, span, container) {
        Way::Dropped => (Vec::new(), Vec::new()),
        // The first picture written stands at 0, whatever it stood at in its own file.
        Way::Copied => (
            vec!["-itsoffset".into(), format!("{:.6}", -sound.lead)],
            ["-map", "1:a", "-c:a", "copy"].map(Into::into).into(),
        ),
        Way::Encoded(encoder) => {
            let mut output: Vec<String> = ["-map", "1:a", "-c:a", encoder, "-af"].map(Into::into).into();
            let mut filters = filter(sound.lead, span);
            if encoder == "libopus" {
                // Of the layouts for one number of channels it knows one.
                filters.push_str(",aformat=channel_layouts=7.1|5.1|stereo|mono");
            }
            output.push(filters);
            if encoder == "aac" {
                output.extend(["-b:a", "320k"].map(Into::into));
            }
            (Vec::new(), output)
        }
    }
}

/// Fills what is silent in the file, cuts out the part, sets its tempo, and has silence where there is no sound.
fn filter(lead: f64, span: &SoundSpan) -> String {
    let start = lead + span.from;
    let before = (-start).max(0.0) / span.tempo;
    let end = start + span.length * span.tempo;
    let mut filters = vec![
        "aresample=async=1:first_pts=0".to_owned(),
        match span.whole {
            true => format!("atrim=start={:.6}", start.max(0.0)),
            false => format!("atrim=start={:.6}:end={:.6}", start.max(0.0), end.max(1e-6)),
        },
        "asetpts=PTS-STARTPTS".to_owned(),
    ];
    filters.extend(tempo(span.tempo).map(|factor| format!("atempo={factor:.9}")));
    if before > 0.0 {
        filters.push(format!("adelay=delays={:.3}:all=1", before * 1000.0));
    }
    // Sound that goes on after the last picture is part of the clip.
    if !span.whole {
        filters.push(format!("apad=whole_dur={0:.6},atrim=end={0:.6}", span.length));
    }
    filters.join(",")
}

/// A tempo in steps of a half to two, the range in which ffmpeg's `atempo` mixes and leaves nothing out.
fn tempo(tempo: f64) -> impl Iterator<Item = f64> {
    let steps = if (tempo - 1.0).abs() < 1e-9 { 0 } else { tempo.log2().abs().ceil().max(1.0) as usize };
    let step = if steps == 0 { 1.0 } else { tempo.powf(1.0 / steps as f64) };
    std::iter::repeat_n(step, steps)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sound(codec: &str) -> Sound {
        Sound { file: "/a.mov".into(), codecs: vec![codec.into()], lead: 0.02 }
    }

    #[test]
    fn sound_is_copied_where_the_format_takes_it_and_all_of_it_is_wanted() {
        let whole = SoundSpan { from: 0.0, length: 2.0, tempo: 1.0, whole: true };
        assert_eq!(way(&sound("aac"), &whole, Container::Mp4), Way::Copied);
        assert_eq!(way(&sound("pcm_s16le"), &whole, Container::Mp4), Way::Encoded("aac"));
        assert_eq!(way(&sound("aac"), &SoundSpan { whole: false, ..whole }, Container::Mp4), Way::Encoded("aac"));
        assert_eq!(way(&sound("aac"), &whole, Container::Gif), Way::Dropped);
    }

    #[test]
    fn a_tempo_is_set_in_steps_that_make_it_up() {
        for (wanted, steps) in [(1.0, 0), (0.5, 1), (0.1, 4), (3.0, 2), (1.2, 1)] {
            let factors: Vec<f64> = tempo(wanted).collect();
            assert_eq!(factors.len(), steps, "{wanted}");
            assert!((factors.iter().product::<f64>() - wanted).abs() < 1e-9, "{wanted}");
            assert!(factors.iter().all(|factor| (0.5..=2.0).contains(factor)), "{factors:?}");
        }
    }

    #[test]
    fn what_stands_before_the_clip_is_silent() {
        let early = SoundSpan { from: -1.02, length: 3.0, tempo: 1.0, whole: false };
        let text = filter(0.02, &early);
        assert!(text.contains("atrim=start=0.000000:end=2.000000"), "{text}");
        assert!(text.contains("adelay=delays=1000.000:all=1"), "{text}");
        assert!(text.ends_with("apad=whole_dur=3.000000,atrim=end=3.000000"), "{text}");
    }
}
