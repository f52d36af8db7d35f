// Forward splatting: each source pixel is added, bilinearly weighted, where its displacement takes it.
//
// Sums are whole numbers of 64 bits in steps of 2^-24, the upper and the lower half one after the other: the order in which threads
// come makes no difference to them. The last plane is the sum of weights alone.

@group(0) @binding(1) var<storage, read> values: array<f32>;
@group(0) @binding(2) var<storage, read> displacement: array<f32>;
@group(0) @binding(3) var<storage, read> weights: array<f32>;
@group(0) @binding(4) var<storage, read_write> counted: array<atomic<u32>>;
@group(0) @binding(5) var<storage, read_write> y: array<f32>;

const STEPS = 16777216.0;
// What a sum's upper half counts, in units: 2^32 steps.
const UPPER = 256.0;
// More than this a value cannot be: 2^38 is far beyond any pixel.
const MOST = 2.7e11;

fn add(place: u32, value: f32) {
    let size = min(abs(value), MOST);
    // The size in steps, exactly; a negative one is its complement and one more.
    let whole = floor(size / UPPER);
    var lower = u32((size - whole * UPPER) * STEPS);
    var upper = u32(whole);
    if value < 0.0 {
        lower = ~lower + 1u;
        upper = ~upper + select(0u, 1u, lower == 0u);
    }
    let before = atomicAdd(&counted[2u * place + 1u], lower);
    atomicAdd(&counted[2u * place], upper + select(0u, 1u, before + lower < before));
}

@compute @workgroup_size(16, 16)
fn splat(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x >= p.width || id.y >= p.height {
        return;
    }
    let area = p.height * p.width;
    let here = id.y * p.width + id.x;
    let weight = weights[here];
    // Neither infinite nor no number.
    if (bitcast<u32>(weight) & 0x7f800000u) == 0x7f800000u {
        return;
    }
    let to = vec2<f32>(id.xy) + vec2(number(displacement[here]), number(displacement[area + here]));
    if any(to <= vec2(-1.0)) || to.x >= f32(p.width) || to.y >= f32(p.height) {
        return;
    }
    let low = floor(to);
    let share = to - low;
    for (var corner = 0u; corner < 4u; corner++) {
        let step = vec2(corner % 2u, corner / 2u);
        let at = vec2<i32>(low) + vec2<i32>(step);
        if any(at < vec2(0)) || at.x >= i32(p.width) || at.y >= i32(p.height) {
            continue;
        }
        let near = select(1.0 - share, share, step == vec2(1u));
        let worth = near.x * near.y * weight;
        let there = u32(at.y) * p.width + u32(at.x);
        for (var c = 0u; c < p.channels; c++) {
            add(c * area + there, worth * values[c * area + here]);
        }
        add(p.channels * area + there, worth);
    }
}

@compute @workgroup_size(16, 16)
fn sums(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x >= p.width || id.y >= p.height {
        return;
    }
    let place = (id.z * p.height + id.y) * p.width + id.x;
    let upper = bitcast<i32>(atomicLoad(&counted[2u * place]));
    y[place] = f32(upper) * UPPER + f32(atomicLoad(&counted[2u * place + 1u])) / STEPS;
}
