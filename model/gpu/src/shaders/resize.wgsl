// Bilinear resize between pixel centres: PyTorch's interpolate with align_corners=False.

@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

struct Between {
    low: u32,
    high: u32,
    share: f32,
}

fn between(i: u32, old: u32, made: u32) -> Between {
    let at = max((f32(i) + 0.5) * (f32(old) / f32(made)) - 0.5, 0.0);
    let low = min(u32(at), old - 1u);
    return Between(low, min(low + 1u, old - 1u), min(at - f32(low), 1.0));
}

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
    y[(id.z * p.out_height + id.y) * p.out_width + id.x] = mix(upper, lower, row.share);
}
