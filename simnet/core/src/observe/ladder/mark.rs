//! What a line of the drawing shows.

/// What a line shows between and on the lifelines.
#[derive(Clone, Copy, Debug)]
pub(super) enum Mark {
    /// An arrow between two columns.
    Arrow { from: usize, to: usize },
    /// An arrow whose packet ended on arrival.
    Refused { from: usize, to: usize },
    /// An arrow that does not arrive, towards the right or not.
    Lost { from: usize, right: bool },
    /// A decision in a column.
    Note { column: usize },
    /// Nothing: the text is the caller's.
    Remark,
}

impl Mark {
    /// Draws `columns` lifelines, `width` apart, and the mark over them.
    pub(super) fn draw(self, columns: usize, width: usize) -> String {
        let middle = |column: usize| column * width + width / 2;
        let mut row: Vec<char> = vec![' '; columns * width];
        let mut put = |at: usize, what: char| {
            if let Some(place) = row.get_mut(at) {
                *place = what;
            }
        };
        for column in 0..columns {
            put(middle(column), '|');
        }
        match self {
            Self::Arrow { from, to } | Self::Refused { from, to } => {
                let right = to >= from;
                let (low, high) = (middle(from.min(to)), middle(from.max(to)));
                for at in low + 1..high {
                    put(at, '-');
                }
                let refused = matches!(self, Self::Refused { .. });
                let head = match (refused, right) {
                    (true, _) => 'X',
                    (false, true) => '>',
                    (false, false) => '<',
                };
                match (from == to, right) {
                    (true, _) => put(middle(to), head),
                    (false, true) => put(high - 1, head),
                    (false, false) => put(low + 1, head),
                }
            }
            Self::Lost { from, right } => {
                let reach = width / 2 - 1;
                let start = middle(from);
                for step in 1..reach {
                    put(if right { start + step } else { start.saturating_sub(step) }, '-');
                }
                put(if right { start + reach } else { start.saturating_sub(reach) }, 'x');
            }
            Self::Note { column } => put(middle(column), '*'),
            Self::Remark => {}
        }
        row.into_iter().collect()
    }
}
