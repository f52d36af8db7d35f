// Of some places the place of another map whose square is most like theirs: how far it is from being the same, then which. By
// |a - b|^2 = |a|^2 + |b|^2 - 2ab, with the products ab in a map that has `radius` places more on each side. Of two alike the first.
//
// A workgroup looks for one place.

@group(0) @binding(1) var<storage, read> products: array<f32>;
@group(0) @binding(2) var<storage, read> own_squares: array<f32>;
@group(0) @binding(3) var<storage, read> squares: array<f32>;
@group(0) @binding(4) var<storage, read> places: array<f32>;
@group(0) @binding(5) var<storage, read_write> y: array<f32>;

const THREADS = 256u;
var<workgroup> leasts: array<f32, THREADS>;
var<workgroup> firsts: array<u32, THREADS>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let own = own_squares[u32(places[group.x])];
    let wide = p.width + 2u * p.radius;
    let plane = group.x * wide * (p.height + 2u * p.radius);
    var least = bitcast<f32>(0x7f7fffffu);
    var first = 0u;
    for (var i = local.x; i < p.height * p.width; i += THREADS) {
        let at = plane + (i / p.width + p.radius) * wide + i % p.width + p.radius;
        let apart = max(own + squares[i] - 2.0 * products[at], 0.0);
        if apart < least {
            least = apart;
            first = i;
        }
    }
    leasts[local.x] = least;
    firsts[local.x] = first;
    for (var half = THREADS / 2u; half > 0u; half /= 2u) {
        workgroupBarrier();
        if local.x < half {
            let other = local.x + half;
            if leasts[other] < leasts[local.x] || leasts[other] == leasts[local.x] && firsts[other] < firsts[local.x] {
                leasts[local.x] = leasts[other];
                firsts[local.x] = firsts[other];
            }
        }
    }
    if local.x == 0u {
        y[group.x] = leasts[0];
        y[p.out_width + group.x] = f32(firsts[0]);
    }
}
