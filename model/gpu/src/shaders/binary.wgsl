// A function of two values: `made`, which is written before this. The second map may have one plane for all, or one value a plane.

@group(0) @binding(1) var<storage, read> one: array<f32>;
@group(0) @binding(2) var<storage, read> other: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(16, 16)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x >= p.out_width || id.y >= p.out_height {
        return;
    }
    let i = out_place(id);
    y[i] = made(one[i], other[place(min(id.z, p.channels - 1u), id)]);
}
