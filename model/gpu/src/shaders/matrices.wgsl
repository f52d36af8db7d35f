// Convolution with zero padding of half the kernel, bias and a slope, `first`, below zero, in one pass, as products of matrices of
// 16-bit floats whose sums are in 32 bits.
//
// A workgroup makes 16 pixels of each of ROWS rows, for BLOCKS times T outputs. The input that they share lies in workgroup memory,
// T channels at a time, the channels of a pixel side by side: there a matrix of T channels by T pixels is read for each tap from
// where that begins. What stands between `//each b` and `//end b` is repeated for each of BLOCKS, and by `r` for each of ROUNDS: so
// many matrices of pixels a subgroup makes at the most, whose number is not known before.

// `fetched`, which is written before this, gives the value of a channel at a place of the input.

// Of each BLOCKS times T outputs: by T inputs, by tap, by T outputs: a matrix, outputs down and inputs across.
@group(0) @binding(1) var<storage, read> weights: array<f16>;
// Of each T outputs: a matrix, outputs down, that has the same value across.
@group(0) @binding(2) var<storage, read> biases: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;

const TAPS = SIDE * SIDE;
const PAD = SIDE / 2u;
const AREA = SPAN * (ROWS * STRIDE + SIDE - STRIDE);
const MATRIX = T * T;
// Matrices of pixels in a row, and in all rows.
const ACROSS = 16u / T;
const TILES = ACROSS * ROWS;
// From pixel to pixel: more than their channels, so that they do not all begin in the same bank of memory.
const PITCH = T + 8u;
// The largest number of 16 bits.
const LARGEST = 65504.0;

var<workgroup> tile: array<f16, AREA * PITCH>;
// One more than there are, for subgroups that have none left to make.
var<workgroup> made: array<f32, (TILES + 1u) * MATRIX>;

fn load(first: u32, corner: vec2<i32>, thread: u32) {
    for (var i = thread; i < AREA * T; i += THREADS) {
        let pixel = i % AREA;
        let channel = first + i / AREA;
        let at = corner + vec2(i32(pixel % SPAN), i32(pixel / SPAN));
        var value = 0.0;
        if channel < p.channels && all(at >= vec2(0)) && at.x < i32(p.width) && at.y < i32(p.height) {
            value = fetched(channel, u32(at.y) * p.width + u32(at.x));
        }
        tile[pixel * PITCH + i / AREA] = f16(clamp(value, -LARGEST, LARGEST));
    }
}

fn give(outputs: u32, corner: vec2<u32>, thread: u32) {
    for (var i = thread; i < T * 16u * ROWS; i += THREADS) {
        let output = i / (16u * ROWS);
        let row = i / 16u % ROWS;
        let column = i % 16u;
        let value = made[(row * ACROSS + column / T) * MATRIX + output * T + column % T];
        let at = corner + vec2(column, row);
        if outputs + output < p.out_channels && at.x < p.out_width && at.y < p.out_height {
            y[((outputs + output) * p.out_height + at.y) * p.out_width + at.x] = select(value * p.first, value, value > 0.0);
        }
    }
}

@compute @workgroup_size(THREADS)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
    @builtin(subgroup_id) subgroup: u32,
    @builtin(num_subgroups) subgroups: u32,
) {
    let corner = vec2(group.x * 16u, group.y * ROWS);
    let first_block = group.z * BLOCKS;
//each r
    let tile_{r} = min({r}u * subgroups + subgroup, TILES);
    let start_{r} = (tile_{r} / ACROSS % ROWS * SPAN + tile_{r} % ACROSS * T) * STRIDE * PITCH;
//each b
    var sum_{r}_{b} = coopLoadT<Sums>(&biases[(first_block + {b}u) * MATRIX], T);
//end b
//end r
    var heavy = first_block * ((p.channels + T - 1u) / T) * TAPS * MATRIX;
    for (var first = 0u; first < p.channels; first += T) {
        load(first, vec2<i32>(corner * STRIDE) - i32(PAD), thread);
        workgroupBarrier();
        for (var tap = 0u; tap < TAPS; tap++) {
            let shift = (tap / SIDE * SPAN + tap % SIDE) * PITCH;
//each b
            let heavy_{b} = coopLoadT<Left>(&weights[heavy + {b}u * MATRIX], T);
//end b
//each r
            let pixels_{r} = coopLoad<Right>(&tile[start_{r} + shift], STRIDE * PITCH);
//each b
            sum_{r}_{b} = coopMultiplyAdd(heavy_{b}, pixels_{r}, sum_{r}_{b});
//end b
//end r
            heavy += BLOCKS * MATRIX;
        }
        workgroupBarrier();
    }
//each b
//each r
    coopStoreT(sum_{r}_{b}, &made[tile_{r} * MATRIX], T);
//end r
    workgroupBarrier();
    give((first_block + {b}u) * T, corner, thread);
    workgroupBarrier();
//end b
}
