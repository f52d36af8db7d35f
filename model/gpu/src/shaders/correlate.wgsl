// Local correlation: each place of one map with those of another up to a radius away, in the mean over the channels.

@group(0) @binding(1) var<storage, read> one: array<f32>;
@group(0) @binding(2) var<storage, read> other: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(16, 16)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x >= p.width || id.y >= p.height {
        return;
    }
    let side = 2u * p.radius + 1u;
    let to = vec2<i32>(id.xy) + vec2(i32(id.z % side), i32(id.z / side)) - i32(p.radius);
    let area = p.height * p.width;
    let here = id.y * p.width + id.x;
    var sum = 0.0;
    if all(to >= vec2(0)) && to.x < i32(p.width) && to.y < i32(p.height) {
        let there = u32(to.y) * p.width + u32(to.x);
        for (var c = 0u; c < p.channels; c++) {
            sum += one[c * area + here] * other[c * area + there];
        }
    }
    y[id.z * area + here] = sum / f32(p.channels);
}
