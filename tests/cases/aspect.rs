//! Pixels that are not square, and pictures that do not begin at the origin: in every node, host and preview scale the same pixels come
//! out as of a clip with square ones.

use std::sync::Arc;

use ofx::{
    Context, RangeD, RectD, RectI,
    host::{FrameSource, Host, HostImage, PixelFormat, Profile, Project, RenderArgs, SourceError},
};

use super::{
    footage::{FLOAT, draw_sized, texture},
    stage::{ANIMATE, BRIDGE, EXTEND, REPAIR, RETIME, Stage, turn},
};

const SIZE: (usize, usize) = (36, 22);
const LAST: i32 = 6;

/// Frames 1 to 6 of a pan, whose pixels are `aspect` times as wide as high and begin at `origin`.
struct Shaped {
    aspect: f64,
    origin: (i32, i32),
}

impl Shaped {
    fn bounds(&self) -> RectI {
        let (x, y) = self.origin;
        RectI::new(x, y, x + SIZE.0 as i32, y + SIZE.1 as i32)
    }

    fn project(&self) -> Project {
        let area = self.region(1.0);
        let mut project = Project::new(SIZE.0, SIZE.1, 1.0, f64::from(LAST));
        project.size = (area.x2 - area.x1, area.y2 - area.y1);
        project.extent = project.size;
        project.offset = (area.x1, area.y1);
        project.pixel_aspect = self.aspect;
        project
    }
}

impl FrameSource for Shaped {
    fn range(&self) -> RangeD {
        RangeD { min: 1.0, max: f64::from(LAST) }
    }

    fn region(&self, _: f64) -> RectD {
        let bounds = self.bounds();
        let wide = |x: i32| f64::from(x) * self.aspect;
        RectD { x1: wide(bounds.x1), y1: f64::from(bounds.y1), x2: wide(bounds.x2), y2: f64::from(bounds.y2) }
    }

    fn format(&self) -> PixelFormat {
        FLOAT
    }

    fn pixel_aspect(&self) -> f64 {
        self.aspect
    }

    fn frame(&self, time: f64) -> Result<Option<Arc<HostImage>>, SourceError> {
        if !(1.0..=f64::from(LAST)).contains(&time) {
            return Ok(None);
        }
        let drawn = draw_sized(SIZE, FLOAT, |x, y| texture(x - 1.5 * time as f32, y));
        let (mut image, bounds) = (HostImage::new(self.bounds(), FLOAT)?, drawn.bounds());
        for y in bounds.y1..bounds.y2 {
            image.row_mut(y + self.origin.1).copy_from_slice(drawn.row(y));
        }
        image.pixel_aspect = self.aspect;
        Ok(Some(Arc::new(image)))
    }
}

/// A node, its settings, and the time of a frame that it makes.
type Made = (&'static str, &'static [(&'static str, &'static str)], f64);

/// A frame to be made, by each node that makes it of the clip's own pixels.
const MADE: [Made; 5] = [
    (REPAIR, &[("frames", "4")], 4.0),
    (RETIME, &[("starts", "At “Start”"), ("start", "1"), ("speed", "50")], 4.0),
    (EXTEND, &[("by", "Motion"), ("lastGood", "4"), ("tail", "2")], 5.0),
    (BRIDGE, &[("by", "Motion"), ("starts", "At “Start”"), ("start", "4"), ("length", "1")], 4.0),
    (ANIMATE, &[("by", "Over the still"), ("camera", "Push in"), ("length", "5"), ("still", "1")], 3.0),
];

fn rendered(profile: &Profile, (id, settings, time): Made, shape: Shaped, scale: f64) -> Vec<f32> {
    let context = {
        let _turn = turn();
        let contexts = Host::new(profile.clone()).load(&crate::binary(), id).expect(id).contexts();
        if contexts.contains(&Context::Filter) { Context::Filter } else { Context::General }
    };
    let stage = Stage::empty(profile.clone(), id, context, shape.project());
    stage.connect("Source", Arc::new(shape)).expect("a clip named Source");
    stage.put("errorsInPicture", "Never");
    settings.iter().for_each(|(name, value)| stage.put(name, value));
    let args = RenderArgs { scale: (scale, scale), ..RenderArgs::at(time) };
    stage.render(args).unwrap_or_else(|error| panic!("{id} in {}: {error}", profile.label)).to_rgba()
}

#[test]
fn made_frames_have_the_pixels_that_square_ones_would_have() {
    for (name, profile) in
        Profile::all().into_iter().filter(|(_, profile)| profile.temporal && profile.first_time.is_none())
    {
        for made in MADE {
            for scale in [1.0, 0.5] {
                let square = rendered(&profile, made, Shaped { aspect: 1.0, origin: (0, 0) }, scale);
                let reds = square.iter().step_by(4).copied();
                let (low, high) = (reds.clone().fold(1.0, f32::min), reds.fold(0.0, f32::max));
                assert!(low > 0.05 && high > low + 0.3, "{} in {name}: no picture", made.0);
                for (aspect, origin) in [(2.0, (0, 0)), (0.5, (0, 0)), (16.0 / 15.0, (8, -6))] {
                    let what = format!("{} in {name}, {aspect:.3} from {origin:?} at {scale}", made.0);
                    let other = rendered(&profile, made, Shaped { aspect, origin }, scale);
                    assert_eq!(other.len(), square.len(), "{what}");
                    let apart = other.iter().zip(&square).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
                    assert!(apart < 0.01, "{what}: {apart}");
                }
            }
        }
    }
}
