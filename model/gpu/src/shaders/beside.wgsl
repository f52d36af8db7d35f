// Places whose flow leads to nothing alike try that of places beside them, and what is told of it from elsewhere: the motion that each
// place has then, and 1 where it is another's. `first` to `fourth` are MISFIT, FAR, SHARE and TOLD_SHARE of the rules; `radius` is 1
// where something is told.

@group(0) @binding(1) var<storage, read> one: array<f32>;
@group(0) @binding(2) var<storage, read> other: array<f32>;
@group(0) @binding(3) var<storage, read> grain: array<f32>;
@group(0) @binding(4) var<storage, read> flow: array<f32>;
@group(0) @binding(5) var<storage, read> told: array<f32>;
@group(0) @binding(6) var<storage, read_write> y: array<f32>;

// Places are compared by the squares about them, of so many places to each side; beyond the border stands what is at it.
const REACH = 1;

// A place so far from another along one side, held within it.
fn held(at: u32, step: i32, end: u32) -> u32 {
    return u32(clamp(i32(at) + step, 0, i32(end) - 1));
}

// The difference that a motion leaves, over the square about a place; negative where it leads out of the picture.
fn left(id: vec3<u32>, motion: vec2<f32>) -> f32 {
    let to = vec2<f32>(id.xy) + motion;
    let end = vec2(p.width, p.height);
    if !all(to >= vec2(0.0)) || !all(to <= vec2<f32>(end - 1u)) {
        return -1.0;
    }
    let low = vec2<u32>(to);
    let high = min(low + 1u, end - 1u);
    let share = to - vec2<f32>(low);
    var sum = 0.0;
    for (var dy = -REACH; dy <= REACH; dy++) {
        let rows = vec3(held(id.y, dy, p.height), held(low.y, dy, p.height), held(high.y, dy, p.height)) * p.width;
        for (var dx = -REACH; dx <= REACH; dx++) {
            let columns = vec3(held(id.x, dx, p.width), held(low.x, dx, p.width), held(high.x, dx, p.width));
            for (var c = 0u; c < p.channels; c++) {
                let plane = c * p.height * p.width;
                let upper = mix(other[plane + rows.y + columns.y], other[plane + rows.y + columns.z], share.x);
                let lower = mix(other[plane + rows.z + columns.y], other[plane + rows.z + columns.z], share.x);
                let apart = mix(upper, lower, share.y) - one[plane + rows.x + columns.x];
                sum += apart * apart;
            }
        }
    }
    return sum;
}

fn is_far(a: vec2<f32>, b: vec2<f32>) -> bool {
    let apart = abs(a - b);
    return max(apart.x, apart.y) > p.second;
}

@compute @workgroup_size(16, 16)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x >= p.width || id.y >= p.height {
        return;
    }
    let area = p.height * p.width;
    let here = id.y * p.width + id.x;
    let led = vec2(flow[here], flow[area + here]);
    let own = left(id, led);
    var best = led;
    var least = own;
    var found = false;
    if own > p.first * grain[here] {
        for (var i = 0u; i < 18u; i++) {
            let step = vec2(i32(i % 9u % 3u) - 1, i32(i % 9u / 3u) - 1) * select(FAR_STEP, NEAR_STEP, i < 9u);
            if all(step == vec2(0)) {
                continue;
            }
            let there = held(id.y, step.y, p.height) * p.width + held(id.x, step.x, p.width);
            let motion = vec2(flow[there], flow[area + there]);
            let rest = left(id, motion);
            if rest >= 0.0 && rest < p.third * own && rest < least {
                best = motion;
                least = rest;
                found = true;
            }
        }
    }
    if p.radius > 0u && own >= 0.0 {
        let motion = vec2(told[here], told[area + here]);
        if is_far(motion, led) {
            let rest = left(id, motion);
            if rest >= 0.0 && rest < p.fourth * own && rest < least {
                best = motion;
                least = rest;
                found = true;
            }
        }
    }
    found = found && is_far(best, led);
    let motion = select(led, best, found);
    y[here] = motion.x;
    y[area + here] = motion.y;
    y[2u * area + here] = select(0.0, 1.0, found);
}
