//! The minimising delta debugging of Zeller and Hildebrandt.

/// Finds few of `count` things that `fails` still needs. It is asked with what is kept, and what it
/// agreed to stays gone.
pub(super) fn minimise(count: usize, fails: &mut dyn FnMut(&[bool]) -> bool) {
    let mut keep = vec![true; count];
    let mut size = count;
    while size > 0 {
        let mut helped = false;
        let mut start = 0;
        while start < count {
            let mut candidate = keep.clone();
            for kept in candidate.iter_mut().skip(start).take(size) {
                *kept = false;
            }
            if candidate != keep && fails(&candidate) {
                keep = candidate;
                helped = true;
            }
            start += size;
        }
        // What could not go alone may go once others are gone.
        if !(helped && size == 1) {
            size /= 2;
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::one(&[17])]
    #[case::two_far_apart(&[0, 63])]
    #[case::three(&[5, 6, 40])]
    #[case::none(&[])]
    fn exactly_what_is_needed_is_left(#[case] needed: &[usize]) {
        let mut left = vec![true; 64];
        let mut tried = 0;
        minimise(64, &mut |keep| {
            tried += 1;
            let fails = needed.iter().all(|at| keep[*at]);
            if fails {
                left = keep.to_vec();
            }
            fails
        });
        let left: Vec<_> = (0..64).filter(|at| left[*at]).collect();
        assert_eq!(left, needed);
        assert!(tried < 300, "{tried}");
    }

    #[test]
    fn what_depends_on_others_goes_after_them() {
        // Each may go only once all after it are gone.
        let mut left = vec![true; 12];
        minimise(12, &mut |keep| {
            let last = keep.iter().rposition(|kept| *kept).map_or(0, |at| at + 1);
            let fails = keep[..last].iter().all(|kept| *kept);
            if fails {
                left = keep.to_vec();
            }
            fails
        });
        assert!(left.iter().all(|kept| !kept));
    }
}
