// The upper left part of a map.

fn at(id: vec3<u32>) -> f32 {
    return x[place(id.z, id)];
}
