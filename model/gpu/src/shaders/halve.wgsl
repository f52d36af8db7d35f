// The mean of each square of four pixels; a last odd row or column is left out.

@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(16, 16)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let size = vec2(p.width / 2u, p.height / 2u);
    if id.x >= size.x || id.y >= size.y {
        return;
    }
    let at = (id.z * p.height + 2u * id.y) * p.width + 2u * id.x;
    let sum = x[at] + x[at + 1u] + x[at + p.width] + x[at + p.width + 1u];
    y[(id.z * size.y + id.y) * size.x + id.x] = 0.25 * sum;
}
