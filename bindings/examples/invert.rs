//! An effect that inverts colours, whole or in part. `cargo build --release --example invert` makes its library; see the crate's
//! README for the bundle.

use ofx::{
    Context, Effect, Meta, Result,
    plugin::{Create, Render, SourceToOutput},
};

#[derive(ofx::Params, Clone)]
struct InvertParams {
    /// How much of the inverted picture is seen.
    #[param(default = 1.0, range = 0.0..=1.0, animates)]
    mix: f64,
}

struct Invert;

impl Effect for Invert {
    const META: Meta = Meta::new("org.example.Invert", "Invert")
        .description("Turns light into dark and colours into their opposites.")
        .contexts(&[Context::Filter, Context::General]);
    type Params = InvertParams;
    type Clips = SourceToOutput;

    fn new(_: &Create<'_, Self>) -> Result<Self> {
        Ok(Self)
    }

    fn render(&self, cx: &Render<'_, Self>) -> Result<()> {
        let mix = cx.params()?.mix as f32;
        let Some(source) = cx.image(cx.clips().source, cx.time())? else { return Err("Connect a clip".into()) };
        let mut output = cx.output()?;
        let bounds = output.bounds;
        let mut row = vec![[0.0; 4]; bounds.width()];
        for y in bounds.y1..bounds.y2 {
            cx.check_abort()?;
            source.read_rgba(bounds.x1, y, &mut row);
            for [r, g, b, a] in &mut row {
                // Colours are associated with alpha, or opaque: their white is the alpha.
                [r, g, b].into_iter().for_each(|c| *c += mix * (*a - 2.0 * *c));
            }
            output.write_rgba(bounds.x1, y, &row);
        }
        Ok(())
    }
}

ofx::export!(Invert);
