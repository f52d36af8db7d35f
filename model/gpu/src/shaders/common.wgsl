// What stands before every kernel: its parameters, of which each uses some, and what several need.

struct Params {
    channels: u32,
    height: u32,
    width: u32,
    out_channels: u32,
    out_height: u32,
    out_width: u32,
    radius: u32,
    first: f32,
    second: f32,
    third: f32,
    fourth: f32,
    unused: u32,
    parts: vec4<u32>,
}

@group(0) @binding(0) var<uniform> p: Params;

// What is no number becomes 0. Shaders may take it for granted that a float is a number: its bits tell.
fn number(value: f32) -> f32 {
    return select(value, 0.0, (bitcast<u32>(value) & 0x7fffffffu) > 0x7f800000u);
}

// Where a place of the output lies in a plane that is as large, or has one value for all places.
fn place(plane: u32, id: vec3<u32>) -> u32 {
    return (plane * p.height + min(id.y, p.height - 1u)) * p.width + min(id.x, p.width - 1u);
}

// Where a place of the output itself lies.
fn out_place(id: vec3<u32>) -> u32 {
    return (id.z * p.out_height + id.y) * p.out_width + id.x;
}

// Between which two values of a row or column of `old` ones a value of one of `made` lies, and how far from the first to the second.
struct Between {
    low: u32,
    high: u32,
    share: f32,
}

fn between(i: u32, old: u32, made: u32) -> Between {
    let at = max((f32(i) + 0.5) * (f32(old) / f32(made)) - 0.5, 0.0);
    let low = min(u32(at), old - 1u);
    return Between(low, min(low + 1u, old - 1u), min(at - f32(low), 1.0));
}
