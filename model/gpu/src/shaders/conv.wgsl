// Convolution with zero padding of half the kernel, bias and a slope, `first`, below zero, in one pass.
//
// A workgroup makes 16x16 pixels of 8 output channels; each of its 16x8 threads makes two pixels, eight rows apart. The input that
// they share lies in workgroup memory, CHUNK channels at a time.

// `fetched`, which is written before this, gives the value of a channel at a place of the input.

// Of each block of 8 outputs: by input, by tap, twice four outputs.
@group(0) @binding(1) var<storage, read> weights: array<vec4<f32>>;
// Of each block of 8 outputs twice four.
@group(0) @binding(2) var<storage, read> biases: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;

const TAPS = SIDE * SIDE;
const PAD = SIDE / 2u;
const AREA = SPAN * SPAN;
var<workgroup> tile: array<f32, AREA * CHUNK>;

fn load(first: u32, corner: vec2<i32>, thread: u32) {
    for (var i = thread; i < AREA * CHUNK; i += 128u) {
        let channel = first + i / AREA;
        let at = corner + vec2(i32(i % AREA % SPAN), i32(i % AREA / SPAN));
        var value = 0.0;
        if channel < p.channels && all(at >= vec2(0)) && at.x < i32(p.width) && at.y < i32(p.height) {
            value = fetched(channel, u32(at.y) * p.width + u32(at.x));
        }
        tile[i] = value;
    }
}

fn finish(block: u32, at: vec2<u32>, low: vec4<f32>, high: vec4<f32>) {
    if at.x >= p.out_width || at.y >= p.out_height {
        return;
    }
    let a = low + biases[block * 2u];
    let b = high + biases[block * 2u + 1u];
    let first = select(a * p.first, a, a > vec4(0.0));
    let second = select(b * p.first, b, b > vec4(0.0));
    for (var i = 0u; i < 8u; i++) {
        let output = block * 8u + i;
        if output < p.out_channels {
            y[(output * p.out_height + at.y) * p.out_width + at.x] = select(second[i % 4u], first[i % 4u], i < 4u);
        }
    }
}

@compute @workgroup_size(16, 8)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let block = group.z;
    let corner = vec2<i32>(group.xy * 16u * STRIDE) - i32(PAD);
    let thread = local.y * 16u + local.x;
    var low_a = vec4(0.0);
    var high_a = vec4(0.0);
    var low_b = vec4(0.0);
    var high_b = vec4(0.0);
    for (var first = 0u; first < p.channels; first += CHUNK) {
        load(first, corner, thread);
        workgroupBarrier();
        for (var c = 0u; c < min(CHUNK, p.channels - first); c++) {
            let start = c * AREA + local.y * STRIDE * SPAN + local.x * STRIDE;
            let heavy = ((block * p.channels + first + c) * TAPS) * 2u;
            for (var tap = 0u; tap < TAPS; tap++) {
                let at = start + tap / SIDE * SPAN + tap % SIDE;
                let low = weights[heavy + tap * 2u];
                let high = weights[heavy + tap * 2u + 1u];
                let a = tile[at];
                let b = tile[at + 8u * STRIDE * SPAN];
                low_a += a * low;
                high_a += a * high;
                low_b += b * low;
                high_b += b * high;
            }
        }
        workgroupBarrier();
    }
    let at = group.xy * 16u + local.xy;
    finish(block, at, low_a, high_a);
    finish(block, at + vec2(0u, 8u), low_b, high_b);
}
