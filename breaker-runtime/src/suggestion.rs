//! The name that was meant by a misspelt one.

/// The most bytes that are compared of a name. Names of circuits are no longer.
const LONGEST: usize = crate::name::LONGEST;

/// The known name that takes the fewest changes, if these are few.
pub(crate) fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if name.len() > LONGEST {
        return None;
    }
    let most = (name.chars().count() + 1) / 3;
    let near = known.into_iter().filter_map(|known| {
        let distance = (name.len().abs_diff(known.len()) <= most * 4)
            .then(|| distance(name, known))
            .filter(|distance| *distance <= most)?;
        Some((distance, known))
    });
    near.min_by_key(|(distance, _)| *distance).map(|(_, known)| known)
}

/// The characters that are to be inserted, removed or replaced between one and the other.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<_> = other.chars().collect();
    let mut row: Vec<_> = (0..=other.len()).collect();
    for (line, char) in one.chars().enumerate() {
        let mut above_left = std::mem::replace(&mut row[0], line + 1);
        for (column, known) in other.iter().enumerate() {
            let above = row[column + 1];
            let replaced = above_left + usize::from(char != *known);
            row[column + 1] = replaced.min(above + 1).min(row[column] + 1);
            above_left = above;
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_distance_counts_insertions_removals_and_replacements() {
        let distances = [("", "", 0), ("", "abc", 3), ("kitten", "sitting", 3), ("ü", "u", 1)];
        for (one, other, expected) in distances {
            assert_eq!((distance(one, other), distance(other, one)), (expected, expected));
        }
    }

    #[test]
    fn the_nearest_name_is_near_or_none() {
        let known = ["payments", "paypal", "http/beta", "ü"];
        assert_eq!(nearest("paymnts", known), Some("payments"));
        assert_eq!(nearest("Payments", known), Some("payments"));
        assert_eq!(nearest("http/bets", known), Some("http/beta"));
        for far in ["inventory", "", "x", &"n".repeat(1 << 20)] {
            assert_eq!(nearest(far, known), None, "{far:.10}");
        }
    }
}
