// Takes back what was taken over where fewer than `radius` of the eight neighbours go much the same way, to within `first`: what scatters
// is no thing. As before, the motion of each place and 1 where it is another's.

@group(0) @binding(1) var<storage, read> taken: array<f32>;
@group(0) @binding(2) var<storage, read> flow: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(16, 16)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x >= p.width || id.y >= p.height {
        return;
    }
    let area = p.height * p.width;
    let here = id.y * p.width + id.x;
    let motion = vec2(taken[here], taken[area + here]);
    var like = 0u;
    for (var i = 0u; i < 9u; i++) {
        let at = vec2<i32>(id.xy) + vec2(i32(i % 3u), i32(i / 3u)) - 1;
        if i == 4u || any(at < vec2(0)) || at.x >= i32(p.width) || at.y >= i32(p.height) {
            continue;
        }
        let there = u32(at.y) * p.width + u32(at.x);
        let apart = abs(vec2(taken[there], taken[area + there]) - motion);
        like += select(0u, 1u, max(apart.x, apart.y) <= p.first);
    }
    let kept = taken[2u * area + here] > 0.0 && like >= p.radius;
    y[here] = select(flow[here], motion.x, kept);
    y[area + here] = select(flow[area + here], motion.y, kept);
    y[2u * area + here] = select(0.0, 1.0, kept);
}
