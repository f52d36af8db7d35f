//! Convolution against plain loops.

use super::super::test::*;
use super::*;

struct Case {
    x: [usize; 4],
    outputs: usize,
    kernel: (usize, usize),
    stride: usize,
    padding: usize,
}

const CASES: &[Case] = &[
    Case { x: [1, 1, 1, 1], outputs: 1, kernel: (3, 3), stride: 1, padding: 1 },
    Case { x: [2, 3, 9, 7], outputs: 5, kernel: (3, 3), stride: 1, padding: 1 },
    Case { x: [1, 6, 13, 17], outputs: 2, kernel: (3, 3), stride: 2, padding: 1 },
    Case { x: [1, 4, 8, 8], outputs: 19, kernel: (3, 3), stride: 2, padding: 1 },
    Case { x: [1, 10, 5, 65], outputs: 9, kernel: (1, 1), stride: 1, padding: 0 },
    Case { x: [1, 3, 6, 9], outputs: 7, kernel: (1, 1), stride: 2, padding: 0 },
    Case { x: [2, 3, 21, 30], outputs: 16, kernel: (7, 7), stride: 2, padding: 3 },
    Case { x: [1, 2, 9, 40], outputs: 3, kernel: (5, 5), stride: 1, padding: 2 },
    Case { x: [1, 2, 9, 8], outputs: 4, kernel: (3, 5), stride: 1, padding: 0 },
    Case { x: [1, 2, 6, 6], outputs: 4, kernel: (4, 4), stride: 2, padding: 1 },
    Case { x: [1, 3, 4, 5], outputs: 8, kernel: (3, 3), stride: 1, padding: 4 },
    Case { x: [1, 32, 50, 50], outputs: 32, kernel: (3, 3), stride: 1, padding: 1 },
    Case { x: [2, 16, 33, 31], outputs: 24, kernel: (3, 3), stride: 1, padding: 1 },
    Case { x: [1, 40, 7, 3], outputs: 17, kernel: (3, 3), stride: 1, padding: 0 },
    Case { x: [1, 96, 20, 100], outputs: 64, kernel: (3, 3), stride: 1, padding: 1 },
];

/// The definition, summed in `f64`.
fn naive(x: &Tensor, weight: &Tensor, bias: &[f32], case: &Case) -> Vec<f32> {
    let (n, c, h, w) = x.dims4().unwrap();
    let (kh, kw) = case.kernel;
    let (x, weight) = (flat(x), flat(weight));
    let (s, p) = (case.stride, case.padding);
    let (height, width) = ((h + 2 * p - kh) / s + 1, (w + 2 * p - kw) / s + 1);
    let mut out = Vec::new();
    for i in 0..n {
        for (o, bias) in bias.iter().enumerate() {
            for y in 0..height {
                for xo in 0..width {
                    let mut sum = f64::from(*bias);
                    for k in 0..c {
                        for ky in (0..kh).filter(|ky| (p..h + p).contains(&(y * s + ky))) {
                            for kx in (0..kw).filter(|kx| (p..w + p).contains(&(xo * s + kx))) {
                                let at = ((i * c + k) * h + y * s + ky - p) * w + xo * s + kx - p;
                                let tap = ((o * c + k) * kh + ky) * kw + kx;
                                sum += f64::from(x[at]) * f64::from(weight[tap]);
                            }
                        }
                    }
                    out.push(sum as f32);
                }
            }
        }
    }
    out
}

fn weights(rng: &mut Rng, case: &Case) -> (Tensor, Tensor) {
    let (kh, kw) = case.kernel;
    (rng.tensor(&[case.outputs, case.x[1], kh, kw], 1.0), rng.tensor(&[case.outputs], 1.0))
}

#[test]
fn equals_the_definition_at_any_size_stride_and_padding() {
    let mut rng = Rng::new(1);
    for case in CASES {
        let x = rng.tensor(&case.x, 1.0);
        let (weight, bias) = weights(&mut rng, case);
        let want = naive(&x, &weight, &flat(&bias), case);
        let conv = Conv2d::new(&weight, Some(&bias), case.stride, case.padding, Activation::None).unwrap();
        let got = conv.forward(&x).unwrap();
        let what = format!("{:?} to {} by {:?}", case.x, case.outputs, case.kernel);
        assert_close(&flat(&got), &want, 2e-5, &what);
        let candle = x.conv2d(&weight, case.padding, case.stride, 1, 1).unwrap();
        assert_eq!(got.dims(), candle.dims(), "{what}");
    }
}

#[test]
fn activations_follow_the_sum() {
    let mut rng = Rng::new(2);
    for case in &CASES[1..] {
        let x = rng.tensor(&case.x, 1.0);
        let (weight, bias) = weights(&mut rng, case);
        let sums = naive(&x, &weight, &flat(&bias), case);
        let plane = sums.len() / case.x[0] / case.outputs;
        let slopes = rng.tensor(&[case.outputs], 1.5);
        let learned = flat(&slopes);
        for activation in [Activation::Relu, Activation::LeakyRelu(0.1), Activation::PRelu(slopes)] {
            let slope = |i: usize| match activation {
                Activation::PRelu(_) => learned[i / plane % case.outputs],
                Activation::LeakyRelu(slope) => slope,
                _ => 0.0,
            };
            let want: Vec<f32> =
                sums.iter().enumerate().map(|(i, v)| if *v > 0.0 { *v } else { v * slope(i) }).collect();
            let what = format!("{:?} to {}, {activation:?}", case.x, case.outputs);
            let conv = Conv2d::new(&weight, Some(&bias), case.stride, case.padding, activation).unwrap();
            assert_close(&flat(&conv.forward(&x).unwrap()), &want, 2e-5, &what);
            let by_candle = Tensor::from_vec(sums.clone(), (case.x[0], case.outputs, 1, plane), &Device::Cpu);
            let by_candle = conv.activate(&by_candle.unwrap()).unwrap();
            assert_close(&flat(&by_candle), &want, 2e-5, "candle's own operations");
        }
    }
}

#[test]
fn a_strided_view_is_convolved_as_its_copy() {
    let mut rng = Rng::new(22);
    let x = rng.tensor(&[1, 12, 14, 4], 1.0).permute((0, 3, 1, 2)).unwrap();
    let weight = rng.tensor(&[6, 4, 3, 3], 1.0);
    let conv = Conv2d::new(&weight, None, 1, 1, Activation::None).unwrap();
    assert_eq!(flat(&conv.forward(&x).unwrap()), flat(&conv.forward(&x.copy().unwrap()).unwrap()));
    let part = x.narrow(1, 1, 2).unwrap();
    let conv = Conv2d::new(&weight.narrow(1, 1, 2).unwrap(), None, 1, 1, Activation::None).unwrap();
    assert_eq!(flat(&conv.forward(&part).unwrap()), flat(&conv.forward(&part.copy().unwrap()).unwrap()));
}

#[test]
fn same_bits_on_any_number_of_threads() {
    let mut rng = Rng::new(23);
    for case in CASES {
        let x = rng.tensor(&case.x, 1.0);
        let (weight, bias) = weights(&mut rng, case);
        let conv = Conv2d::new(&weight, Some(&bias), case.stride, case.padding, Activation::Relu).unwrap();
        assert_same_on_any_threads(|| conv.forward(&x));
    }
}

#[test]
fn not_a_number_spreads_over_its_neighbours_and_no_further() {
    let mut values = vec![1f32; 20 * 20 * 16];
    values[10 * 20 + 10] = f32::NAN;
    let x = Tensor::from_vec(values, (1, 16, 20, 20), &Device::Cpu).unwrap();
    let weight = Tensor::ones((16, 16, 1, 1), candle_core::DType::F32, &Device::Cpu).unwrap();
    let conv = Conv2d::new(&weight, None, 1, 0, Activation::Relu).unwrap();
    let out = flat(&conv.forward(&x).unwrap());
    for (i, v) in out.iter().enumerate() {
        assert_eq!(v.is_nan(), i % 400 == 210, "at {i}");
    }
}

#[test]
fn what_does_not_fit_is_an_error_that_says_why() {
    let mut rng = Rng::new(24);
    let weight = rng.tensor(&[4, 3, 3, 3], 1.0);
    let error = |bias: Option<&Tensor>, stride, activation| {
        Conv2d::new(&weight, bias, stride, 1, activation).unwrap_err().to_string()
    };
    assert!(error(None, 3, Activation::None).contains("stride"));
    assert!(error(Some(&rng.tensor(&[3], 1.0)), 1, Activation::None).contains("[3]"));
    assert!(error(None, 1, Activation::PRelu(rng.tensor(&[5], 1.0))).contains("[5]"));
    let conv = Conv2d::new(&weight, None, 1, 0, Activation::None).unwrap();
    let error = |x: &Tensor| conv.forward(x).unwrap_err().to_string();
    assert!(error(&rng.tensor(&[1, 4, 8, 8], 1.0)).contains("[1, 4, 8, 8]"));
    assert!(error(&rng.tensor(&[1, 3, 2, 8], 1.0)).contains("[1, 3, 2, 8]"));
    assert!(error(&rng.tensor(&[3, 8, 8], 1.0)).contains("[3, 8, 8]"));
    assert!(error(&rng.tensor(&[1, 3, 8, 8], 1.0).to_dtype(candle_core::DType::F64).unwrap()).contains("F64"));
}

#[test]
fn maps_side_by_side_are_convolved_as_one() {
    let mut rng = Rng::new(9);
    let maps = [3, 20, 1, 9].map(|channels| rng.tensor(&[2, channels, 15, 22], 1.0));
    let joined = Tensor::cat(&maps, 1).unwrap();
    // By Winograd's transform, and directly.
    for (kernel, stride) in [(3, 1), (3, 2), (1, 1)] {
        let weight = rng.tensor(&[18, 33, kernel, kernel], 0.5);
        let conv = Conv2d::new(&weight, Some(&rng.tensor(&[18], 1.0)), stride, kernel / 2, Activation::Relu).unwrap();
        let got = conv.forward_joined(&maps.each_ref()).unwrap();
        let known = conv.forward(&joined).unwrap();
        assert_eq!(got.dims(), known.dims());
        assert_eq!(flat(&got), flat(&known));
        assert!(conv.forward_joined(&[&maps[0], &maps[1]]).is_err(), "channels are missing");
        let narrow = maps[3].narrow(3, 0, 21).unwrap();
        assert!(conv.forward_joined(&[&maps[0], &maps[1], &maps[2], &narrow]).is_err());
        assert!(conv.forward_joined(&[]).is_err());
    }
}
