//! The static behind the function, and the circuit that a call goes through.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::ext::IdentExt as _;

use super::Guard;
use crate::function::argument::{Argument, borrowed};
use crate::spans::{call_at, ends, local, placed, respan, word};
use crate::spec::fallback::holds;

/// The limit on keys where none is stated.
const DEFAULT_KEYS: u32 = 1024;

impl Guard<'_> {
    /// The circuit of this call, if there are keys. It is held until the call ends.
    pub(super) fn circuit(&self) -> Option<TokenStream> {
        let (rt, key, site) = (&self.rt, self.spec.key.as_ref()?, self.site());
        let arguments = self.function.arguments.iter();
        let seen = arguments
            .filter(|argument| self.is_renamed(argument) && self.is_in_key(argument))
            .map(|Argument { attrs, pattern, ident, .. }| {
                let borrowed = borrowed(pattern);
                quote! { #(#attrs)* #[allow(unused_variables)] let #borrowed = &#ident; }
            });
        let (first, last) = ends(key);
        let find = respan(quote! { #rt::circuit_for }, first, last);
        let shown = respan(quote_spanned! { Span::mixed_site() => & }, first, first);
        let whole = call_at(&shown, key.to_token_stream(), last);
        let (shown, digits) = (local("key"), local("digits"));
        let text = quote! { |#shown, #digits| #rt::key_of(#shown).__breaker_text(#digits) };
        let found = call_at(&find, quote! { #site, #whole, #text }, last);
        let circuit = local("circuit");
        Some(quote! { let #circuit = { #(#seen)* let #circuit = #found; #circuit }; })
    }

    /// Whether the key uses the argument.
    pub(super) fn is_in_key(&self, argument: &Argument) -> bool {
        let key = self.spec.key.as_ref().map(ToTokens::to_token_stream).unwrap_or_default();
        argument.names.iter().any(|name| holds(key.clone(), &name.ident))
    }

    /// The circuit's name. The compiler checks it if it is a constant.
    fn name(&self) -> TokenStream {
        let (rt, name) = (&self.rt, &self.spec.name);
        if !name.is_constant() {
            return name.tokens.clone();
        }
        let ((first, last), has_keys) = (name.at, self.spec.key.is_some());
        let text = respan(quote! { &'static ::core::primitive::str }, first, last);
        let check = respan(quote! { #rt::name(__BREAKER_NAME, #has_keys) }, first, last);
        let value = &name.tokens;
        quote! { { const __BREAKER_NAME: #text = #value; #check } }
    }

    /// The static behind the function.
    ///
    /// Literals become one text, which takes the compiler little time and the program little room. If an option is a
    /// constant, name, config and keys stand beside the text.
    pub(super) fn site(&self) -> TokenStream {
        let (rt, spec) = (&self.rt, self.spec);
        let make = word(match spec.key {
            Some(_) => "keyed_site",
            None if self.function.returns_stream() => "shared_site",
            None => "site",
        });
        if let Some(text) = self.text() {
            return quote! { #rt::#make!(#text) };
        }
        let (text, name, max_keys) = (self.described(["", "", ""]), self.name(), self.max_keys());
        let config = self.config();
        if !self.has_constant_options() {
            return quote! { #rt::#make!(#text, #name, #config, #max_keys) };
        }
        // Every option is checked: a constant may make another option wrong, even a literal.
        let settings = &spec.settings;
        let parts = settings.iter().map(|setting| (setting.option, setting.value.at));
        let parts = parts.chain(spec.config.iter().map(|config| ("config", config.at)));
        let checks = parts.map(|(part, (first, last))| {
            let check = if spec.config.is_some() {
                let beside = settings.iter().map(|setting| setting.option);
                quote! { #rt::check_beside(&__BREAKER_CONFIG, &[#(#beside),*], #part) }
            } else {
                quote! { #rt::check(&__BREAKER_CONFIG, #part) }
            };
            let check = respan(check, first, last);
            quote! { const _: () = #check; }
        });
        let begin = spec.config.as_ref().map(|config| {
            let ty = respan(quote! { #rt::Config }, config.at.0, config.at.1);
            let value = &config.tokens;
            quote! { const __BREAKER_BEGIN: #ty = #value; }
        });
        quote! {
            {
                #begin
                const __BREAKER_CONFIG: #rt::Config = #config;
                #(#checks)*
                #rt::#make!(#text, #name, __BREAKER_CONFIG, #max_keys)
            }
        }
    }

    /// Whether the compiler has to evaluate the config.
    fn has_constant_options(&self) -> bool {
        self.spec.config.is_some()
            || self.spec.settings.iter().any(|setting| setting.value.is_constant())
    }

    /// What the site states, if it is all literals.
    pub(super) fn text(&self) -> Option<String> {
        let spec = self.spec;
        if spec.config.is_some() {
            return None;
        }
        let name = spec.name.text.as_deref()?;
        let settings = spec.settings.iter().map(|setting| {
            setting.value.text.as_ref().map(|text| format!("{}={text}", setting.option))
        });
        let settings = settings.collect::<Option<Vec<_>>>()?.join(",");
        let max_keys = match (&spec.key, &spec.max_keys) {
            (None, _) => String::new(),
            (_, None) => DEFAULT_KEYS.to_string(),
            (_, Some(max_keys)) => max_keys.text.clone()?,
        };
        Some(self.described([name, &settings, &max_keys]))
    }

    /// The text of a site. The runtime appends where it is.
    fn described(&self, stated: [&str; 3]) -> String {
        let function = self.function.signature.ident.unraw().to_string();
        let [name, settings, max_keys] = stated;
        format!("{name}\0{settings}\0{max_keys}\0{function}\0")
    }

    fn config(&self) -> TokenStream {
        let (rt, spec) = (&self.rt, self.spec);
        let begin = if spec.config.is_some() {
            quote! { __BREAKER_BEGIN }
        } else {
            quote! { #rt::Config::new() }
        };
        spec.settings.iter().fold(begin, |config, setting| {
            let value = &setting.value.tokens;
            let Some(setter) = setting.setter else {
                let (first, last) = setting.value.at;
                let length = placed("length", first);
                let unit = respan(quote! { #rt::unit_of(&#length) }, first, last);
                return quote! { { let #length = #value; #unit.window(#config, #length) } };
            };
            let setter = word(setter);
            quote! { #config.#setter(#value) }
        })
    }

    /// The limit on keys; 0 without any. The compiler checks it if it is a constant.
    fn max_keys(&self) -> TokenStream {
        let (rt, spec) = (&self.rt, self.spec);
        match (&spec.key, &spec.max_keys) {
            (None, _) => quote! { 0 },
            (_, None) => DEFAULT_KEYS.to_token_stream(),
            (_, Some(max)) => {
                let (first, last) = max.at;
                let check = respan(quote! { #rt::max_keys }, first, first);
                call_at(&check, max.tokens.clone(), last)
            }
        }
    }
}
