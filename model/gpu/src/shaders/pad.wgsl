// A map with `radius` places more on each side, where what is at the border is repeated.

fn at(id: vec3<u32>) -> f32 {
    return x[place(id.z, vec3(max(id.xy, vec2(p.radius)) - p.radius, id.z))];
}
