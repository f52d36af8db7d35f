// Places whose flow leads to nothing alike: the difference that it leaves, and how much more that is than what would not be worth looking
// for better; -1 and 0 of all others. `first` and `second` are MISFIT and FAR of the rules.

@group(0) @binding(1) var<storage, read> one: array<f32>;
@group(0) @binding(2) var<storage, read> other: array<f32>;
@group(0) @binding(3) var<storage, read> flow: array<f32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;

// How far the square about a place is from that about another of the same map.
fn apart_within(a: vec2<u32>, b: vec2<u32>) -> f32 {
    var sum = 0.0;
    for (var dy = -REACH; dy <= REACH; dy++) {
        let rows = vec2(held(a.y, dy, p.height), held(b.y, dy, p.height)) * p.width;
        for (var dx = -REACH; dx <= REACH; dx++) {
            let columns = vec2(held(a.x, dx, p.width), held(b.x, dx, p.width));
            for (var c = 0u; c < p.channels; c++) {
                let plane = c * p.height * p.width;
                let apart = one[plane + rows.x + columns.x] - one[plane + rows.y + columns.y];
                sum += apart * apart;
            }
        }
    }
    return sum;
}

// How far a place is from the four beside it, in the mean.
fn grain(at: vec2<u32>) -> f32 {
    let sum = apart_within(at, vec2(held(at.x, -1, p.width), at.y)) + apart_within(at, vec2(held(at.x, 1, p.width), at.y))
        + apart_within(at, vec2(at.x, held(at.y, -1, p.height))) + apart_within(at, vec2(at.x, held(at.y, 1, p.height)));
    return sum / 4.0;
}

// What a place near a point leaves, at the least.
fn least_near(id: vec3<u32>, at: vec2<f32>) -> f32 {
    let end = vec2<f32>(vec2(p.width, p.height) - 1u);
    let low = vec2<u32>(clamp(round(at - p.second), vec2(0.0), end));
    let high = vec2<u32>(clamp(round(at + p.second), vec2(0.0), end));
    var least = left(id, vec2<f32>(low) - vec2<f32>(id.xy));
    for (var v = low.y; v <= high.y; v++) {
        for (var u = low.x; u <= high.x; u++) {
            least = min(least, left(id, vec2(f32(u), f32(v)) - vec2<f32>(id.xy)));
        }
    }
    return least;
}

@compute @workgroup_size(16, 16)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x >= p.width || id.y >= p.height {
        return;
    }
    let area = p.height * p.width;
    let here = id.y * p.width + id.x;
    let led = vec2(flow[here], flow[area + here]);
    var leaves = left(id, led);
    var over = 0.0;
    if leaves >= 0.0 {
        let enough = p.first * grain(id.xy);
        // What is near is looked at only where that can still be more.
        if leaves > enough {
            leaves = min(leaves, least_near(id, vec2<f32>(id.xy) + led));
        }
        over = leaves - enough;
    }
    let lost = over > 0.0;
    y[here] = select(-1.0, leaves, lost);
    y[area + here] = select(0.0, over, lost);
}
