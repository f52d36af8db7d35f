// Makes a map smaller: each value is the mean of the area that it covers, values on its edge counted by the part that lies inside.

// How much of a value an output covers, in units of 1 / made of a value: there all edges are whole numbers.
fn covered(at: u32, i: u32, old: u32, made: u32) -> f32 {
    return f32(min((i + 1u) * old, (at + 1u) * made) - max(i * old, at * made));
}

fn at(id: vec3<u32>) -> f32 {
    let start = id.xy * vec2(p.width, p.height) / vec2(p.out_width, p.out_height);
    let last = ((id.xy + 1u) * vec2(p.width, p.height) - 1u) / vec2(p.out_width, p.out_height);
    var sum = 0.0;
    for (var row = start.y; row <= last.y; row++) {
        var along = 0.0;
        for (var column = start.x; column <= last.x; column++) {
            along += covered(column, id.x, p.width, p.out_width) * x[(id.z * p.height + row) * p.width + column];
        }
        sum += covered(row, id.y, p.height, p.out_height) * (along / f32(p.width));
    }
    return sum / f32(p.height);
}
