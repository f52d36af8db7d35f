//! Exponentials in vectors.
//!
//! Vectors pass through functions that are always inlined and never through closures, which the compiler may leave
//! outside the function that has the vector instructions.

use pulp::Simd;

/// e^x to about 2 units in the last place, from -87 to 88; what lies outside is taken for the nearer end.
///
/// As in Cephes' `expf`: x = n ln 2 + r with ln 2 in two parts, a polynomial of degree 6 for e^r, and n put into the
/// exponent.
#[inline(always)]
pub(super) fn exp<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    /// Adding it rounds to a whole number, which then lies in the lowest bits.
    const ROUND: f32 = 12_582_912.0;
    let splat = |v: f32| simd.splat_f32s(v);
    // x stands second, so that NaN is passed on.
    let x = simd.min_f32s(splat(88.0), simd.max_f32s(splat(-87.0), x));
    let rounded = simd.mul_add_e_f32s(x, splat(std::f32::consts::LOG2_E), splat(ROUND));
    let n = simd.sub_f32s(rounded, splat(ROUND));
    let r = simd.mul_add_e_f32s(n, splat(-0.693_359_4), x);
    let r = simd.mul_add_e_f32s(n, splat(2.121_944_4e-4), r);
    let p = splat(1.987_569_1e-4);
    let p = simd.mul_add_e_f32s(p, r, splat(1.398_199_9e-3));
    let p = simd.mul_add_e_f32s(p, r, splat(8.333_452e-3));
    let p = simd.mul_add_e_f32s(p, r, splat(4.166_579_6e-2));
    let p = simd.mul_add_e_f32s(p, r, splat(1.666_666_5e-1));
    let p = simd.mul_add_e_f32s(p, r, splat(0.5));
    let p = simd.mul_add_e_f32s(p, simd.mul_f32s(r, r), simd.add_f32s(r, splat(1.0)));
    // ROUND's own bits fall out at the top.
    let bits = simd.add_u32s(simd.transmute_u32s_f32s(rounded), simd.splat_u32s(127));
    let power = simd.wrapping_dyn_shl_u32s(bits, simd.splat_u32s(23));
    simd.mul_f32s(p, simd.transmute_f32s_u32s(power))
}

/// x / (1 + e^-x).
#[inline(always)]
pub(super) fn silu<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    let e = exp(simd, simd.neg_f32s(x));
    simd.div_f32s(x, simd.add_f32s(e, simd.splat_f32s(1.0)))
}

/// GELU by its tanh approximation (Hendrycks and Gimpel 2016): x (1 + tanh u) / 2 = x / (1 + e^-2u).
#[inline(always)]
pub(super) fn gelu<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    /// -2 times the root of 2 / pi.
    const FACTOR: f32 = -1.595_769;
    let cubic = simd.mul_add_e_f32s(simd.mul_f32s(x, x), simd.splat_f32s(0.044_715), simd.splat_f32s(1.0));
    let e = exp(simd, simd.mul_f32s(simd.mul_f32s(x, simd.splat_f32s(FACTOR)), cubic));
    simd.div_f32s(x, simd.add_f32s(e, simd.splat_f32s(1.0)))
}

#[cfg(test)]
mod tests {
    use pulp::{Arch, WithSimd};

    use super::*;

    struct All<'a> {
        x: &'a [f32],
        exp: &'a mut Vec<f32>,
        silu: &'a mut Vec<f32>,
        gelu: &'a mut Vec<f32>,
    }

    impl WithSimd for All<'_> {
        type Output = ();

        fn with_simd<S: Simd>(self, simd: S) {
            for chunk in self.x.chunks(S::F32_LANES) {
                let x = simd.partial_load_f32s(chunk);
                for (out, v) in [(&mut *self.exp, exp(simd, x)), (self.silu, silu(simd, x)), (self.gelu, gelu(simd, x))]
                {
                    let mut values = vec![0.0; chunk.len()];
                    simd.partial_store_f32s(&mut values, v);
                    out.extend(values);
                }
            }
        }
    }

    fn all(x: &[f32]) -> [Vec<f32>; 3] {
        let [mut exp, mut silu, mut gelu] = [const { Vec::new() }; 3];
        Arch::new().dispatch(All { x, exp: &mut exp, silu: &mut silu, gelu: &mut gelu });
        [exp, silu, gelu]
    }

    #[test]
    fn close_to_the_functions_over_their_whole_range() {
        let x: Vec<f32> = (-86_000..88_000).map(|i| i as f32 * 1e-3).collect();
        let [exps, silus, gelus] = all(&x);
        for (i, x) in x.iter().map(|x| f64::from(*x)).enumerate() {
            let off = |got: f32, want: f64| (f64::from(got) - want).abs() / want.abs().max(1e-30);
            assert!(off(exps[i], x.exp()) < 4e-7, "e^{x} is {}", exps[i]);
            assert!(off(silus[i], x / (1.0 + (-x).exp())) < 1e-6, "silu({x}) is {}", silus[i]);
            let u = (2.0 / std::f64::consts::PI).sqrt() * (x + 0.044_715 * x * x * x);
            let want = x * 0.5 * (1.0 + u.tanh());
            // Far below zero the tanh itself has no digits left.
            assert!(
                off(gelus[i], want) < 1e-5 || (f64::from(gelus[i]) - want).abs() < 1e-7,
                "gelu({x}) is {}",
                gelus[i]
            );
        }
    }

    #[test]
    fn ends_are_ends_and_not_a_number_stays() {
        let [exps, silus, gelus] = all(&[0.0, f32::NEG_INFINITY, 1e9, f32::NAN, -300.0, 300.0]);
        assert_eq!(exps[0], 1.0);
        assert!(exps[1] < 1e-37 && exps[2].is_finite() && exps[3].is_nan());
        assert!(silus[3].is_nan() && gelus[3].is_nan());
        assert!(silus[4].abs() < 1e-30 && gelus[4].abs() < 1e-30);
        assert_eq!((silus[5], gelus[5]), (300.0, 300.0));
    }
}
