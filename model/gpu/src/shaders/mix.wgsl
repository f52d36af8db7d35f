// A frame between two: each is moved along two flows and taken as it stands, and all are added by what they are worth.
//
// Frames hold `out_channels` values a pixel, side by side. Flows, worth and the error to expect are planes, maybe of another size:
// four flows, to the first frame and to the last by turns, x before y and in pixels of that size; six worths, of what the flows fetch
// and of both frames as they stand; the error.

@group(0) @binding(1) var<storage, read> said: array<f32>;
@group(0) @binding(2) var<storage, read> one: array<f32>;
@group(0) @binding(3) var<storage, read> other: array<f32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;
@group(0) @binding(5) var<storage, read_write> sure: array<f32>;

const FLOWS = 4u;
const WORTHS = 8u;
const ERROR = 14u;

// Where planes are read for one pixel.
struct Reading {
    row: Between,
    column: Between,
}

fn told(at: Reading, plane: u32) -> f32 {
    let upper = (plane * p.height + at.row.low) * p.width;
    let lower = (plane * p.height + at.row.high) * p.width;
    let low = mix(said[upper + at.column.low], said[lower + at.column.low], at.row.share);
    let high = mix(said[upper + at.column.high], said[lower + at.column.high], at.row.share);
    return mix(low, high, at.column.share);
}

fn value(frame: u32, row: u32, column: u32, channel: u32) -> f32 {
    let i = (row * p.out_width + column) * p.out_channels + channel;
    if frame == 0u {
        return one[i];
    }
    return other[i];
}

// What Keys (1981) calls a: sharper than Catmull-Rom's -0.5, since a mean of pictures is softer than each of them.
const SLOPE = -0.75;

// Four neighbours along a side, held within the frame, their weights by cubic convolution, and their bilinear ones.
struct Taps {
    at: vec4<u32>,
    spline: vec4<f32>,
    linear: vec4<f32>,
}

fn taps(i: u32, shift: f32, count: u32) -> Taps {
    let at = clamp(f32(i) + number(shift), 0.0, f32(count - 1u));
    let whole = min(u32(at), max(count, 2u) - 2u);
    let t = at - f32(whole);
    let spline = vec4(
        SLOPE * (t * t * t - 2.0 * t * t + t),
        (SLOPE + 2.0) * t * t * t - (SLOPE + 3.0) * t * t + 1.0,
        -(SLOPE + 2.0) * t * t * t + (2.0 * SLOPE + 3.0) * t * t - SLOPE * t,
        SLOPE * (t * t - t * t * t),
    );
    let last = vec4(count - 1u);
    return Taps(min(vec4(max(whole, 1u) - 1u, whole, whole + 1u, whole + 2u), last), spline, vec4(0.0, 1.0 - t, t, 0.0));
}

fn is_number(value: f32) -> bool {
    return (bitcast<u32>(value) & 0x7fffffffu) <= 0x7f800000u;
}

// Whether alpha, the fourth of four channels, is not the same in all that a pixel is made of: colours that pass the range of their
// alpha cannot be divided by it again.
fn alpha_varies(frame: u32, rows: vec4<u32>, columns: vec4<u32>) -> bool {
    var r = rows;
    var c = columns;
    let first = value(frame, r[0], c[0], 3u);
    var varies = false;
    for (var i = 0u; i < 16u; i++) {
        varies = varies || value(frame, r[i / 4u], c[i % 4u], 3u) != first;
    }
    return varies;
}

// A value held within the range of those that it was made of, without what is no number: beside an edge a spline swings past it.
fn within(made: f32, frame: u32, rows: vec4<u32>, columns: vec4<u32>, channel: u32) -> f32 {
    var r = rows;
    var c = columns;
    var least = bitcast<f32>(0x7f7fffffu);
    var most = -least;
    for (var i = 0u; i < 16u; i++) {
        let tap = value(frame, r[i / 4u], c[i % 4u], channel);
        if is_number(tap) {
            least = min(least, tap);
            most = max(most, tap);
        }
    }
    let near = value(frame, r[1], c[1], channel);
    if is_number(made) {
        return min(max(made, least), most);
    }
    return select(0.5 * least + 0.5 * most, near, is_number(near));
}

// Adds some channels of a frame, fetched from where a flow leads, to what there is.
fn add_moved(sum: ptr<function, array<f32, TOGETHER>>, frame: u32, id: vec3<u32>, flow: vec2<f32>, worth: f32, first: u32) {
    let down = taps(id.y, flow.y, p.out_height);
    let right = taps(id.x, flow.x, p.out_width);
    var rows = down.at;
    var columns = right.at;
    var row_weights = down.spline;
    var column_weights = right.spline;
    if TOGETHER == 4u && p.out_channels == 4u && alpha_varies(frame, rows, columns) {
        row_weights = down.linear;
        column_weights = right.linear;
    }
    for (var k = 0u; k < TOGETHER; k++) {
        var made = 0.0;
        for (var j = 0u; j < 4u; j++) {
            var line = 0.0;
            for (var i = 0u; i < 4u; i++) {
                line += column_weights[i] * value(frame, rows[j], columns[i], first + k);
            }
            made += row_weights[j] * line;
        }
        if !(is_number(made) && made >= 0.0 && made <= 1.0) {
            made = within(made, frame, rows, columns, first + k);
        }
        (*sum)[k] += made * worth;
    }
}

@compute @workgroup_size(16, 16)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x >= p.out_width || id.y >= p.out_height {
        return;
    }
    let here = Reading(between(id.y, p.height, p.out_height), between(id.x, p.width, p.out_width));
    let scale = vec2(f32(p.out_width) / f32(p.width), f32(p.out_height) / f32(p.height));
    let pixel = id.y * p.out_width + id.x;
    for (var first = 0u; first < p.out_channels; first += TOGETHER) {
        var sum: array<f32, TOGETHER>;
        for (var i = 0u; i < FLOWS; i++) {
            let worth = told(here, WORTHS + i);
            if worth != 0.0 {
                let flow = scale * vec2(told(here, 2u * i), told(here, 2u * i + 1u));
                add_moved(&sum, i % 2u, id, flow, worth, first);
            }
        }
        let worth = vec2(told(here, WORTHS + 4u), told(here, WORTHS + 5u));
        for (var k = 0u; k < TOGETHER; k++) {
            let i = pixel * p.out_channels + first + k;
            y[i] = sum[k] + one[i] * worth.x + other[i] * worth.y;
        }
    }
    sure[pixel] = exp(-max(told(here, ERROR), 0.0) / p.first);
}
