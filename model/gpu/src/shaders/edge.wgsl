// How far each place is from the four beside it, in all: the sum of squares over the planes.

fn at(id: vec3<u32>) -> f32 {
    let before = vec2(max(id.x, 1u) - 1u, max(id.y, 1u) - 1u);
    let after = min(id.xy + 1u, vec2(p.width, p.height) - 1u);
    var sum = 0.0;
    for (var c = 0u; c < p.channels; c++) {
        let plane = c * p.height * p.width;
        let here = x[plane + id.y * p.width + id.x];
        let apart = vec4(
            x[plane + id.y * p.width + before.x],
            x[plane + id.y * p.width + after.x],
            x[plane + before.y * p.width + id.x],
            x[plane + after.y * p.width + id.x],
        ) - here;
        sum += dot(apart, apart);
    }
    return sum;
}
