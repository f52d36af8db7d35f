//! The effects that the tests host: one with every kind of parameter, one that looks at other frames, one that misbehaves.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use ofx::{
    Button, Choice, Clip, Clips, Context, Effect, EntryPoints, Error, Meta, Params, RangeD, RectI, RenderSafety,
    Result,
    plugin::{At, Changed, Create, Cx, FramesNeeded, Go, MessageKind, Render},
};

/// One binary of them all, as a bundle would hold them.
pub(crate) fn binary() -> EntryPoints {
    ofx::in_process!(Gain, Blend, Trouble)
}

#[derive(Clips)]
pub(crate) struct SourceToOutput {
    /// What is worked on.
    source: Clip,
    /// Where to work.
    #[clip(optional, mask, only = [General])]
    mask: Clip,
    /// What is made.
    output: Clip,
}

#[derive(Choice, Clone, Copy, Debug, Default, PartialEq)]
pub(crate) enum Show {
    /// The picture.
    #[default]
    Result,
    /// Black, with the settings in one pixel.
    Settings,
}

#[derive(Params, Clone, Debug, PartialEq)]
pub(crate) struct GainParams {
    /// Times what every channel is multiplied.
    #[param(default = 1.0, range = 0.0..=8.0, display = 0.0..=2.0, animates)]
    gain: f64,
    /// A whole number.
    #[param(default = 3, range = 0..=1000, display = 0..=100)]
    number: i32,
    /// A switch.
    switch: bool,
    /// What to show.
    show: Show,
    /// Free text.
    text: String,
    /// Writes into the text.
    find: Button,
}

pub(crate) struct Gain;

/// How often Gain was loaded, and how many instances were made.
pub(crate) static LOADED: AtomicUsize = AtomicUsize::new(0);
pub(crate) static CREATED: AtomicUsize = AtomicUsize::new(0);

impl Effect for Gain {
    const META: Meta = Meta::new("test.Gain", "Gain")
        .grouping("Test")
        .contexts(&[Context::Filter, Context::General])
        .render_safety(RenderSafety::FullySafe)
        .tiles();
    type Params = GainParams;
    type Clips = SourceToOutput;

    fn load() -> Result<()> {
        LOADED.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    fn new(_cx: &Create<'_, Self>) -> Result<Self> {
        CREATED.fetch_add(1, Ordering::Relaxed);
        Ok(Self)
    }

    fn changed(&self, cx: &Changed<'_, Self>) -> Result<()> {
        if !cx.is(GainParams::FIND) {
            return Ok(());
        }
        let seen = cx.image(cx.clips().source, cx.time())?.map_or(0, |i| i.bounds.width());
        cx.set(GainParams::TEXT, format!("saw {seen} pixels"))?;
        cx.set(GainParams::NUMBER, 42)?;
        cx.message(MessageKind::Message, "found 100% of it");
        Ok(())
    }

    fn is_identity(&self, cx: &At<'_, Self>, _window: RectI, _field: ofx::Field) -> Result<Option<(Clip, f64)>> {
        let p = cx.params()?;
        Ok((p.gain == 1.0 && p.show == Show::Result).then_some((cx.clips().source, cx.time())))
    }

    fn render(&self, cx: &Render<'_, Self>) -> Result<()> {
        cx.note(&format!("frame {}", cx.time()));
        let p = cx.params()?;
        let window = cx.render_window();
        let mut output = cx.output()?;
        if p.show == Show::Settings {
            output.fill_zero();
            let seen = [p.gain as f32, p.number as f32, f32::from(u8::from(p.switch)), p.text.len() as f32];
            output.write_rgba(window.x1, window.y1, &[seen]);
            return Ok(());
        }
        let source = cx.image(cx.clips().source, cx.time())?;
        let Some(source) = source else {
            output.fill_zero();
            return Err(Error::Failed("There is no picture: connect a clip".into()));
        };
        let mut row = vec![[0.0; 4]; window.width()];
        for y in window.y1..window.y2 {
            source.read_rgba(window.x1, y, &mut row);
            row.iter_mut().flatten().for_each(|v| *v *= p.gain as f32);
            output.write_rgba(window.x1, y, &row);
        }
        Ok(())
    }
}

/// Shows the mean of the frames before and after; where the host gives no other frames, the frame itself.
pub(crate) struct Blend;

impl Effect for Blend {
    const META: Meta = Meta::new("test.Blend", "Blend").temporal();
    type Params = ();
    type Clips = SourceToOutput;

    fn new(_cx: &Create<'_, Self>) -> Result<Self> {
        Ok(Self)
    }

    fn frames_needed(&self, cx: &At<'_, Self>, frames: &mut FramesNeeded) -> Result<()> {
        frames.add(cx.clips().source, cx.time() - 1.0, cx.time() - 1.0);
        frames.add(cx.clips().source, cx.time() + 1.0, cx.time() + 1.0);
        Ok(())
    }

    fn time_domain(&self, cx: &Cx<'_, Self>) -> Result<Option<RangeD>> {
        let range = cx.clip(cx.clips().source)?.frame_range();
        Ok(range.map(|r| RangeD { min: r.min - 2.0, max: r.max + 2.0 }))
    }

    fn render(&self, cx: &Render<'_, Self>) -> Result<()> {
        let (t, source) = (cx.time(), cx.clips().source);
        let times = if cx.host().temporal_access { vec![t - 1.0, t + 1.0] } else { vec![t] };
        let window = cx.render_window();
        let mut sum = vec![[0.0; 4]; window.width() * window.height()];
        let mut count = 0.0;
        for time in times {
            let Some(image) = cx.image(source, time)? else { continue };
            for (s, p) in sum.iter_mut().flatten().zip(image.to_rgba(window)?.iter().flatten()) {
                *s += *p;
            }
            count += 1.0;
        }
        if count > 0.0 {
            sum.iter_mut().flatten().for_each(|v| *v /= count);
        }
        let mut output = cx.output()?;
        for (row, y) in sum.chunks_exact(window.width()).zip(window.y1..) {
            output.write_rgba(window.x1, y, row);
        }
        Ok(())
    }
}

#[derive(Choice, Clone, Copy, Debug, Default, PartialEq)]
pub(crate) enum How {
    /// Panics in render.
    #[default]
    Panic,
    /// Fails in render, with nothing written.
    Fail,
    /// Writes nothing and says that all is well.
    Unfilled,
    /// Shows progress until it is cancelled.
    Progress,
    /// Asks to be aborted until it is cancelled.
    Abort,
    /// Fetches a frame that it did not announce.
    Unannounced,
    /// Fetches its mask, which may be null.
    Mask,
    /// Says how its work is going, and takes that back.
    Status,
    /// Says so, and then something else, which stays.
    StatusThenWarning,
}

#[derive(Params, Clone, Debug, PartialEq)]
pub(crate) struct TroubleParams {
    /// What goes wrong.
    how: How,
    /// Panics.
    panic: Button,
}

pub(crate) struct Trouble;

/// Longer than any test waits: a cancel that never comes must fail, not hang.
const PATIENCE: Duration = Duration::from_secs(20);

impl Effect for Trouble {
    const META: Meta = Meta::new("test.Trouble", "Trouble").temporal();
    type Params = TroubleParams;
    type Clips = SourceToOutput;

    fn new(_cx: &Create<'_, Self>) -> Result<Self> {
        Ok(Self)
    }

    fn changed(&self, cx: &Changed<'_, Self>) -> Result<()> {
        assert!(!cx.is(TroubleParams::PANIC), "pressed");
        Ok(())
    }

    fn render(&self, cx: &Render<'_, Self>) -> Result<()> {
        let until = Instant::now() + PATIENCE;
        match cx.params()?.how {
            How::Panic => panic!("out of film"),
            How::Fail => return Err(Error::Failed("the reel is empty: load one".into())),
            How::Unfilled => {}
            How::Progress => {
                let progress = cx.progress("developing");
                let mut steps = 0.0;
                while progress.update(steps / 100.0) == Go::On {
                    steps += 1.0;
                    assert!(Instant::now() < until, "nobody cancelled");
                }
                return Err(Error::Aborted);
            }
            How::Abort => {
                while !cx.abort() {
                    assert!(Instant::now() < until, "nobody cancelled");
                }
                return Err(Error::Aborted);
            }
            How::Unannounced => {
                cx.image(cx.clips().source, cx.time() + 1.0)?;
                cx.output()?.fill_zero();
            }
            how @ (How::Status | How::StatusThenWarning) => {
                cx.set_status("half done");
                if how == How::StatusThenWarning {
                    cx.set_persistent_message(MessageKind::Warning, "look");
                }
                cx.clear_status();
                cx.output()?.fill_zero();
            }
            How::Mask => {
                let there = cx.image(cx.clips().mask, cx.time())?.is_some();
                let mut output = cx.output()?;
                output.fill_zero();
                let window = cx.render_window();
                output.write_rgba(window.x1, window.y1, &[[f32::from(u8::from(there)); 4]]);
            }
        }
        Ok(())
    }
}
