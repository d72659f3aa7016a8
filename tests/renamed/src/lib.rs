//! The attribute in a crate that calls breaker-runtime by another name, or knows it through a facade.

#[cfg(test)]
mod facade {
    pub(crate) use resilience as breaker;
}

#[cfg(test)]
mod tests {
    use resilience::{circuit_breaker, registry};

    #[circuit_breaker(name = "renamed", crate = ::resilience, fallback = 2, failures = panics)]
    fn renamed() -> u8 {
        1
    }

    #[circuit_breaker(name = "re-exported", crate = crate::facade::breaker)]
    async fn re_exported() -> Option<u8> {
        Some(1)
    }

    #[test]
    fn d36_the_runtime_may_go_by_another_name() {
        assert_eq!(renamed(), 1);
        drop(re_exported());
        let names: Vec<_> = registry().circuits().iter().map(|c| c.name().to_owned()).collect();
        assert_eq!(names, ["re-exported", "renamed"]);
    }
}
