//! Large blocks of memory, used again.
//!
//! Work on pictures takes and frees large blocks over and over, and C libraries give those back to the system each time: the next one is
//! then mapped and cleared anew, page by page, which took a fifth of the time of a frame made by a network.

mod spare;

use std::{
    alloc::{GlobalAlloc, Layout, System},
    ptr::null_mut,
};

use parking_lot::Mutex;

use self::spare::{Range, Spare};

/// An allocator that keeps large blocks when they are freed, whole or in parts for other ones, until [`give_back`](Self::give_back) is
/// called.
///
/// Large blocks, in use and kept, take no more than was in use at once since then: before more is asked for, kept memory makes way. So
/// it is on Unix; elsewhere it is the system's allocator as it stands.
///
/// ```
/// use ofx::plugin::Reused;
///
/// #[global_allocator]
/// static MEMORY: Reused = Reused::new();
///
/// drop(vec![0_u8; 4 << 20]);
/// assert_eq!(MEMORY.kept(), if cfg!(unix) { 4 << 20 } else { 0 });
/// MEMORY.give_back();
/// assert_eq!(MEMORY.kept(), 0);
/// ```
#[derive(Debug, Default)]
pub struct Reused {
    spare: Mutex<Spare>,
}

impl Reused {
    /// Keeps nothing yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { spare: Mutex::new(Spare::NONE) }
    }

    /// Bytes that are kept and that nobody uses.
    #[must_use]
    pub fn kept(&self) -> usize {
        self.spare.lock().bytes()
    }

    /// Gives all that is kept back to the system.
    pub fn give_back(&self) {
        self.free(Spare::smallest);
        self.spare.lock().forget_the_most();
    }

    /// Gives kept memory back, range by range: the system may take its time, and others need not wait for it.
    fn free(&self, next: fn(&mut Spare) -> Option<Range>) {
        let next = || next(&mut self.spare.lock());
        while let Some(range) = next() {
            unmap(range);
        }
    }

    /// The address of a block of a size that [`large`] gives, and whether it is all zeros; none where the system gives none.
    fn block(&self, size: usize) -> Option<(usize, bool)> {
        let again = self.spare.lock().begin(size);
        if let Some(at) = again {
            return Some((at, false));
        }
        self.free(Spare::too_much);
        let at = map(size).or_else(|| {
            self.give_back();
            map(size)
        });
        if at.is_none() {
            self.spare.lock().failed(size);
        }
        at.map(|at| (at, true))
    }
}

/// Zeros from the system.
#[cfg(unix)]
fn map(size: usize) -> Option<usize> {
    // SAFETY: it asks for new memory of its own, at no address in particular.
    let at = unsafe {
        libc::mmap(null_mut(), size, libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANON, -1, 0)
    };
    (at != libc::MAP_FAILED).then_some(at as usize)
}

#[cfg(unix)]
fn unmap(range: Range) {
    // SAFETY: all of a range that was spare is mapped memory of ours, and whoever took it out has it alone.
    unsafe { libc::munmap(range.at as *mut _, range.size) };
}

#[cfg(not(unix))]
fn map(_: usize) -> Option<usize> {
    None
}

#[cfg(not(unix))]
fn unmap(_: Range) {}

/// Smaller blocks are the C library's.
const LEAST: usize = 1 << 20;
/// Larger ones are its, too: they are few, and what they were for is over when they are freed.
const MOST: usize = 256 << 20;
/// Blocks are whole pages: nowhere are those larger.
const PAGE: usize = 64 << 10;

/// The size of the block that stands for a layout, where that is a large one: nowhere but on Unix, where parts of what was mapped can
/// be given back.
fn large(layout: Layout) -> Option<usize> {
    // Every system's pages are at least so large, and blocks lie on pages.
    let is_large = cfg!(unix) && (LEAST..=MOST).contains(&layout.size()) && layout.align() <= 4096;
    is_large.then(|| layout.size().next_multiple_of(PAGE))
}

// SAFETY: a layout is either `System`'s, which keeps the contract, or a large one, and `large` says which by the layout alone. A large one
// has a block of mapped memory of at least its size, that begins on a page. Memory is spare from when a block is freed until it is
// taken out, and whoever takes it out has it alone: the list is locked. Nothing here panics or allocates; what a contended lock
// allocates is small, and is asked for without the lock.
unsafe impl GlobalAlloc for Reused {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        match large(layout) {
            Some(size) => self.block(size).map_or(null_mut(), |(at, _)| at as *mut u8),
            // SAFETY: as the caller sees to.
            None => unsafe { System.alloc(layout) },
        }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        let Some(size) = large(layout) else {
            // SAFETY: as the caller sees to.
            return unsafe { System.alloc_zeroed(layout) };
        };
        let Some((at, zeros)) = self.block(size) else { return null_mut() };
        let at = at as *mut u8;
        if !zeros {
            // SAFETY: the block has at least the wanted size, and nobody else uses it.
            unsafe { at.write_bytes(0, layout.size()) };
        }
        at
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        let Some(size) = large(layout) else {
            // SAFETY: as the caller sees to.
            return unsafe { System.dealloc(at, layout) };
        };
        let gone = self.spare.lock().keep(Range { at: at as usize, size });
        if let Some(gone) = gone {
            unmap(gone);
        }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        let Ok(wanted) = Layout::from_size_align(size, layout.align()) else { return null_mut() };
        match (large(layout), large(wanted)) {
            // SAFETY: as the caller sees to.
            (None, None) => unsafe { System.realloc(at, layout, size) },
            (from, to) if from == to => at,
            // SAFETY: as the caller sees to for both layouts; both have the bytes that are copied.
            _ => unsafe {
                let new = self.alloc(wanted);
                if !new.is_null() {
                    new.copy_from_nonoverlapping(at, layout.size().min(size));
                    self.dealloc(at, layout);
                }
                new
            },
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::hint::black_box;

    use super::*;

    const MB: usize = 1 << 20;

    fn layout(size: usize) -> Layout {
        Layout::from_size_align(size, 8).unwrap()
    }

    /// The bytes of a block that was asked for by `layout(size)`.
    fn bytes<'a>(at: *mut u8, size: usize) -> &'a mut [u8] {
        assert!(!at.is_null());
        // SAFETY: it has so many bytes, which the caller filled or had cleared, and no one else has it.
        unsafe { std::slice::from_raw_parts_mut(at, size) }
    }

    #[test]
    fn large_blocks_are_had_again_until_they_are_given_back() {
        let memory = Reused::new();
        // SAFETY: each block is freed once, by the layout that it has.
        unsafe {
            let first = memory.alloc_zeroed(layout(3 * MB));
            bytes(first, 3 * MB).fill(7);
            memory.dealloc(first, layout(3 * MB));
            assert_eq!(memory.kept(), 3 * MB);
            let again = memory.alloc_zeroed(layout(2 * MB + 1));
            assert_eq!((again, memory.kept()), (first, MB - PAGE));
            assert!(bytes(again, 2 * MB + 1).iter().all(|byte| *byte == 0), "it is cleared");
            // Two of those together are more than was ever used, so that what is kept makes way.
            let second = memory.alloc_zeroed(layout(2 * MB));
            assert_eq!(memory.kept(), 0);
            assert!(bytes(second, 2 * MB).iter().all(|byte| *byte == 0));
            memory.dealloc(again, layout(2 * MB + 1));
            memory.dealloc(second, layout(2 * MB));
            assert_eq!(memory.kept(), 4 * MB + PAGE);
            memory.give_back();
            assert_eq!(memory.kept(), 0);
        }
    }

    #[test]
    fn what_is_in_a_block_stays_when_it_grows_and_shrinks() {
        let memory = Reused::new();
        let sizes = [100, MB - 1, MB, MB + 10, 5 * MB, 3 * MB, MOST, MOST + 1, 2 * MB, 50];
        // SAFETY: the block is grown and freed by the layout that it has.
        unsafe {
            let mut at = memory.alloc(layout(10));
            bytes(at, 10).copy_from_slice(b"0123456789");
            let mut size = 10;
            for wanted in sizes {
                at = memory.realloc(at, layout(size), wanted);
                size = wanted;
                assert_eq!(&bytes(at, 10)[..], b"0123456789", "{size}");
            }
            memory.dealloc(at, layout(size));
        }
        memory.give_back();
        assert_eq!(memory.kept(), 0);
    }

    #[test]
    fn what_the_system_does_not_give_is_none_and_small_blocks_and_strict_ones_are_the_systems() {
        let memory = Reused::new();
        let strict = Layout::from_size_align(2 * MB, 1 << 16).unwrap();
        // SAFETY: each block is freed once, by the layout that it has.
        unsafe {
            for layout in [layout(MB - 1), layout(MOST + 1), strict] {
                let at = memory.alloc(layout);
                assert!(!at.is_null() && at.addr().is_multiple_of(layout.align()));
                memory.dealloc(at, layout);
                assert_eq!(memory.kept(), 0, "{layout:?}");
            }
            // An optimiser may take an allocation that nothing else looks at for one that succeeded.
            assert!(black_box(memory.alloc(layout(isize::MAX as usize - 7))).is_null());
        }
    }
}
