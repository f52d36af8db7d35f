//! What the derives share: attribute values, doc comments, names in words.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{
    Attribute, Expr, ExprArray, ExprLit, Fields, FieldsNamed, Ident, Lit, LitBool, LitStr, Meta, meta::ParseNestedMeta,
    spanned::Spanned,
};

/// The doc comment as one text: lines joined by spaces, paragraphs by a line break.
pub(crate) fn doc(attrs: &[Attribute]) -> String {
    let mut text = String::new();
    let mut paragraph = false;
    for attr in attrs {
        let Meta::NameValue(pair) = &attr.meta else { continue };
        if !pair.path.is_ident("doc") {
            continue;
        }
        let Expr::Lit(ExprLit { lit: Lit::Str(line), .. }) = &pair.value else { continue };
        let line = line.value();
        let line = line.trim();
        if line.is_empty() {
            paragraph = true;
            continue;
        }
        if !text.is_empty() {
            text.push(if paragraph { '\n' } else { ' ' });
        }
        paragraph = false;
        text.push_str(line);
    }
    text
}

/// Runs `key` for each entry of every `#[name(…)]`.
pub(crate) fn entries(
    attrs: &[Attribute],
    name: &str,
    mut key: impl FnMut(&str, &ParseNestedMeta<'_>) -> syn::Result<bool>,
) -> syn::Result<()> {
    for attr in attrs.iter().filter(|a| a.path().is_ident(name)) {
        attr.parse_nested_meta(|entry| {
            let ident = entry.path.get_ident().map(ToString::to_string).unwrap_or_default();
            if key(&ident, &entry)? { Ok(()) } else { Err(entry.error(format!("`{name}` knows no `{ident}`"))) }
        })?;
    }
    Ok(())
}

/// `key = "text"`
pub(crate) fn text(entry: &ParseNestedMeta<'_>) -> syn::Result<String> {
    Ok(entry.value()?.parse::<LitStr>()?.value())
}

/// `key` or `key = true`
pub(crate) fn flag(entry: &ParseNestedMeta<'_>) -> syn::Result<bool> {
    if entry.input.peek(syn::Token![=]) { Ok(entry.value()?.parse::<LitBool>()?.value) } else { Ok(true) }
}

/// `key = expression`; a text literal becomes a `String`.
pub(crate) fn value(entry: &ParseNestedMeta<'_>) -> syn::Result<TokenStream> {
    let expr: Expr = entry.value()?.parse()?;
    Ok(match &expr {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => quote!(::std::string::String::from(#text)),
        _ => quote!(#expr),
    })
}

/// `key = low..=high`
pub(crate) fn range(entry: &ParseNestedMeta<'_>) -> syn::Result<TokenStream> {
    let expr: Expr = entry.value()?.parse()?;
    if let Expr::Range(range) = &expr
        && let (Some(low), Some(high), syn::RangeLimits::Closed(_)) = (&range.start, &range.end, &range.limits)
    {
        return Ok(quote!((#low, #high)));
    }
    Err(syn::Error::new(expr.span(), "a range with both ends in it, such as 0.0..=1.0"))
}

/// `key = [Filter, General]`
pub(crate) fn contexts(entry: &ParseNestedMeta<'_>) -> syn::Result<TokenStream> {
    let list: ExprArray = entry.value()?.parse()?;
    let names = list.elems.iter().map(|e| match e {
        Expr::Path(path) => path.path.segments.last().map(|s| s.ident.clone()).ok_or_else(|| not_a_context(e)),
        _ => Err(not_a_context(e)),
    });
    let names = names.collect::<syn::Result<Vec<Ident>>>()?;
    Ok(quote!(&[#(::ofx::Context::#names),*]))
}

fn not_a_context(expr: &Expr) -> syn::Error {
    syn::Error::new(expr.span(), "a context, such as Filter")
}

/// The fields of a struct with named ones.
pub(crate) fn named_fields(input: &syn::DeriveInput) -> syn::Result<&FieldsNamed> {
    if let syn::Data::Struct(data) = &input.data
        && let Fields::Named(fields) = &data.fields
        && input.generics.params.is_empty()
    {
        return Ok(fields);
    }
    Err(syn::Error::new(input.ident.span(), "this derive is for structs with named fields and no generics"))
}

/// A name in words: `source_file` and `SourceFile` become `Source file`.
pub(crate) fn words(name: &str) -> String {
    let name = name.trim_start_matches("r#");
    let mut text = String::new();
    let mut before = ' ';
    for c in name.chars() {
        if c == '_' {
            text.push(' ');
        } else if c.is_uppercase() && (before.is_lowercase() || before.is_ascii_digit()) {
            text.push(' ');
            text.extend(c.to_lowercase());
        } else if text.is_empty() {
            text.extend(c.to_uppercase());
        } else {
            text.push(c);
        }
        before = c;
    }
    text
}

/// A name in capitals: `source_from` becomes `SourceFrom`.
pub(crate) fn pascal(name: &str) -> String {
    let parts = name.trim_start_matches("r#").split('_').map(|part| {
        let mut chars = part.chars();
        chars.next().map(|c| c.to_uppercase().chain(chars).collect::<String>()).unwrap_or_default()
    });
    parts.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_words() {
        assert_eq!(words("source_file"), "Source file");
        assert_eq!(words("FlashFrames"), "Flash frames");
        assert_eq!(words("HDR"), "HDR");
        assert_eq!(words("r#type"), "Type");
        assert_eq!(pascal("source_from"), "SourceFrom");
    }

    #[test]
    fn doc_comments_keep_their_paragraphs() {
        let input: syn::DeriveInput = syn::parse_quote! {
            /// One
            /// sentence.
            ///
            /// Another.
            struct S;
        };
        assert_eq!(doc(&input.attrs), "One sentence.\nAnother.");
    }
}
