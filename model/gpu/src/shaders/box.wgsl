// The mean along one side of the values up to `radius` away; beyond the border that at it.

fn at(id: vec3<u32>) -> f32 {
    let end = vec2<i32>(i32(p.width), i32(p.height)) - 1;
    let reach = i32(p.radius);
    var sum = 0.0;
    for (var step = -reach; step <= reach; step++) {
        let at = vec2<u32>(clamp(vec2<i32>(id.xy) + step * ALONG, vec2(0), end));
        sum += x[(id.z * p.height + at.y) * p.width + at.x];
    }
    return sum / f32(2 * reach + 1);
}
