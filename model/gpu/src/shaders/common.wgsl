// What stands before every kernel: its parameters, of which each uses some, and what several need.

struct Params {
    channels: u32,
    height: u32,
    width: u32,
    out_channels: u32,
    out_height: u32,
    out_width: u32,
    radius: u32,
    unused: u32,
}

@group(0) @binding(0) var<uniform> p: Params;

// What is no number becomes 0. Shaders may take it for granted that a float is a number: its bits tell.
fn number(value: f32) -> f32 {
    return select(value, 0.0, (bitcast<u32>(value) & 0x7fffffffu) > 0x7f800000u);
}
