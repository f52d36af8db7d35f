//! `#[derive(Params)]`

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{DeriveInput, Field, Ident, Type};

use crate::attr;

/// The pieces of the generated code, one per field each.
#[derive(Default)]
struct Output {
    specs: Vec<TokenStream>,
    reads: Vec<TokenStream>,
    defaults: Vec<TokenStream>,
    ids: Vec<TokenStream>,
}

pub(crate) fn derive(input: DeriveInput) -> syn::Result<TokenStream> {
    let ident = &input.ident;
    let vis = &input.vis;
    let mut out = Output::default();
    let mut seen = Vec::new();
    for field in &attr::named_fields(&input)?.named {
        let Some(name) = &field.ident else { continue };
        let has = |what: &str| field.attrs.iter().any(|a| a.path().is_ident(what));
        let kinds = ["param", "group", "flatten"].into_iter().filter(|what| has(what)).count();
        if kinds > 1 {
            return Err(syn::Error::new(name.span(), "a field is one of a parameter, a group and a flattened struct"));
        }
        let id = if has("flatten") {
            nested(field, name, &quote!(parent), &mut out);
            continue;
        } else if has("group") {
            group(field, name, &mut out)?
        } else {
            param(field, name, vis, &mut out)?
        };
        if seen.contains(&id) {
            return Err(syn::Error::new(name.span(), format!("another parameter has the id `{id}`")));
        }
        seen.push(id);
    }
    let Output { specs, reads, defaults, ids } = out;
    Ok(quote! {
        #[allow(dead_code)]
        impl #ident {
            #(#ids)*
        }

        impl ::std::default::Default for #ident {
            fn default() -> Self {
                Self { #(#defaults),* }
            }
        }

        impl ::ofx::plugin::Params for #ident {
            fn specs_into(
                parent: ::std::option::Option<&'static str>,
                specs: &mut ::std::vec::Vec<::ofx::plugin::ParamSpec>,
            ) {
                let _ = (&parent, &specs);
                #(#specs)*
            }

            fn read(from: &::ofx::plugin::ParamReader<'_>) -> ::ofx::plugin::Result<Self> {
                let _ = from;
                ::std::result::Result::Ok(Self { #(#reads),* })
            }
        }
    })
}

fn group(field: &Field, name: &Ident, out: &mut Output) -> syn::Result<String> {
    let mut id = name.to_string().trim_start_matches("r#").to_owned();
    let mut label = None;
    let mut open = true;
    let mut shown_in = quote!(All);
    attr::entries(&field.attrs, "group", |key, entry| {
        match key {
            "id" => id = attr::text(entry)?,
            "label" => label = Some(attr::text(entry)?),
            "open" => open = attr::flag(entry)?,
            "shown_in" => shown_in = hosts(entry)?,
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    let label = label.unwrap_or_else(|| attr::words(&name.to_string()));
    let hint = attr::doc(&field.attrs);
    out.specs.push(quote! {
        specs.push(::ofx::plugin::ParamSpec {
            id: #id,
            label: #label,
            hint: #hint,
            kind: ::ofx::plugin::ParamKind::Group { open: #open },
            animates: false,
            integrates: false,
            redraws: false,
            secret: false,
            shown_in: ::ofx::plugin::ShownIn::#shown_in,
            mlt_id: ::std::option::Option::None,
            parent,
            only: &[],
        });
    });
    nested(field, name, &quote!(::std::option::Option::Some(#id)), out);
    Ok(id)
}

/// The parameters of another struct, under `parent`.
fn nested(field: &Field, name: &Ident, parent: &TokenStream, out: &mut Output) {
    let ty = &field.ty;
    out.specs.push(quote!(<#ty as ::ofx::plugin::Params>::specs_into(#parent, specs);));
    out.reads.push(quote!(#name: <#ty as ::ofx::plugin::Params>::read(from)?));
    out.defaults.push(quote!(#name: ::std::default::Default::default()));
}

fn param(field: &Field, name: &Ident, vis: &syn::Visibility, out: &mut Output) -> syn::Result<String> {
    let ty = &field.ty;
    let mut id = name.to_string().trim_start_matches("r#").to_owned();
    let mut label = None;
    let (mut animates, mut integrates, mut secret, mut redraws) = (false, false, false, true);
    let (mut only, mut shown_in) = (quote!(&[]), quote!(All));
    let mut mlt_id = quote!(::std::option::Option::None);
    let (mut default, mut ranged) = (None, false);
    let mut settings = Vec::new();
    attr::entries(&field.attrs, "param", |key, entry| {
        let some = |value: TokenStream| quote!(::std::option::Option::Some(#value));
        match key {
            "id" => id = attr::text(entry)?,
            "label" => label = Some(attr::text(entry)?),
            "animates" => animates = attr::flag(entry)?,
            "integrates" => integrates = attr::flag(entry)?,
            "secret" => secret = attr::flag(entry)?,
            "redraws" => redraws = attr::flag(entry)?,
            "shown_in" => shown_in = hosts(entry)?,
            "mlt_id" => {
                let id = attr::text(entry)?;
                mlt_id = some(quote!(#id));
            }
            "only" => only = attr::contexts(entry)?,
            "default" => {
                let value = attr::value(entry)?;
                let wrapped = some(value.clone());
                settings.push(quote!(default: #wrapped));
                default = Some(value);
            }
            "range" => {
                let wrapped = some(attr::range(entry)?);
                settings.push(quote!(range: #wrapped));
                ranged = true;
            }
            "display" => {
                let wrapped = some(attr::range(entry)?);
                settings.push(quote!(display: #wrapped));
            }
            "digits" => {
                let wrapped = some(attr::value(entry)?);
                settings.push(quote!(digits: #wrapped));
            }
            "increment" => {
                let wrapped = some(attr::value(entry)?);
                settings.push(quote!(increment: #wrapped));
            }
            "text" => {
                let mode = match attr::text(entry)?.as_str() {
                    "single" => quote!(Single),
                    "multi" => quote!(Multi),
                    "file" => quote!(File),
                    "folder" => quote!(Folder),
                    "label" => quote!(Label),
                    _ => return Err(entry.error("\"single\", \"multi\", \"file\", \"folder\" or \"label\"")),
                };
                settings.push(quote!(text: ::ofx::plugin::TextMode::#mode));
            }
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    if is_number(ty) && !ranged {
        return Err(syn::Error::new(
            name.span(),
            "a number needs `range = low..=high`: a host may lock a slider that has none",
        ));
    }
    let label = label.unwrap_or_else(|| attr::words(&name.to_string()));
    let hint = attr::doc(&field.attrs);
    let constant = format_ident!("{}", name.to_string().trim_start_matches("r#").to_uppercase());
    let about = format!("The parameter `{id}`.");
    out.ids.push(quote! {
        #[doc = #about]
        #vis const #constant: ::ofx::plugin::ParamId<#ty> = ::ofx::plugin::ParamId::new(#id);
    });
    out.specs.push(quote! {
        specs.push(::ofx::plugin::ParamSpec {
            id: #id,
            label: #label,
            hint: #hint,
            kind: <#ty as ::ofx::plugin::Value>::kind(::ofx::plugin::ParamField {
                #(#settings,)*
                ..::std::default::Default::default()
            }),
            animates: #animates,
            integrates: #integrates,
            redraws: #redraws && <#ty as ::ofx::plugin::Value>::HAS_VALUE,
            secret: #secret,
            shown_in: ::ofx::plugin::ShownIn::#shown_in,
            mlt_id: #mlt_id,
            parent,
            only: #only,
        });
    });
    out.reads.push(quote!(#name: from.get(Self::#constant)?));
    let default = default.unwrap_or_else(|| quote!(::std::default::Default::default()));
    out.defaults.push(quote!(#name: #default));
    Ok(id)
}

/// The hosts that show a parameter, as `ShownIn` names them.
fn hosts(entry: &syn::meta::ParseNestedMeta<'_>) -> syn::Result<TokenStream> {
    Ok(match attr::text(entry)?.as_str() {
        "alone" => quote!(Alone),
        "telling" => quote!(Telling),
        "filing" => quote!(Filing),
        _ => return Err(entry.error("\"alone\", \"telling\" or \"filing\"")),
    })
}

fn is_number(ty: &Type) -> bool {
    if let Type::Array(array) = ty {
        return is_number(&array.elem);
    }
    let Type::Path(path) = ty else { return false };
    path.path.segments.last().is_some_and(|s| s.ident == "f64" || s.ident == "i32")
}
