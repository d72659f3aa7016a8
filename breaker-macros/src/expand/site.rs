//! The static behind the function, and the circuit that a call goes through.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};

use super::Guard;
use crate::function::argument::{Argument, borrowed};
use crate::spans::{call_at, ends, local, placed, respan, word};
use crate::spec::fallback::holds;

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
        let found = call_at(&find, quote! { #site, #whole }, last);
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
        if !name.is_constant {
            return name.tokens.clone();
        }
        let ((first, last), has_keys) = (name.at, self.spec.key.is_some());
        let text = respan(quote! { &'static ::core::primitive::str }, first, last);
        let check = respan(quote! { #rt::name(__BREAKER_NAME, #has_keys) }, first, last);
        let value = &name.tokens;
        quote! { { const __BREAKER_NAME: #text = #value; #check } }
    }

    /// The static behind the function.
    pub(super) fn site(&self) -> TokenStream {
        let (rt, spec) = (&self.rt, self.spec);
        let (name, settings) = (self.name(), &spec.settings);
        let function = self.function.signature.ident.to_string();
        let function = function.trim_start_matches("r#");
        let begin = if spec.config.is_some() {
            quote! { __BREAKER_BEGIN }
        } else {
            quote! { #rt::Config::new() }
        };
        let config = settings.iter().fold(begin, |config, setting| {
            let value = &setting.value.tokens;
            let Some(setter) = setting.setter else {
                let (first, last) = setting.value.at;
                let length = placed("length", first);
                let unit = respan(quote! { #rt::unit_of(&#length) }, first, last);
                return quote! { { let #length = #value; #unit.window(#config, #length) } };
            };
            let setter = word(setter);
            quote! { #config.#setter(#value) }
        });
        let keyed = spec.key.as_ref().map(|_| {
            let max_keys = spec.max_keys.as_ref().map_or(quote! { 1024 }, |max| {
                let (first, last) = max.at;
                let check = respan(quote! { #rt::max_keys }, first, first);
                call_at(&check, max.tokens.clone(), last)
            });
            quote! { , keyed = #max_keys }
        });
        if spec.config.is_none() && !settings.iter().any(|setting| setting.value.is_constant) {
            return quote! { #rt::site!(#name, #function, #config #keyed) };
        }
        // Every option is checked: a constant may make another option wrong, even a literal.
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
                #rt::site!(#name, #function, __BREAKER_CONFIG #keyed)
            }
        }
    }
}
