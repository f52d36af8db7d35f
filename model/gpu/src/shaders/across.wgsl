// All planes as one: `made` joins what was joined so far with the next, and `ended` is what the whole of it becomes; both are written
// before this.

fn at(id: vec3<u32>) -> f32 {
    var so_far = x[place(0u, id)];
    for (var c = 1u; c < p.channels; c++) {
        so_far = made(so_far, x[place(c, id)]);
    }
    return ended(so_far);
}
