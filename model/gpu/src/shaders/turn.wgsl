// Half a turn.

fn at(id: vec3<u32>) -> f32 {
    return x[(id.z * p.height + p.height - 1u - id.y) * p.width + p.width - 1u - id.x];
}
