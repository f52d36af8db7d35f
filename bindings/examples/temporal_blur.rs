//! An effect that mixes each frame with those beside it. Hosts that give an effect the current frame alone get that.

use ofx::{
    Context, Effect, Meta, Result,
    plugin::{At, Create, FramesNeeded, Render, SourceToOutput},
};

#[derive(ofx::Params, Clone)]
struct BlurParams {
    /// Frames on each side that are mixed in.
    #[param(default = 1, range = 0..=24, display = 0..=8)]
    reach: i32,
}

struct TemporalBlur;

impl Effect for TemporalBlur {
    const META: Meta = Meta::new("org.example.TemporalBlur", "Temporal blur")
        .description("Mixes each frame with those before and after it.")
        .contexts(&[Context::Filter, Context::General])
        .temporal();
    type Params = BlurParams;
    type Clips = SourceToOutput;

    fn new(_: &Create<'_, Self>) -> Result<Self> {
        Ok(Self)
    }

    fn frames_needed(&self, cx: &At<'_, Self>, frames: &mut FramesNeeded) -> Result<()> {
        let reach = f64::from(cx.params()?.reach);
        frames.add(cx.clips().source, cx.time() - reach, cx.time() + reach);
        Ok(())
    }

    fn render(&self, cx: &Render<'_, Self>) -> Result<()> {
        let reach = if cx.host().temporal_access { cx.params()?.reach } else { 0 };
        let times = (-reach..=reach).map(|step| cx.time() + f64::from(step));
        let images = times.map(|time| cx.image(cx.clips().source, time)).collect::<Result<Vec<_>>>()?;
        // Beyond a clip's ends there is none.
        let images: Vec<_> = images.into_iter().flatten().collect();
        let (mut output, share) = (cx.output()?, 1.0 / images.len().max(1) as f32);
        let bounds = output.bounds;
        let (mut row, mut sum) = (vec![[0.0; 4]; bounds.width()], vec![[0.0; 4]; bounds.width()]);
        for y in bounds.y1..bounds.y2 {
            cx.check_abort()?;
            sum.fill([0.0; 4]);
            for image in &images {
                image.read_rgba(bounds.x1, y, &mut row);
                sum.iter_mut().flatten().zip(row.iter().flatten()).for_each(|(sum, value)| *sum += share * value);
            }
            output.write_rgba(bounds.x1, y, &sum);
        }
        Ok(())
    }
}

ofx::export!(TemporalBlur);
