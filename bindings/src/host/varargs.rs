//! Reading C's variadic arguments in stable Rust.
//!
//! Five functions of the parameter suite and three of the message suite are variadic, and stable Rust can call such
//! functions but not define them. Each is therefore a naked function: a few instructions save the registers that can
//! carry arguments and pass their address to an ordinary function, which reads the arguments as the platform's
//! calling convention lays them out. On platforms whose convention is not known here the functions answer
//! `kOfxStatErrUnsupported`.

use std::{
    ffi::{c_char, c_int, c_void},
    mem::MaybeUninit,
};

/// The argument registers as they were on entry, and where the arguments on the stack begin.
///
/// The assembly below writes this struct: keep the two in step.
#[repr(C)]
pub(crate) struct Saved {
    general: [MaybeUninit<u64>; 8],
    float: [MaybeUninit<f64>; 8],
    stack: *const u64,
}

/// A call's arguments, in order.
pub(crate) struct VarArgs<'a> {
    saved: &'a Saved,
    general: usize,
    float: usize,
    stack: usize,
}

/// Registers that carry integers and pointers; then only the stack does.
const GENERAL: usize = if cfg!(target_arch = "aarch64") { 8 } else { 6 };
const FLOAT: usize = 8;
/// Every argument takes the next of one row of slots, whatever its type (Windows on x86-64).
const ONE_ROW: bool = cfg!(all(windows, target_arch = "x86_64"));
/// Unnamed arguments are on the stack, whatever registers are left (Apple on ARM).
const STACK_ONLY: bool = cfg!(all(target_vendor = "apple", target_arch = "aarch64"));

impl<'a> VarArgs<'a> {
    /// A call's arguments, the named ones first.
    ///
    /// # Safety
    /// `saved` must be what this module's assembly wrote for the call now running, and the call must have passed every
    /// argument that is read, with the type it is read as, [`unnamed`](Self::unnamed) coming between named and others.
    pub(crate) unsafe fn new(saved: &'a Saved) -> Self {
        Self { saved, general: 0, float: 0, stack: 0 }
    }

    /// Goes on to the unnamed arguments.
    pub(crate) fn unnamed(self) -> Self {
        if STACK_ONLY { Self { general: GENERAL, float: FLOAT, ..self } } else { self }
    }

    fn on_stack(&mut self) -> u64 {
        // SAFETY: by the contract of `new`, the caller passed this argument; registers are used up (or not used for
        // it), so it is in the next 8-byte slot of the stack's arguments.
        let v = unsafe { self.saved.stack.add(self.stack).read() };
        self.stack += 1;
        v
    }

    fn word(&mut self) -> u64 {
        if ONE_ROW || self.general >= GENERAL {
            return self.on_stack();
        }
        self.general += 1;
        // SAFETY: below `GENERAL`, so the assembly saved it.
        unsafe { self.saved.general[self.general - 1].assume_init() }
    }

    /// The next argument, a pointer.
    pub(crate) fn pointer<T>(&mut self) -> *mut T {
        let address = usize::try_from(self.word()).unwrap_or(0);
        std::ptr::with_exposed_provenance_mut(address)
    }

    /// The next argument, an int.
    #[allow(clippy::cast_possible_truncation)] // An int is the low half of its slot.
    pub(crate) fn int(&mut self) -> c_int {
        (self.word() as u32).cast_signed()
    }

    /// The next argument as a whole slot, for `printf` formats.
    pub(crate) fn long(&mut self) -> i64 {
        self.word().cast_signed()
    }

    /// The next argument, a double.
    pub(crate) fn double(&mut self) -> f64 {
        if ONE_ROW || self.float >= FLOAT {
            return f64::from_bits(self.on_stack());
        }
        self.float += 1;
        // SAFETY: below `FLOAT`, so the assembly saved it.
        unsafe { self.saved.float[self.float - 1].assume_init() }
    }
}

/// Defines naked functions that can be called as variadic ones and pass what they got to an inner function.
macro_rules! variadic {
    ($($(#[$meta:meta])* $name:ident => $inner:path;)+) => { $(
        $(#[$meta])*
        ///
        /// # Safety
        /// Called by plugins alone, as the variadic function of that name in the suite.
        #[cfg(all(target_arch = "x86_64", not(windows)))]
        #[unsafe(naked)]
        pub(crate) unsafe extern "C" fn $name() -> c_int {
            // System V: integers in rdi rsi rdx rcx r8 r9, doubles in xmm0-7, the rest on the stack after the return
            // address. 144 bytes of `Saved` (136 used) keep the stack aligned for the call.
            std::arch::naked_asm!(
                "push rbp",
                "mov rbp, rsp",
                "sub rsp, 144",
                "mov [rsp], rdi",
                "mov [rsp + 8], rsi",
                "mov [rsp + 16], rdx",
                "mov [rsp + 24], rcx",
                "mov [rsp + 32], r8",
                "mov [rsp + 40], r9",
                "movsd [rsp + 64], xmm0",
                "movsd [rsp + 72], xmm1",
                "movsd [rsp + 80], xmm2",
                "movsd [rsp + 88], xmm3",
                "movsd [rsp + 96], xmm4",
                "movsd [rsp + 104], xmm5",
                "movsd [rsp + 112], xmm6",
                "movsd [rsp + 120], xmm7",
                "lea rax, [rbp + 16]",
                "mov [rsp + 128], rax",
                "mov rdi, rsp",
                "call {inner}",
                "leave",
                "ret",
                inner = sym $inner,
            )
        }

        $(#[$meta])*
        ///
        /// # Safety
        /// Called by plugins alone, as the variadic function of that name in the suite.
        #[cfg(all(target_arch = "x86_64", windows))]
        #[unsafe(naked)]
        pub(crate) unsafe extern "C" fn $name() -> c_int {
            // Microsoft x64: a variadic callee finds every argument, doubles too, in rcx rdx r8 r9 and then on the
            // stack behind four reserved slots; stored there, they are one row. 184 = 136 of `Saved`, 32 reserved for
            // the callee, 16 to keep the stack aligned.
            std::arch::naked_asm!(
                "mov [rsp + 8], rcx",
                "mov [rsp + 16], rdx",
                "mov [rsp + 24], r8",
                "mov [rsp + 32], r9",
                "lea rax, [rsp + 8]",
                "sub rsp, 184",
                "mov [rsp + 32 + 128], rax",
                "lea rcx, [rsp + 32]",
                "call {inner}",
                "add rsp, 184",
                "ret",
                inner = sym $inner,
            )
        }

        $(#[$meta])*
        ///
        /// # Safety
        /// Called by plugins alone, as the variadic function of that name in the suite.
        #[cfg(all(target_arch = "aarch64", not(windows)))]
        #[unsafe(naked)]
        pub(crate) unsafe extern "C" fn $name() -> c_int {
            // AAPCS64: integers in x0-x7, doubles in d0-d7, the rest on the stack. Apple puts every unnamed argument on
            // the stack; `VarArgs` knows. 160 = 136 of `Saved` and the frame record, aligned.
            std::arch::naked_asm!(
                "stp x29, x30, [sp, #-16]!",
                "mov x29, sp",
                "sub sp, sp, #144",
                "stp x0, x1, [sp]",
                "stp x2, x3, [sp, #16]",
                "stp x4, x5, [sp, #32]",
                "stp x6, x7, [sp, #48]",
                "stp d0, d1, [sp, #64]",
                "stp d2, d3, [sp, #80]",
                "stp d4, d5, [sp, #96]",
                "stp d6, d7, [sp, #112]",
                "add x9, x29, #16",
                "str x9, [sp, #128]",
                "mov x0, sp",
                "bl {inner}",
                "mov sp, x29",
                "ldp x29, x30, [sp], #16",
                "ret",
                inner = sym $inner,
            )
        }

        $(#[$meta])*
        ///
        /// # Safety
        /// Harmless: it reads no argument.
        #[cfg(not(any(target_arch = "x86_64", all(target_arch = "aarch64", not(windows)))))]
        pub(crate) unsafe extern "C" fn $name() -> c_int {
            let _unused: unsafe extern "C" fn(&Saved) -> c_int = $inner;
            crate::Status::UNSUPPORTED.0
        }
    )+ };
}
pub(crate) use variadic;

/// Text from a `printf` format and its arguments: `%s %d %i %u %x %c %f %g %e %p %%`, with `l`, `z` and `h`
/// modifiers; flags, widths and precisions are honoured for numbers' decimals alone. What else stands after a `%` is
/// kept as it is, and ends the reading of arguments, because their types are not known from there.
pub(crate) fn format(format: &str, args: &mut VarArgs<'_>) -> String {
    let mut out = String::new();
    let mut rest = format;
    while let Some(at) = rest.find('%') {
        out.push_str(&rest[..at]);
        let spec = &rest[at + 1..];
        let flags = spec.len() - spec.trim_start_matches(|c: char| c.is_ascii_digit() || "+-# .".contains(c)).len();
        let precision = spec[..flags].split_once('.').and_then(|(_, p)| p.parse::<usize>().ok());
        let modified = &spec[flags..];
        let modifiers = modified.len() - modified.trim_start_matches(['l', 'h', 'z', 'j', 't']).len();
        // A Windows long is as short as an int.
        let m = &modified[..modifiers];
        let long = m.contains("ll") || m.contains(['z', 'j', 't']) || (m.contains('l') && cfg!(not(windows)));
        let Some(kind) = modified[modifiers..].chars().next() else {
            out.push_str(&rest[at..]);
            return out;
        };
        match kind {
            '%' => out.push('%'),
            's' => {
                let p: *mut c_char = args.pointer();
                if p.is_null() {
                    out.push_str("(null)");
                } else {
                    // SAFETY: the caller's format says that this argument is a C string.
                    out.push_str(&unsafe { std::ffi::CStr::from_ptr(p) }.to_string_lossy());
                }
            }
            'd' | 'i' => out.push_str(&if long { args.long() } else { i64::from(args.int()) }.to_string()),
            'u' if long => out.push_str(&args.long().cast_unsigned().to_string()),
            'u' => out.push_str(&args.int().cast_unsigned().to_string()),
            'x' | 'X' if long => out.push_str(&format!("{:x}", args.long())),
            'x' | 'X' => out.push_str(&format!("{:x}", args.int())),
            'c' => out.extend(u8::try_from(args.int()).ok().map(char::from)),
            'f' | 'F' | 'e' | 'E' => out.push_str(&format!("{:.*}", precision.unwrap_or(6), args.double())),
            'g' | 'G' => out.push_str(&args.double().to_string()),
            'p' => out.push_str(&format!("{:?}", args.pointer::<c_void>())),
            _ => {
                out.push_str(&rest[at..]);
                return out;
            }
        }
        rest = &modified[modifiers + kind.len_utf8()..];
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    static SEEN: Mutex<Vec<String>> = Mutex::new(Vec::new());

    unsafe extern "C" fn inner(saved: &Saved) -> c_int {
        // SAFETY: the tests below call with a named pointer and a named double, then alternating ints and doubles.
        let mut args = unsafe { VarArgs::new(saved) };
        assert!(args.pointer::<c_void>().is_null() && args.double() == 0.5);
        let mut args = args.unnamed();
        let mut seen = Vec::new();
        for _ in 0..12 {
            seen.push(format!("{} {}", args.int(), args.double()));
        }
        *SEEN.lock().expect("one test") = seen;
        42
    }

    unsafe extern "C" fn inner_format(saved: &Saved) -> c_int {
        // SAFETY: the test calls with a named pointer and what its format says.
        let mut args = unsafe { VarArgs::new(saved) };
        assert!(args.pointer::<c_void>().is_null());
        let mut args = args.unnamed();
        let text = format("%s is %d of %5.2f%%, %lu, %c%s %y %s", &mut args);
        *SEEN.lock().expect("one test") = vec![text];
        0
    }

    variadic! {
        /// Under test.
        mixed => inner;
        /// Under test.
        formatted => inner_format;
    }

    #[test]
    fn arguments_are_found_in_registers_and_on_the_stack() {
        type Mixed = unsafe extern "C" fn(*mut c_void, f64, ...) -> c_int;
        // SAFETY: a naked function reads its arguments as the platform passes them to a variadic function.
        let f = unsafe { std::mem::transmute::<unsafe extern "C" fn() -> c_int, Mixed>(mixed) };
        let null = std::ptr::null_mut();
        // SAFETY: twelve pairs, as `inner` reads them.
        let rc = unsafe {
            f(
                null, 0.5, -1, 1.5, 2, 2.5, 3, 3.5, 4, 4.5, 5, 5.5, 6, 6.5, 7, 7.5, 8, 8.5, 9, 9.5, 10, 10.5, 11, 11.5,
                12, 12.5,
            )
        };
        assert_eq!(rc, 42);
        let expected: Vec<String> = [-1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]
            .iter()
            .enumerate()
            .map(|(i, v)| format!("{v} {}.5", i + 1))
            .collect();
        assert_eq!(*SEEN.lock().expect("one test"), expected);

        type Formatted = unsafe extern "C" fn(*mut c_void, ...) -> c_int;
        // SAFETY: as above.
        let f = unsafe { std::mem::transmute::<unsafe extern "C" fn() -> c_int, Formatted>(formatted) };
        // SAFETY: the arguments that the format in `inner_format` names.
        unsafe { f(null, c"frame".as_ptr(), -3i32, 50.0f64, u64::MAX, 33i32, std::ptr::null::<c_char>()) };
        let expected = format!("frame is -3 of 50.00%, {}, !(null) %y %s", u64::MAX);
        assert_eq!(SEEN.lock().expect("one test")[0], expected);
    }
}
