//! Pages of lists.

use crate::grpc::request::Fields;

const DEFAULT_PAGE: u32 = 50;
const LONGEST_PAGE: u32 = 1000;

/// How long the page asked for is.
#[derive(Debug, Clone, Copy)]
pub(in crate::grpc) struct Page(u32);

impl Page {
    /// Reads `page_size`.
    pub(in crate::grpc) fn read(fields: &mut Fields, page_size: i32) -> Self {
        match u32::try_from(page_size) {
            Ok(0) => Self(DEFAULT_PAGE),
            Ok(size) => Self(size.min(LONGEST_PAGE)),
            Err(_) => {
                fields.violation("page_size", "must not be negative");
                Self(DEFAULT_PAGE)
            }
        }
    }

    /// How many items it holds.
    pub(in crate::grpc) fn size(self) -> u32 {
        self.0
    }

    /// How many to read: one more than asked for tells whether there is another page.
    pub(in crate::grpc) fn to_read(self) -> u32 {
        self.0 + 1
    }

    /// Cuts what was read to the page, and writes the token of the next one, if there is one, of its last item.
    pub(in crate::grpc) fn cut<T>(self, items: &mut Vec<T>, token: impl FnOnce(&T) -> String) -> String {
        let more = items.len() > self.0 as usize;
        items.truncate(self.0 as usize);
        items.last().filter(|_| more).map(token).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_the_size_of_the_contract() {
        for (asked, size) in [(0, 50), (1, 1), (1000, 1000), (1001, 1000)] {
            assert_eq!(Page::read(&mut Fields::default(), asked).0, size);
        }
        let mut fields = Fields::default();
        Page::read(&mut fields, -1);
        assert!(fields.finish(Some(())).is_err());
    }

    #[test]
    fn only_a_page_that_was_cut_has_a_next_one() {
        let cut = |count: u32| {
            let mut items: Vec<u32> = (0..count).collect();
            let token = Page(2).cut(&mut items, u32::to_string);
            (items.len(), token)
        };
        assert_eq!(cut(3), (2, "1".to_owned()));
        assert_eq!(cut(2), (2, String::new()));
        assert_eq!(cut(0), (0, String::new()));
    }
}
