// A function of each value: `made`, which is written before this.

fn at(id: vec3<u32>) -> f32 {
    let i = out_place(id);
    return made(x[i]);
}
