// Comparing the squares about places of two maps, `one` and `other`, of `REACH` places to each side; beyond the border stands what is at
// it.

// A place so far from another along one side, held within it.
fn held(at: u32, step: i32, end: u32) -> u32 {
    return u32(clamp(i32(at) + step, 0, i32(end) - 1));
}

// The difference that a motion leaves, over the square about a place; negative where it leads out of the picture.
fn left(id: vec3<u32>, motion: vec2<f32>) -> f32 {
    let to = vec2<f32>(id.xy) + motion;
    let end = vec2(p.width, p.height);
    if !all(to >= vec2(0.0)) || !all(to <= vec2<f32>(end - 1u)) {
        return -1.0;
    }
    let low = vec2<u32>(to);
    let high = min(low + 1u, end - 1u);
    let share = to - vec2<f32>(low);
    var sum = 0.0;
    for (var dy = -REACH; dy <= REACH; dy++) {
        let rows = vec3(held(id.y, dy, p.height), held(low.y, dy, p.height), held(high.y, dy, p.height)) * p.width;
        for (var dx = -REACH; dx <= REACH; dx++) {
            let columns = vec3(held(id.x, dx, p.width), held(low.x, dx, p.width), held(high.x, dx, p.width));
            for (var c = 0u; c < p.channels; c++) {
                let plane = c * p.height * p.width;
                let upper = mix(other[plane + rows.y + columns.y], other[plane + rows.y + columns.z], share.x);
                let lower = mix(other[plane + rows.z + columns.y], other[plane + rows.z + columns.z], share.x);
                let apart = mix(upper, lower, share.y) - one[plane + rows.x + columns.x];
                sum += apart * apart;
            }
        }
    }
    return sum;
}
