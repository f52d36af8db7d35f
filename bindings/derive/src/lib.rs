//! Derive macros for the `ofx` crate; each is documented at the trait of its name there.

mod attr;
mod choice;
mod clips;
mod params;

use proc_macro::TokenStream;

/// An enum whose variants are the options of a choice parameter.
#[proc_macro_derive(Choice, attributes(choice))]
pub fn derive_choice(input: TokenStream) -> TokenStream {
    run(input, choice::derive)
}

/// A struct whose fields are an effect's parameters.
#[proc_macro_derive(Params, attributes(param, group, flatten))]
pub fn derive_params(input: TokenStream) -> TokenStream {
    run(input, params::derive)
}

/// A struct whose fields are an effect's clips.
#[proc_macro_derive(Clips, attributes(clip))]
pub fn derive_clips(input: TokenStream) -> TokenStream {
    run(input, clips::derive)
}

fn run(input: TokenStream, derive: fn(syn::DeriveInput) -> syn::Result<proc_macro2::TokenStream>) -> TokenStream {
    syn::parse(input).and_then(derive).unwrap_or_else(|error| error.into_compile_error()).into()
}
