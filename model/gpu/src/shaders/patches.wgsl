// The squares about some places as the weights of a convolution, in the order that conv.wgsl has them: blocks of 8 places, and in each
// by plane and by place of the square.

@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> places: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;

const SIDE = 2u * REACH + 1u;

@compute @workgroup_size(16, 16)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let rounded = (p.out_width + 7u) / 8u * 8u;
    if id.x >= rounded || id.y >= SIDE * SIDE {
        return;
    }
    var value = 0.0;
    if id.x < p.out_width {
        let at = u32(places[id.x]);
        let from_corner = vec2(at % p.width + id.y % SIDE, at / p.width + id.y / SIDE);
        value = x[place(id.z, vec3(max(from_corner, vec2(REACH)) - REACH, id.z))];
    }
    y[((id.x / 8u * p.channels + id.z) * SIDE * SIDE + id.y) * 8u + id.x % 8u] = value;
}
