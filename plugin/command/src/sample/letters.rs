//! Letters as strokes, which can be drawn at any size and angle.

/// From one letter to the next; a letter is 4 wide and 6 high.
const PITCH: f32 = 6.2;

type Stroke = [f32; 4];

/// Distance from a point to the nearest stroke of a text, whose first letter's top left corner is at (0, 0), y downward.
pub(super) fn stroke_distance(text: &str, x: f32, y: f32) -> f32 {
    // Letters other than those nearby are farther than anybody asks.
    let near = (x - 2.0) / PITCH;
    let mut distance = f32::MAX;
    for (i, letter) in text.chars().enumerate().filter(|(i, _)| (*i as f32 - near).abs() < 1.5) {
        let left = i as f32 * PITCH;
        for stroke in strokes(letter) {
            distance = distance.min(to_stroke(x - left, y, stroke));
        }
    }
    distance
}

fn to_stroke(x: f32, y: f32, [x1, y1, x2, y2]: &Stroke) -> f32 {
    let (dx, dy) = (x2 - x1, y2 - y1);
    let along = (((x - x1) * dx + (y - y1) * dy) / (dx * dx + dy * dy)).clamp(0.0, 1.0);
    (x - x1 - along * dx).hypot(y - y1 - along * dy)
}

#[rustfmt::skip]
fn strokes(letter: char) -> &'static [Stroke] {
    match letter {
        'A' => &[[0.0, 6.0, 2.0, 0.0], [2.0, 0.0, 4.0, 6.0], [0.8, 3.8, 3.2, 3.8]],
        'C' => &[[4.0, 1.0, 3.0, 0.0], [3.0, 0.0, 1.0, 0.0], [1.0, 0.0, 0.0, 1.0], [0.0, 1.0, 0.0, 5.0],
                 [0.0, 5.0, 1.0, 6.0], [1.0, 6.0, 3.0, 6.0], [3.0, 6.0, 4.0, 5.0]],
        'E' => &[[0.0, 0.0, 0.0, 6.0], [0.0, 0.0, 4.0, 0.0], [0.0, 3.0, 3.2, 3.0], [0.0, 6.0, 4.0, 6.0]],
        'H' => &[[0.0, 0.0, 0.0, 6.0], [4.0, 0.0, 4.0, 6.0], [0.0, 3.0, 4.0, 3.0]],
        'I' => &[[2.0, 0.0, 2.0, 6.0], [0.8, 0.0, 3.2, 0.0], [0.8, 6.0, 3.2, 6.0]],
        'K' => &[[0.0, 0.0, 0.0, 6.0], [4.0, 0.0, 0.0, 3.4], [1.3, 2.4, 4.0, 6.0]],
        'L' => &[[0.0, 0.0, 0.0, 6.0], [0.0, 6.0, 4.0, 6.0]],
        'M' => &[[0.0, 6.0, 0.0, 0.0], [0.0, 0.0, 2.0, 3.4], [2.0, 3.4, 4.0, 0.0], [4.0, 0.0, 4.0, 6.0]],
        'O' => &[[1.0, 0.0, 3.0, 0.0], [3.0, 0.0, 4.0, 1.0], [4.0, 1.0, 4.0, 5.0], [4.0, 5.0, 3.0, 6.0],
                 [3.0, 6.0, 1.0, 6.0], [1.0, 6.0, 0.0, 5.0], [0.0, 5.0, 0.0, 1.0], [0.0, 1.0, 1.0, 0.0]],
        'P' => &[[0.0, 0.0, 0.0, 6.0], [0.0, 0.0, 3.0, 0.0], [3.0, 0.0, 4.0, 1.0], [4.0, 1.0, 4.0, 2.3],
                 [4.0, 2.3, 3.0, 3.3], [3.0, 3.3, 0.0, 3.3]],
        'S' => &[[4.0, 0.9, 3.1, 0.0], [3.1, 0.0, 1.0, 0.0], [1.0, 0.0, 0.0, 0.9], [0.0, 0.9, 0.0, 2.1],
                 [0.0, 2.1, 1.0, 3.0], [1.0, 3.0, 3.0, 3.0], [3.0, 3.0, 4.0, 3.9], [4.0, 3.9, 4.0, 5.1],
                 [4.0, 5.1, 3.0, 6.0], [3.0, 6.0, 0.9, 6.0], [0.9, 6.0, 0.0, 5.1]],
        'T' => &[[0.0, 0.0, 4.0, 0.0], [2.0, 0.0, 2.0, 6.0]],
        'U' => &[[0.0, 0.0, 0.0, 5.0], [0.0, 5.0, 1.0, 6.0], [1.0, 6.0, 3.0, 6.0], [3.0, 6.0, 4.0, 5.0],
                 [4.0, 5.0, 4.0, 0.0]],
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_from_the_nearest_stroke() {
        assert_eq!(stroke_distance("I", 2.0, 3.0), 0.0);
        assert!((stroke_distance("I", 3.0, 3.0) - 1.0).abs() < 1e-6);
        assert!((stroke_distance("LI", PITCH + 2.5, 3.0) - 0.5).abs() < 1e-6);
        assert_eq!(stroke_distance("?", 2.0, 3.0), f32::MAX);
    }
}
