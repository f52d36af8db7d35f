// All planes as one: `made` joins what was joined so far with the next, and `ended` is what the whole of it becomes; both are written
// before this.

@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(16, 16)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x >= p.width || id.y >= p.height {
        return;
    }
    var so_far = x[place(0u, id)];
    for (var c = 1u; c < p.channels; c++) {
        so_far = made(so_far, x[place(c, id)]);
    }
    y[place(0u, id)] = ended(so_far);
}
