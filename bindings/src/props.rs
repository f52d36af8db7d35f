//! The standard's property, action, suite and value names as C strings, under the names that code reads by.
//!
//! Every constant comes from `openfx::sys`, because some of the standard's macros differ from their strings.
