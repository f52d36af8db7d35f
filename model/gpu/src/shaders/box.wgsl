// The mean along one side of the values up to `radius` away; beyond the border that at it.

@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(16, 16)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x >= p.width || id.y >= p.height {
        return;
    }
    let end = vec2<i32>(i32(p.width), i32(p.height)) - 1;
    let reach = i32(p.radius);
    var sum = 0.0;
    for (var step = -reach; step <= reach; step++) {
        let at = vec2<u32>(clamp(vec2<i32>(id.xy) + step * ALONG, vec2(0), end));
        sum += x[(id.z * p.height + at.y) * p.width + at.x];
    }
    y[out_place(id)] = sum / f32(2 * reach + 1);
}
