//! `#[derive(Choice)]`

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Data, DeriveInput, Fields};

use crate::attr;

pub(crate) fn derive(input: DeriveInput) -> syn::Result<TokenStream> {
    let ident = &input.ident;
    let Data::Enum(data) = &input.data else {
        return Err(syn::Error::new(ident.span(), "a choice is an enum"));
    };
    if data.variants.is_empty() {
        return Err(syn::Error::new(ident.span(), "a choice has at least one option"));
    }
    let mut options = Vec::new();
    let mut variants = Vec::new();
    let mut names = Vec::new();
    for variant in &data.variants {
        if !matches!(variant.fields, Fields::Unit) {
            return Err(syn::Error::new(variant.ident.span(), "an option has no fields"));
        }
        let mut name = variant.ident.to_string();
        let mut label = attr::words(&name);
        attr::entries(&variant.attrs, "choice", |key, entry| {
            match key {
                "name" => name = attr::text(entry)?,
                "label" => label = attr::text(entry)?,
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        if names.contains(&name) {
            return Err(syn::Error::new(variant.ident.span(), "another option has this name"));
        }
        let hint = attr::doc(&variant.attrs);
        options.push(quote!(::ofx::plugin::ChoiceOption { name: #name, label: #label, hint: #hint }));
        names.push(name);
        variants.push(&variant.ident);
    }
    let indices = 0..variants.len();
    let indices_back = indices.clone();
    Ok(quote! {
        impl ::ofx::plugin::Choice for #ident {
            const OPTIONS: &'static [::ofx::plugin::ChoiceOption] = &[#(#options),*];

            fn index(self) -> usize {
                match self {
                    #(Self::#variants => #indices),*
                }
            }

            fn from_index(index: usize) -> ::std::option::Option<Self> {
                match index {
                    #(#indices_back => ::std::option::Option::Some(Self::#variants),)*
                    _ => ::std::option::Option::None,
                }
            }
        }
    })
}
