// Bilinear resize between pixel centres: PyTorch's interpolate with align_corners=False.
// Even planes are multiplied by `first`, odd ones by `second`: a flow is in pixels of its own size.

fn at(id: vec3<u32>) -> f32 {
    let row = between(id.y, p.height, p.out_height);
    let column = between(id.x, p.width, p.out_width);
    let plane = id.z * p.height * p.width;
    let upper = mix(x[plane + row.low * p.width + column.low], x[plane + row.low * p.width + column.high], column.share);
    let lower = mix(x[plane + row.high * p.width + column.low], x[plane + row.high * p.width + column.high], column.share);
    return select(p.first, p.second, id.z % 2u == 1u) * mix(upper, lower, row.share);
}
