// Half a turn.

@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(16, 16)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x >= p.width || id.y >= p.height {
        return;
    }
    y[out_place(id)] = x[(id.z * p.height + p.height - 1u - id.y) * p.width + p.width - 1u - id.x];
}
