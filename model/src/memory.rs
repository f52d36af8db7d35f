//! Whether there is memory for what is to be made: a system that has none left when it is asked for ends the process.

use crate::{Error, Result};

/// Memory that is taken in pieces comes to more than they hold: to twice as much, but no more than by this.
const PIECES: u64 = 256 << 20;

/// Sees to it that work fits into the bytes that it may use, and that the system gives this process so many: a limit on processes is in
/// no count of free memory.
///
/// # Errors
/// When it does not, with what there is.
pub fn check(what: &'static str, needed: u64, budget: u64) -> Result<()> {
    let budget = if needed > budget { budget } else { given(needed) };
    if needed > budget { Err(Error::Memory { what, needed, budget }) } else { Ok(()) }
}

/// So many bytes, or what the system gives of them in pieces, to an eighth; they are given back untouched.
fn given(most: u64) -> u64 {
    let is_given = |bytes: u64| {
        let mut asked = Vec::<u8>::new();
        let bytes = bytes.saturating_add(PIECES.min(bytes));
        let given = usize::try_from(bytes).is_ok_and(|bytes| asked.try_reserve_exact(bytes).is_ok());
        // What nobody uses a compiler need not ask for.
        std::hint::black_box(&asked);
        given
    };
    let mut bytes = most;
    while bytes > 0 && !is_given(bytes) {
        bytes -= bytes.div_ceil(8);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_is_held_to_what_it_may_use_and_to_what_the_system_gives() {
        assert!(check("a frame", 1 << 20, 1 << 20).is_ok());
        let refused = |needed, budget| match check("a frame", needed, budget) {
            Err(Error::Memory { what: "a frame", needed: told, budget }) if told == needed => budget,
            other => panic!("{other:?}"),
        };
        assert_eq!(refused((1 << 20) + 1, 1 << 20), 1 << 20);
        // More than any address: no system gives it, whatever may be used.
        let there_is = refused(u64::MAX, u64::MAX);
        assert!((1 << 20..1 << 56).contains(&there_is), "{there_is} bytes");
    }
}
