//! Overlays: what an effect draws over a host's viewer, and how it answers the pointer there.
//!
//! Drawing is by the Draw suite of OpenFX 1.5. Hosts without it, whose overlays are drawn in OpenGL, are offered none.

use std::{
    ffi::{CStr, c_char, c_int, c_void},
    ops::Deref,
};

use super::{
    context::Cx,
    door,
    effect::Effect,
    error::{Error, Result},
    instance,
    param::{ParamId, Value},
    param_set::When,
    property::{Props, c_text},
    suites::Suites,
};
use crate::{
    Status, props,
    sys::{
        generic::core::{OfxPointD, OfxPropertySetHandle, OfxStatus},
        image_effect_v1::{
            draw_suite::{OfxDrawContextHandle, OfxDrawSuiteV1},
            interact::OfxInteractHandle,
            pixels::OfxRGBAColourF,
        },
    },
};

/// An effect with an overlay: name it by `const OVERLAY: Option<OverlayEntry> = Some(overlay::<Self>())`.
pub trait Overlay: Effect {
    /// Draws over the picture at a time. Positions are canonical coordinates.
    ///
    /// # Errors
    /// Go into the log alone: a viewer draws all the time.
    fn draw(&self, cx: &Viewer<'_, Self>, canvas: &Canvas<'_>) -> Result<()>;

    /// The pointer was pressed, moved or let go. `true` where that is the overlay's, and the host should do nothing else with it.
    ///
    /// # Errors
    /// As [`draw`](Self::draw).
    fn pointer(&self, cx: &Viewer<'_, Self>, pointer: Pointer) -> Result<bool> {
        let _ = (cx, pointer);
        Ok(false)
    }
}

/// What the pointer did.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pointer {
    /// What happened.
    pub event: PointerEvent,
    /// Where, in canonical coordinates.
    pub position: (f64, f64),
    /// How hard it is pressed, from 0 to 1, of devices that know.
    pub pressure: f64,
}

/// What a pointer can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PointerEvent {
    /// Its button was pressed.
    Down,
    /// It was moved, pressed or not.
    Moved,
    /// Its button was let go.
    Up,
}

/// A host's viewer on an effect.
pub struct Viewer<'a, E: Effect> {
    cx: Cx<'a, E>,
    handle: OfxInteractHandle,
    time: f64,
    pixel: (f64, f64),
}

impl<'a, E: Effect> Deref for Viewer<'a, E> {
    type Target = Cx<'a, E>;

    fn deref(&self) -> &Cx<'a, E> {
        &self.cx
    }
}

impl<E: Effect> Viewer<'_, E> {
    /// The time that is shown.
    #[must_use]
    pub fn time(&self) -> f64 {
        self.time
    }

    /// How wide and high a pixel of the screen is in canonical coordinates: handles should be as large on the screen however far it is
    /// zoomed.
    #[must_use]
    pub fn pixel(&self) -> (f64, f64) {
        self.pixel
    }

    /// Every parameter at this time.
    ///
    /// # Errors
    /// As [`Cx::params_at`].
    pub fn params(&self) -> Result<E::Params> {
        self.cx.params_at(self.time)
    }

    /// Sets a parameter, as where the user drags something.
    ///
    /// # Errors
    /// When the host refuses.
    pub fn set<T: Value>(&self, id: ParamId<T>, value: T) -> Result<()> {
        value.write(&self.cx.shell.params.entry(&self.cx.shell.suites, id.id())?, When::Now)
    }

    /// Has the host draw the overlay again.
    pub fn redraw(&self) {
        if let Some(redraw) = self.cx.shell.suites.interact.as_ref().and_then(|suite| suite.interactRedraw) {
            // SAFETY: the handle is the one that the host is calling about.
            unsafe { redraw(self.handle) };
        }
    }
}

/// A host's colours for what an overlay shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum StandardColour {
    /// What lies behind other things.
    Background,
    /// What can be used.
    Active,
    /// What is selected.
    Selected,
    /// What is not selected.
    Deselected,
    /// The lines of a selection.
    MarqueeForeground,
    /// What lies behind these.
    MarqueeBackground,
    /// Text.
    Text,
}

/// How lines are broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Stipple {
    /// They are not.
    Solid,
    /// Into dots.
    Dots,
    /// Into dashes.
    Dashes,
    /// Into dashes where other lines have gaps.
    OtherDashes,
    /// Into dots and dashes.
    DotsAndDashes,
}

/// What points are drawn as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Primitive {
    /// A line for each two.
    Lines,
    /// A line through all.
    LineStrip,
    /// A line through all and back to the first.
    LineLoop,
    /// A filled rectangle between two corners.
    Rectangle,
    /// A filled polygon.
    Polygon,
    /// A filled ellipse in the rectangle between two corners.
    Ellipse,
}

/// Which point of a text stands where it is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum TextAnchor {
    /// The left end of its base line.
    BaselineLeft = 1 | 16,
    /// The right end of its base line.
    BaselineRight = 2 | 16,
    /// The left upper corner.
    TopLeft = 1 | 4,
    /// The left lower corner.
    BottomLeft = 1 | 8,
}

/// What an overlay is drawn on.
pub struct Canvas<'a> {
    suite: &'a OfxDrawSuiteV1,
    context: OfxDrawContextHandle,
}

impl Canvas<'_> {
    fn done(doing: &str, status: Option<OfxStatus>) -> Result<()> {
        match status.map_or(Status::UNSUPPORTED, Status) {
            Status::OK => Ok(()),
            status => Err(Error::host(format!("{doing} the overlay"), status)),
        }
    }

    /// One of the host's own colours, as red, green, blue and alpha from 0 to 1.
    ///
    /// # Errors
    /// When the host refuses, as for all that follows.
    pub fn standard_colour(&self, colour: StandardColour) -> Result<[f32; 4]> {
        let mut value = OfxRGBAColourF { r: 0.0, g: 0.0, b: 0.0, a: 0.0 };
        // SAFETY: the context is the host's own for this draw, the place outlives the call.
        let status = self.suite.getColour.map(|get| unsafe { get(self.context, colour as u32, &raw mut value) });
        Self::done("colour", status).map(|()| [value.r, value.g, value.b, value.a])
    }

    /// Sets the colour of what follows.
    ///
    /// # Errors
    /// See above.
    pub fn set_colour(&self, [r, g, b, a]: [f32; 4]) -> Result<()> {
        let value = OfxRGBAColourF { r, g, b, a };
        // SAFETY: as above.
        Self::done("colour", self.suite.setColour.map(|set| unsafe { set(self.context, &raw const value) }))
    }

    /// Sets the width of lines that follow, in pixels of the screen.
    ///
    /// # Errors
    /// See above.
    pub fn set_line_width(&self, width: f32) -> Result<()> {
        // SAFETY: as above.
        Self::done("draw", self.suite.setLineWidth.map(|set| unsafe { set(self.context, width) }))
    }

    /// Sets how lines that follow are broken.
    ///
    /// # Errors
    /// See above.
    pub fn set_stipple(&self, stipple: Stipple) -> Result<()> {
        // SAFETY: as above.
        Self::done("draw", self.suite.setLineStipple.map(|set| unsafe { set(self.context, stipple as u32) }))
    }

    /// Draws points, in canonical coordinates.
    ///
    /// # Errors
    /// See above.
    pub fn draw(&self, primitive: Primitive, points: &[(f64, f64)]) -> Result<()> {
        let points: Vec<OfxPointD> = points.iter().map(|(x, y)| OfxPointD { x: *x, y: *y }).collect();
        let count = c_int::try_from(points.len()).map_err(Error::new)?;
        // SAFETY: as above; there are so many points.
        let status =
            self.suite.draw.map(|draw| unsafe { draw(self.context, primitive as u32, points.as_ptr(), count) });
        Self::done("draw", status)
    }

    /// Writes a text.
    ///
    /// # Errors
    /// See above.
    pub fn text(&self, text: &str, (x, y): (f64, f64), anchor: TextAnchor) -> Result<()> {
        let (text, at) = (c_text(text), OfxPointD { x, y });
        // SAFETY: as above; the text is a C string, the point outlives the call.
        let write = |draw: unsafe extern "C" fn(_, _, _, _) -> OfxStatus| unsafe {
            draw(self.context, text.as_ptr(), &raw const at, anchor as c_int)
        };
        Self::done("write", self.suite.drawText.map(write))
    }
}

/// The entry point of an overlay, as the standard has it.
type Entry =
    unsafe extern "C" fn(*const c_char, *const c_void, OfxPropertySetHandle, OfxPropertySetHandle) -> OfxStatus;

/// The entry point of an effect's overlay.
#[derive(Clone, Copy, Debug)]
pub struct OverlayEntry(pub(crate) Entry);

/// The overlay of an effect.
#[must_use]
pub const fn overlay<E: Overlay>() -> OverlayEntry {
    OverlayEntry(entry::<E>)
}

/// # Safety
/// As the standard asks of a host: `action` is a C string or null, the handles are the host's own or null.
unsafe extern "C" fn entry<E: Overlay>(
    action: *const c_char,
    handle: *const c_void,
    in_args: OfxPropertySetHandle,
    _: OfxPropertySetHandle,
) -> OfxStatus {
    door::answered_without_panic(|| {
        if action.is_null() {
            return Status::FAILED;
        }
        // SAFETY: not null, and the caller vouches that it is a C string.
        let action = unsafe { CStr::from_ptr(action) };
        if [props::ACTION_DESCRIBE, props::ACTION_CREATE_INSTANCE, props::ACTION_DESTROY_INSTANCE].contains(&action) {
            return Status::OK;
        }
        door::logged::<E>(act::<E>(action, handle.cast_mut().cast(), in_args))
    })
}

fn act<E: Overlay>(action: &CStr, handle: OfxInteractHandle, in_args: OfxPropertySetHandle) -> Result<Status> {
    let suites = super::suites::current::<E>().ok_or(Error::BadHandle("overlay"))?;
    let args = suites.props(in_args);
    let event = match action {
        a if a == props::INTERACT_ACTION_DRAW => None,
        a if a == props::INTERACT_ACTION_PEN_DOWN => Some(PointerEvent::Down),
        a if a == props::INTERACT_ACTION_PEN_MOTION => Some(PointerEvent::Moved),
        a if a == props::INTERACT_ACTION_PEN_UP => Some(PointerEvent::Up),
        _ => return Ok(Status::REPLY_DEFAULT),
    };
    let effect = args.pointer(props::PROP_EFFECT_INSTANCE).ok_or(Error::BadHandle("effect of an overlay"))?;
    let instance = instance::get::<E>(effect.cast())?;
    let viewer = Viewer {
        cx: Cx::of(&instance),
        handle,
        time: args.double(props::PROP_TIME).filter(|t| t.is_finite()).unwrap_or(0.0),
        pixel: args.point(props::INTERACT_PROP_PIXEL_SCALE).unwrap_or((1.0, 1.0)),
    };
    let Some(event) = event else { return drawn(&instance.effect, &viewer, &suites, &args) };
    let pointer = Pointer {
        event,
        position: args.point(props::INTERACT_PROP_PEN_POSITION).ok_or(Error::BadHandle("pointer"))?,
        pressure: args.double(props::INTERACT_PROP_PEN_PRESSURE).unwrap_or(1.0),
    };
    let is_ours = instance.effect.pointer(&viewer, pointer)?;
    Ok(if is_ours { Status::OK } else { Status::REPLY_DEFAULT })
}

fn drawn<E: Overlay>(effect: &E, viewer: &Viewer<'_, E>, suites: &Suites, args: &Props<'_>) -> Result<Status> {
    let context = args.pointer(props::INTERACT_PROP_DRAW_CONTEXT);
    let (Some(suite), Some(context)) = (suites.draw.as_ref(), context) else { return Ok(Status::REPLY_DEFAULT) };
    effect.draw(viewer, &Canvas { suite, context: context.cast() })?;
    Ok(Status::OK)
}
