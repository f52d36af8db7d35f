// Each value of a map by steps, from those that stand at the same place in others. The functions that they call, the maps, and how
// many it is told of are written before this.

struct Params {
    width: u32,
    height: u32,
    // Where in its buffer the first value is written.
    start: u32,
    unused: u32,
    // Of each map that is read: where the first value stands, and how far it is to the next plane, row and column; 0 where all have
    // the same.
    leaves: array<vec4<u32>, LEAVES>,
    numbers: array<vec4<f32>, NUMBERS>,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;

fn at(leaf: u32, id: vec3<u32>) -> u32 {
    let steps = p.leaves[leaf];
    return steps.x + id.z * steps.y + id.y * steps.z + id.x * steps.w;
}

@compute @workgroup_size(16, 16)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x >= p.width || id.y >= p.height {
        return;
    }
//steps
    y[p.start + (id.z * p.height + id.y) * p.width + id.x] = //last;
}
