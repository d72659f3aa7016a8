//! Customers look at a product and buy it, over HTTP like everybody else.

use std::fmt;
use std::time::{Duration, Instant};

use reqwest::header::RETRY_AFTER;
use reqwest::{Client, StatusCode};

use crate::shop::{PayBy, Product};
use crate::world::PRODUCTS;

/// What happened to some customers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// They saw a product's page.
    pub pages: u32,
    /// Of these, pages with an old price.
    pub old_prices: u32,
    /// Of these, pages that promise the standard delivery.
    pub standard: u32,
    /// They bought, and paid by card.
    pub by_card: u32,
    /// They bought, and paid from an account.
    pub by_bank: u32,
    /// They were asked to come back: 503 with `Retry-After`.
    pub refused: u32,
    /// How long they waited to hear that, altogether.
    pub refused_time: Duration,
    /// Their checkout ended in some other way.
    pub failed: u32,
    /// How long they waited for that, altogether.
    pub failed_time: Duration,
    /// They saw no page.
    pub failed_pages: u32,
}

impl Tally {
    /// Adds what happened to others.
    pub fn add(&mut self, other: Self) {
        self.pages += other.pages;
        self.old_prices += other.old_prices;
        self.standard += other.standard;
        self.by_card += other.by_card;
        self.by_bank += other.by_bank;
        self.refused += other.refused;
        self.refused_time += other.refused_time;
        self.failed += other.failed;
        self.failed_time += other.failed_time;
        self.failed_pages += other.failed_pages;
    }

    /// How long a refused checkout took on average. `None` if there was none.
    #[must_use]
    pub fn refused_took(&self) -> Option<Duration> {
        self.refused_time.checked_div(self.refused)
    }

    /// How long a failed checkout took on average. `None` if there was none.
    #[must_use]
    pub fn failed_took(&self) -> Option<Duration> {
        self.failed_time.checked_div(self.failed)
    }
}

/// As in `40 pages seen; 31 sold; 9 told to come back later`. What did not happen is left out.
impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} pages seen", self.pages)?;
        if self.old_prices > 0 {
            write!(f, ", {} with an old price", self.old_prices)?;
        }
        if self.standard > 0 {
            write!(f, ", {} with standard delivery", self.standard)?;
        }
        write!(f, "; {} sold by card, {} by bank", self.by_card, self.by_bank)?;
        if self.refused > 0 {
            write!(f, "; {} told to come back later (503)", self.refused)?;
        }
        if self.failed > 0 {
            write!(f, "; {} checkouts failed", self.failed)?;
        }
        if self.failed_pages > 0 {
            write!(f, "; {} pages failed", self.failed_pages)?;
        }
        Ok(())
    }
}

/// A customer who visits the shop again and again. Every second one pays by card.
#[derive(Clone, Debug)]
pub struct Customer {
    shop: String,
    http: Client,
    number: usize,
}

impl Customer {
    /// Customers of the shop at that URL, who share their connections.
    #[must_use]
    pub fn crowd(shop: &str, count: usize) -> Vec<Self> {
        let http = Client::new();
        (0..count)
            .map(|number| Self { shop: shop.to_owned(), http: http.clone(), number })
            .collect()
    }

    /// Looks at a product, and buys one.
    pub async fn visit(&mut self) -> Tally {
        let (sku, _) = PRODUCTS[self.number % PRODUCTS.len()];
        let pay = if self.number.is_multiple_of(2) { PayBy::Card } else { PayBy::Bank };
        self.number += PRODUCTS.len();
        let mut tally = self.look(sku).await;
        tally.add(self.buy(sku, pay).await);
        tally
    }

    async fn look(&self, sku: &str) -> Tally {
        match self.page(sku).await {
            Ok(product) => Tally {
                pages: 1,
                old_prices: product.price.is_old.into(),
                standard: product.delivery.is_standard.into(),
                ..Tally::default()
            },
            Err(_) => Tally { failed_pages: 1, ..Tally::default() },
        }
    }

    async fn page(&self, sku: &str) -> reqwest::Result<Product> {
        let url = format!("{}/products/{sku}", self.shop);
        self.http.get(url).send().await?.error_for_status()?.json().await
    }

    async fn buy(&self, sku: &str, pay: PayBy) -> Tally {
        let word = match pay {
            PayBy::Card => "card",
            PayBy::Bank => "bank",
        };
        let url = format!("{}/checkout/{sku}?pay={word}", self.shop);
        let mut tally = Tally::default();
        let began = Instant::now();
        match self.http.post(url).send().await {
            Ok(answer) if answer.status().is_success() => match pay {
                PayBy::Card => tally.by_card = 1,
                PayBy::Bank => tally.by_bank = 1,
            },
            Ok(answer)
                if answer.status() == StatusCode::SERVICE_UNAVAILABLE
                    && answer.headers().contains_key(RETRY_AFTER) =>
            {
                tally.refused = 1;
                tally.refused_time = began.elapsed();
            }
            _ => {
                tally.failed = 1;
                tally.failed_time = began.elapsed();
            }
        }
        tally
    }
}
