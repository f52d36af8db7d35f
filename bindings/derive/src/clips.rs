//! `#[derive(Clips)]`

use proc_macro2::TokenStream;
use quote::quote;
use syn::DeriveInput;

use crate::attr;

pub(crate) fn derive(input: DeriveInput) -> syn::Result<TokenStream> {
    let ident = &input.ident;
    let mut specs = Vec::new();
    let mut fields = Vec::new();
    let mut names = Vec::new();
    for field in &attr::named_fields(&input)?.named {
        let Some(field_ident) = &field.ident else { continue };
        let mut name = attr::pascal(&field_ident.to_string());
        let mut label = None;
        let (mut optional, mut mask) = (false, false);
        let (mut optional_in, mut only) = (quote!(&[]), quote!(&[]));
        attr::entries(&field.attrs, "clip", |key, entry| {
            match key {
                "name" => name = attr::text(entry)?,
                "label" => label = Some(attr::text(entry)?),
                "optional" => optional = attr::flag(entry)?,
                "mask" => mask = attr::flag(entry)?,
                "optional_in" => optional_in = attr::contexts(entry)?,
                "only" => only = attr::contexts(entry)?,
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        if names.contains(&name) {
            return Err(syn::Error::new(field_ident.span(), "another clip has this name"));
        }
        let label = label.unwrap_or_else(|| attr::words(&name));
        let hint = attr::doc(&field.attrs);
        specs.push(quote! {
            ::ofx::plugin::ClipSpec {
                name: #name,
                label: #label,
                hint: #hint,
                optional: #optional,
                optional_in: #optional_in,
                only: #only,
                mask: #mask,
            }
        });
        fields.push(field_ident);
        names.push(name);
    }
    if !names.iter().any(|name| name == "Output") {
        return Err(syn::Error::new(ident.span(), "one clip is named Output: `output: ofx::Clip`"));
    }
    let places = 0..fields.len();
    Ok(quote! {
        impl ::ofx::plugin::Clips for #ident {
            const SPECS: &'static [::ofx::plugin::ClipSpec] = &[#(#specs),*];

            fn new() -> Self {
                let clips = Self { #(#fields: ::ofx::plugin::Clip::at(#places)),* };
                // A clip may be declared for the host alone, as the output is: that is no dead code.
                let _ = (#(&clips.#fields,)*);
                clips
            }
        }
    })
}
