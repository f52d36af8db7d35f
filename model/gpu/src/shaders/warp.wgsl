// Backward warp: each pixel is fetched bilinearly from where the flow points, held at the border: PyTorch's grid_sample with
// align_corners=True and padding_mode="border". A flow that is not a number leaves the pixel in place.

@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> flow: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(16, 16)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x >= p.width || id.y >= p.height {
        return;
    }
    let area = p.height * p.width;
    let here = id.y * p.width + id.x;
    let most = vec2(f32(p.width - 1u), f32(p.height - 1u));
    let moved = vec2<f32>(id.xy) + vec2(number(flow[here]), number(flow[area + here]));
    let at = clamp(moved, vec2(0.0), most);
    let low = vec2<u32>(at);
    let high = min(low + 1u, vec2(p.width - 1u, p.height - 1u));
    let share = at - vec2<f32>(low);
    for (var c = 0u; c < p.channels; c++) {
        let plane = c * area;
        let upper = mix(x[plane + low.y * p.width + low.x], x[plane + low.y * p.width + high.x], share.x);
        let lower = mix(x[plane + high.y * p.width + low.x], x[plane + high.y * p.width + high.x], share.x);
        y[plane + here] = mix(upper, lower, share.y);
    }
}
