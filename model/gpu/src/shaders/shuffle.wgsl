// Of each four planes one of twice the size, whose values stand in squares of four.

fn at(id: vec3<u32>) -> f32 {
    let plane = 4u * id.z + 2u * (id.y % 2u) + id.x % 2u;
    return x[(plane * p.height + id.y / 2u) * p.width + id.x / 2u];
}
