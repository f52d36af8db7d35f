// Bilinear resize between pixel centres: PyTorch's interpolate with align_corners=False.
// Even planes are multiplied by `first`, odd ones by `second`: a flow is in pixels of its own size.

@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(16, 16)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x >= p.out_width || id.y >= p.out_height {
        return;
    }
    let row = between(id.y, p.height, p.out_height);
    let column = between(id.x, p.width, p.out_width);
    let plane = id.z * p.height * p.width;
    let upper = mix(x[plane + row.low * p.width + column.low], x[plane + row.low * p.width + column.high], column.share);
    let lower = mix(x[plane + row.high * p.width + column.low], x[plane + row.high * p.width + column.high], column.share);
    y[out_place(id)] = select(p.first, p.second, id.z % 2u == 1u) * mix(upper, lower, row.share);
}
