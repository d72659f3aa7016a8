//! Characters that must not be shown as they are: in messages, in tables, and in the names of people who give orders.

use unicode_properties::{GeneralCategoryGroup, UnicodeGeneralCategory as _};

/// Whether a terminal would obey the character, show nothing, or show a blank that is not a space.
#[must_use]
pub fn is_hidden(character: char) -> bool {
    match character {
        ' '..='~' => false,
        // Invisible, though they are letters or marks: fillers, joiners and selectors.
        '\u{34f}'
        | '\u{115f}'..='\u{1160}'
        | '\u{17b4}'..='\u{17b5}'
        | '\u{180b}'..='\u{180f}'
        | '\u{2800}'
        | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}'
        | '\u{ffa0}'
        | '\u{e0100}'..='\u{e01ef}' => true,
        // Control, format, private and unassigned characters; blanks and line ends.
        other => {
            use GeneralCategoryGroup::{Other, Separator};
            matches!(other.general_category_group(), Other | Separator)
        }
    }
}
