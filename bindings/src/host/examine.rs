//! Takes an effect through its life in a strict host.

use std::sync::Arc;

use super::{
    Binary, ContextDescriptor, Effect, Host, HostError, HostImage, Instance, MemoryClip, ParamKind, Pen, PixelFormat,
    Profile, Project, RenderArgs, RenderError,
};
use crate::{Context, RectI, Status};

/// What was seen of an effect.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Examined {
    /// What it does, or leaves undone, that the standard does not allow; each begins with the action.
    pub faults: Vec<String>,
    /// What it refused, in its own words: that could not be looked at.
    pub refused: Vec<String>,
}

/// Size of the pictures, and their last number, of which the first is 1.
const SIZE: (usize, usize) = (64, 48);
const LAST: i32 = 10;

/// Has an effect describe itself, and asks, changes and renders instances of it in every context, in a host that has all that is in
/// OpenFX 1.5. Buttons are not pressed.
///
/// Noted are: properties that are read or set where the standard has none, of another type, beyond their values, of another's, or too
/// late; clips and parameters that must be there and are not, or are defined too late; values that are none of the standard's; defaults
/// outside of their limits; parents and pages that name nothing; answers that no action may give or that make no sense; pictures that are
/// fetched unannounced, at the wrong time, or never given back; parameters that are set by a render; pixels that a render leaves
/// unwritten.
///
/// # Errors
/// When the effect cannot be loaded.
pub fn examine(binary: &Binary, id: &str) -> Result<Examined, HostError> {
    let mut profile = Profile::reference();
    // So that each frame is rendered, whatever the effect says of it; whether it is one that passes is asked apart.
    profile.calls.identity = false;
    let host = Host::strict(profile);
    let mut examined = Examined::default();
    let effect = match host.load(binary, id) {
        // It may: this host draws no overlays in OpenGL, animates no custom parameters and renders on no GPU.
        Err(error @ HostError::Action { status: Status::MISSING_HOST_FEATURE, .. }) => {
            examined.faults = host.noted();
            examined.refused.push(error.to_string());
            return Ok(examined);
        }
        loaded => loaded?,
    };
    for context in effect.contexts() {
        if let Err(error) = in_context(&effect, context, &mut examined) {
            examined.refused.push(format!("{context:?}: {error}"));
        }
    }
    drop(effect);
    examined.faults.splice(0..0, host.noted());
    Ok(examined)
}

fn in_context(effect: &Effect, context: Context, examined: &mut Examined) -> Result<(), HostError> {
    let described = effect.describe_in(context)?;
    let instance = effect.create(context, Project::new(SIZE.0, SIZE.1, 1.0, f64::from(LAST)))?;
    for clip in described.clips.iter().filter(|clip| clip.id != "Output") {
        instance.connect(&clip.id, pictures())?;
    }
    asked(&instance)?;
    rendered(&instance, &mut examined.refused);
    changed(&instance, &described, &mut examined.refused);
    rendered(&instance, &mut examined.refused);
    effect.purge_caches(Some(&instance))?;
    let copy = instance.clone_for_render()?;
    rendered(&copy, &mut examined.refused);
    let noted = [&instance, &copy].into_iter().flat_map(Instance::violations);
    examined.faults.extend(noted.map(|fault| format!("{context:?}: {fault}")));
    examined.faults.sort();
    examined.faults.dedup();
    Ok(())
}

/// Pictures in which something moves.
fn pictures() -> Arc<MemoryClip> {
    let (width, height) = SIZE;
    let picture = |time: i32| {
        let at = |x: usize, y: usize| {
            let (x, y) = (
                f64::from(u32::try_from(x).unwrap_or(0)) + 3.0 * f64::from(time),
                f64::from(u32::try_from(y).unwrap_or(0)),
            );
            let wave = |k: f64, l: f64| 0.5 + 0.4 * (k * x + l * y).sin();
            [wave(0.21, 0.0), wave(0.05, 0.3), wave(0.13, -0.2), 1.0]
        };
        let pixels = (0..height).flat_map(|y| (0..width).map(move |x| (x, y))).flat_map(|(x, y)| at(x, y));
        // Colours need no more digits.
        #[allow(clippy::cast_possible_truncation)]
        let pixels: Vec<f32> = pixels.map(|v| v as f32).collect();
        HostImage::from_rgba(width, height, &pixels, PixelFormat::FLOAT_RGBA).ok().map(Arc::new)
    };
    Arc::new(MemoryClip::new(1, (1..=LAST).map(picture).collect()))
}

fn asked(instance: &Instance) -> Result<(), HostError> {
    instance.time_domain()?;
    for time in [1.0, 5.0, f64::from(LAST)] {
        instance.region_of_definition(time)?;
        instance.frames_needed(time)?;
        instance.is_identity(time)?;
    }
    if let Some(view) = instance.overlay() {
        view.draw(5.0)?;
        for pen in [Pen::Motion, Pen::Down, Pen::Motion, Pen::Up] {
            let _ = view.pen(pen, 5.0, (8.0, 8.0));
        }
    }
    Ok(())
}

fn rendered(instance: &Instance, refused: &mut Vec<String>) {
    let whole = RenderArgs::at(5.0);
    let part = RenderArgs { window: Some(RectI::new(8, 4, 40, 30)), ..whole };
    let small = RenderArgs { scale: (0.5, 0.5), draft: true, ..RenderArgs::at(1.0) };
    for args in [whole, part, small] {
        if let Err(error) = instance.render(args) {
            let words = match (&error, instance.persistent_message()) {
                (RenderError::Failed { messages, .. }, _) if !messages.is_empty() => messages[0].text.clone(),
                (RenderError::Failed { .. }, Some(message)) => message.text,
                (other, _) => other.to_string(),
            };
            let text = format!("{:?}: {words}", instance.context());
            if !refused.contains(&text) {
                refused.push(text);
            }
        }
    }
}

/// Tells the effect of each parameter that the user set it, to what it is.
fn changed(instance: &Instance, described: &ContextDescriptor, refused: &mut Vec<String>) {
    let holds_value = |kind: ParamKind| kind.has_value() && kind != ParamKind::PushButton;
    for param in described.params.iter().filter(|param| holds_value(param.kind)) {
        let Some(value) = instance.get(&param.id, 1.0) else { continue };
        if let Err(error) = instance.set(&param.id, value) {
            refused.push(format!("{:?}: {error}", instance.context()));
        }
    }
}
