//! The Draw suite, version 1: what overlays draw with.

use std::ffi::{c_char, c_int};

use super::{Answer, give, guard, text};
use crate::{
    Status,
    host::{effect_object::current, overlay::Board},
    sys::{
        generic::core::{OfxPointD, OfxStatus},
        image_effect_v1::{
            draw_suite::{
                OfxDrawContextHandle, OfxDrawLineStipplePattern, OfxDrawPrimitive, OfxDrawSuiteV1, OfxStandardColour,
            },
            pixels::OfxRGBAColourF,
        },
    },
};

pub(crate) static SUITE: OfxDrawSuiteV1 = OfxDrawSuiteV1 {
    getColour: Some(get_colour),
    setColour: Some(set_colour),
    setLineWidth: Some(set_line_width),
    setLineStipple: Some(set_line_stipple),
    draw: Some(draw),
    drawText: Some(draw_text),
};

/// Colours that a viewer may have for its overlays, from the background to text.
const STANDARD: [[f32; 4]; 7] = [
    [0.0, 0.0, 0.0, 0.5],
    [1.0, 0.6, 0.0, 1.0],
    [1.0, 1.0, 0.0, 1.0],
    [0.7, 0.7, 0.7, 1.0],
    [1.0, 1.0, 1.0, 1.0],
    [0.0, 0.0, 0.0, 1.0],
    [0.9, 0.9, 0.9, 1.0],
];

/// Does something on what this thread draws on: an overlay may draw in its draw action alone.
fn on(context: OfxDrawContextHandle, does: impl FnOnce(&mut Board) -> Answer) -> Answer {
    let board =
        current(|call| call.board.clone()).flatten().filter(|_| !context.is_null()).ok_or(Status::BAD_HANDLE)?;
    does(&mut board.lock())
}

unsafe extern "C" fn get_colour(
    context: OfxDrawContextHandle,
    which: OfxStandardColour,
    to: *mut OfxRGBAColourF,
) -> OfxStatus {
    guard(|| {
        on(context, |_| {
            let [r, g, b, a] = *usize::try_from(which).ok().and_then(|i| STANDARD.get(i)).ok_or(Status::VALUE)?;
            // SAFETY: null or writable by the standard.
            unsafe { give(to, OfxRGBAColourF { r, g, b, a }) }
        })
    })
}

unsafe extern "C" fn set_colour(context: OfxDrawContextHandle, colour: *const OfxRGBAColourF) -> OfxStatus {
    guard(|| {
        on(context, |board| {
            // SAFETY: null or a colour by the standard.
            let colour = unsafe { colour.as_ref() }.ok_or(Status::VALUE)?;
            board.pen.colour = [colour.r, colour.g, colour.b, colour.a];
            Ok(())
        })
    })
}

unsafe extern "C" fn set_line_width(context: OfxDrawContextHandle, width: f32) -> OfxStatus {
    guard(|| {
        on(context, |board| {
            board.pen.line_width = width;
            Ok(())
        })
    })
}

unsafe extern "C" fn set_line_stipple(context: OfxDrawContextHandle, pattern: OfxDrawLineStipplePattern) -> OfxStatus {
    guard(|| {
        on(context, |board| {
            board.pen.stipple = pattern;
            if pattern <= 4 { Ok(()) } else { Err(Status::VALUE) }
        })
    })
}

unsafe extern "C" fn draw(
    context: OfxDrawContextHandle,
    primitive: OfxDrawPrimitive,
    points: *const OfxPointD,
    count: c_int,
) -> OfxStatus {
    guard(|| {
        on(context, |board| {
            let count = usize::try_from(count).map_err(|_| Status::VALUE)?;
            if points.is_null() && count > 0 || primitive > 5 {
                return Err(Status::VALUE);
            }
            // SAFETY: so many points by the standard.
            let points = (0..count).map(|i| unsafe { *points.add(i) }).map(|p| (p.x, p.y)).collect();
            let drawn = super::super::overlay::Drawn { primitive: Some(primitive), points, ..board.pen.clone() };
            board.drawn.push(drawn);
            Ok(())
        })
    })
}

unsafe extern "C" fn draw_text(
    context: OfxDrawContextHandle,
    words: *const c_char,
    at: *const OfxPointD,
    _: c_int,
) -> OfxStatus {
    guard(|| {
        on(context, |board| {
            // SAFETY: a C string, and null or a point, by the standard.
            let (words, at) = unsafe { (text(words)?, at.as_ref().ok_or(Status::VALUE)?) };
            let text = words.to_string_lossy().into_owned();
            let drawn = super::super::overlay::Drawn { text, points: vec![(at.x, at.y)], ..board.pen.clone() };
            board.drawn.push(drawn);
            Ok(())
        })
    })
}
