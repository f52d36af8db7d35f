//! An effect's overlay on this host's viewer, which has no screen: it keeps what is drawn.

use std::{
    ffi::c_void,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use parking_lot::Mutex;

use super::{
    effect_object::{Call, within},
    error::HostError,
    instance::Instance,
    property::{PropertySet, SetKind},
    sets,
};
use crate::{Status, props::*, sys::generic::core::OfxPluginEntryPoint};

/// Something that was drawn: what, with the colour that was set.
#[derive(Clone, Debug, PartialEq)]
pub struct Drawn {
    /// The standard's number of the primitive; none for a text.
    pub primitive: Option<u32>,
    /// The text.
    pub text: String,
    /// Its points, in canonical coordinates.
    pub points: Vec<(f64, f64)>,
    /// Red, green, blue and alpha.
    pub colour: [f32; 4],
    /// The width of lines.
    pub line_width: f32,
    /// The standard's number of how they are broken.
    pub stipple: u32,
}

/// What is drawn on, and what was.
#[derive(Debug)]
pub(crate) struct Board {
    pub(crate) pen: Drawn,
    pub(crate) drawn: Vec<Drawn>,
}

/// What a pointer does on a viewer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pen {
    /// It is pressed.
    Down,
    /// It is moved.
    Motion,
    /// It is let go.
    Up,
}

/// An effect's overlay, until it is dropped.
#[derive(Debug)]
pub struct OverlayView<'a> {
    instance: &'a Instance,
    main: OfxPluginEntryPoint,
    /// What its handle stands for.
    props: Arc<PropertySet>,
    redraws: Arc<AtomicUsize>,
}

impl Instance {
    /// The effect's overlay, where it has one and this host draws them.
    #[must_use]
    pub fn overlay(&self) -> Option<OverlayView<'_>> {
        let entry = self.effect.descriptor.props.get::<usize>(PLUGIN_PROP_OVERLAY_INTERACT_V2, 0).unwrap_or(0);
        if entry == 0 || !self.effect.host.profile().suites.draw {
            return None;
        }
        let pointer: *mut c_void = std::ptr::with_exposed_provenance_mut(entry);
        // SAFETY: the plugin gave this as the entry point of its overlay, of the type that the standard says.
        let main = unsafe { std::mem::transmute::<*mut c_void, OfxPluginEntryPoint>(pointer) };
        let props = sets::interact(self.object.handle().number());
        let view = OverlayView { instance: self, main, props, redraws: Arc::default() };
        view.call(ACTION_DESCRIBE, None, None);
        view.call(ACTION_CREATE_INSTANCE, None, None);
        Some(view)
    }
}

impl Drop for OverlayView<'_> {
    fn drop(&mut self) {
        self.call(ACTION_DESTROY_INSTANCE, None, None);
    }
}

impl OverlayView<'_> {
    fn call(
        &self,
        action: &'static std::ffi::CStr,
        input: Option<&PropertySet>,
        board: Option<Arc<Mutex<Board>>>,
    ) -> Status {
        let Some(main) = self.main else { return Status::BAD_HANDLE };
        let handle = self.props.handle().as_ptr::<c_void>().cast_const();
        let arguments = input.map_or(std::ptr::null_mut(), |set| set.handle().as_ptr());
        let host = &self.instance.effect.host;
        let call = Call { board, redraws: Some(self.redraws.clone()), ..Call::new(action, host.faults.clone()) };
        // SAFETY: the plugin's entry point, with an action's C string and handles of this host.
        within(call, || Status(unsafe { main(action.as_ptr(), handle, arguments, std::ptr::null_mut()) }))
    }

    fn arguments(&self, time: f64) -> Arc<PropertySet> {
        let set = PropertySet::new(SetKind::Arguments);
        set.fixed(PROP_EFFECT_INSTANCE, &[self.instance.object.handle().number()]);
        set.fixed(PROP_TIME, &[time]);
        set.fixed(PROP_RENDER_SCALE, &[1.0, 1.0]);
        set.fixed(INTERACT_PROP_PIXEL_SCALE, &[1.0, 1.0]);
        set.fixed(INTERACT_PROP_BACKGROUND_COLOUR, &[0.0, 0.0, 0.0]);
        set
    }

    /// What it draws at a time.
    ///
    /// # Errors
    /// When it fails.
    pub fn draw(&self, time: f64) -> Result<Vec<Drawn>, HostError> {
        let pen = Drawn {
            primitive: None,
            text: String::new(),
            points: Vec::new(),
            colour: [1.0; 4],
            line_width: 1.0,
            stipple: 0,
        };
        let board = Arc::new(Mutex::new(Board { pen, drawn: Vec::new() }));
        let arguments = self.arguments(time);
        arguments.fixed(INTERACT_PROP_DRAW_CONTEXT, &[arguments.handle().number()]);
        let status = self.call(INTERACT_ACTION_DRAW, Some(&arguments), Some(board.clone()));
        if status == Status::OK || status == Status::REPLY_DEFAULT {
            return Ok(std::mem::take(&mut board.lock().drawn));
        }
        let (effect, action) = (self.instance.effect.label(), INTERACT_ACTION_DRAW.to_string_lossy().into_owned());
        Err(HostError::Action { effect, action, status, messages: Vec::new() })
    }

    /// Moves a pointer to a place in canonical coordinates, and presses it or lets it go; whether that is the overlay's.
    #[must_use]
    pub fn pen(&self, pen: Pen, time: f64, (x, y): (f64, f64)) -> bool {
        let arguments = self.arguments(time);
        arguments.fixed(INTERACT_PROP_PEN_POSITION, &[x, y]);
        // A viewer of one pixel of the screen to each of the picture.
        #[allow(clippy::cast_possible_truncation)]
        arguments.fixed(INTERACT_PROP_PEN_VIEWPORT_POSITION, &[x as i32, y as i32]);
        arguments.fixed(INTERACT_PROP_PEN_PRESSURE, &[1.0]);
        let action = match pen {
            Pen::Down => INTERACT_ACTION_PEN_DOWN,
            Pen::Motion => INTERACT_ACTION_PEN_MOTION,
            Pen::Up => INTERACT_ACTION_PEN_UP,
        };
        self.call(action, Some(&arguments), None) == Status::OK
    }

    /// How often the overlay asked to be drawn again.
    #[must_use]
    pub fn redraws(&self) -> usize {
        self.redraws.load(Ordering::Relaxed)
    }
}
