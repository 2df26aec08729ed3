//! Whole numbers on the command line, refused in words.

use std::ops::RangeInclusive;

/// A whole number of this range.
pub(super) fn whole<T: TryFrom<u64>>(text: &str, range: RangeInclusive<u64>) -> Result<T, String> {
    let (least, most) = range.clone().into_inner();
    let number = text.parse().ok().filter(|number| range.contains(number));
    number.and_then(|number| T::try_from(number).ok()).ok_or_else(|| match most {
        u64::MAX => format!("a whole number, {least} or more, is expected"),
        most => format!("a whole number from {least} to {most} is expected"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_number_of_the_range_is_refused_in_words() {
        assert_eq!(whole::<u16>("1000", 0..=1000), Ok(1000));
        for text in ["1001", "-1", "x", "", "1.5", "99999999999999999999"] {
            let expect = Err("a whole number from 0 to 1000 is expected".to_owned());
            assert_eq!(whole::<u16>(text, 0..=1000), expect, "{text}");
        }
        let expect = Err("a whole number, 1 or more, is expected".to_owned());
        assert_eq!(whole::<u64>("0", 1..=u64::MAX), expect);
    }
}
