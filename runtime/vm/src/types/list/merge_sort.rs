//! A stable, adaptive merge sort whose comparison may fail, and may be no order at all.
//!
//! Runs that are in order already are found (descending ones are turned around), short ones are extended by binary insertion, and
//! neighbours are merged in the order that powersort prescribes, which is nearly optimal for runs of any lengths (Munro and Wild,
//! "Nearly-Optimal Mergesorts", 2018). A merge gallops through stretches that come from one side, as timsort does. Whatever the
//! comparison answers, and when it fails, the slice holds a permutation of what it held.

/// Shorter runs are extended to this length.
const MIN_RUN: usize = 32;
/// A merge gallops after one side has won this often in a row.
const MIN_GALLOP: usize = 7;

/// Part of the slice that is in order.
#[derive(Clone, Copy)]
struct Run {
    start: usize,
    len: usize,
    /// How deep in the merge tree the boundary to the run before lies.
    power: u32,
}

/// Sorts `items` by `less`.
pub fn sort<T: Copy, E>(items: &mut [T], mut less: impl FnMut(T, T) -> Result<bool, E>) -> Result<(), E> {
    let n = items.len();
    let mut scratch = Vec::new();
    let mut runs: Vec<Run> = Vec::new();
    let mut start = 0;
    while start < n {
        let mut len = natural_run(&mut items[start..], &mut less)?;
        if len < MIN_RUN {
            let extended = MIN_RUN.min(n - start);
            insert_rest(&mut items[start..start + extended], len, &mut less)?;
            len = extended;
        }
        let power = runs.last().map_or(0, |last| node_power(last.start, last.len, len, n));
        while let [.., before, last] = *runs.as_slice()
            && last.power > power
        {
            runs.pop();
            merge_runs(items, before, last, &mut scratch, &mut less)?;
            runs.last_mut().expect("the merged run").len += last.len;
        }
        runs.push(Run { start, len, power });
        start += len;
    }
    while let [.., before, last] = *runs.as_slice() {
        runs.pop();
        merge_runs(items, before, last, &mut scratch, &mut less)?;
        runs.last_mut().expect("the merged run").len += last.len;
    }
    Ok(())
}

/// The depth in the ideal merge tree over `n` items of the boundary between two neighbouring runs: how many bits their middles, as
/// fractions of `n`, have in common, plus one.
fn node_power(start: usize, len: usize, next_len: usize, n: usize) -> u32 {
    let mut a = 2 * start + len;
    let mut b = a + len + next_len;
    let mut power = 0;
    loop {
        power += 1;
        if a >= n {
            a -= n;
            b -= n;
        } else if b >= n {
            return power;
        }
        a *= 2;
        b *= 2;
    }
}

/// The length of the run at the start; a strictly descending one is reversed.
fn natural_run<T: Copy, E>(items: &mut [T], less: &mut impl FnMut(T, T) -> Result<bool, E>) -> Result<usize, E> {
    let n = items.len();
    if n < 2 {
        return Ok(n);
    }
    let descending = less(items[1], items[0])?;
    let mut len = 2;
    while len < n && less(items[len], items[len - 1])? == descending {
        len += 1;
    }
    if descending {
        items[..len].reverse();
    }
    Ok(len)
}

/// Inserts the items behind the first `sorted` ones where they belong.
fn insert_rest<T: Copy, E>(items: &mut [T], sorted: usize, less: &mut impl FnMut(T, T) -> Result<bool, E>) -> Result<(), E> {
    for i in sorted..items.len() {
        let item = items[i];
        let (mut low, mut high) = (0, i);
        while low < high {
            let middle = low + (high - low) / 2;
            if less(item, items[middle])? {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        items.copy_within(low..i, low + 1);
        items[low] = item;
    }
    Ok(())
}

/// How many items at the start fulfil `before`, which is asked at distances that double.
fn gallop<T: Copy, E>(items: &[T], mut before: impl FnMut(T) -> Result<bool, E>) -> Result<usize, E> {
    let mut low = 0;
    let mut step = 1;
    while step <= items.len() && before(items[step - 1])? {
        low = step;
        step = step * 2 + 1;
    }
    let mut high = step.saturating_sub(1).min(items.len());
    while low < high {
        let middle = low + (high - low) / 2;
        if before(items[middle])? {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    Ok(low)
}

/// As [`gallop`], from the end: how many items at the end fulfil `after`.
fn gallop_back<T: Copy, E>(items: &[T], mut after: impl FnMut(T) -> Result<bool, E>) -> Result<usize, E> {
    let n = items.len();
    let mut low = 0;
    let mut step = 1;
    while step <= n && after(items[n - step])? {
        low = step;
        step = step * 2 + 1;
    }
    let mut high = step.saturating_sub(1).min(n);
    while low < high {
        let middle = low + (high - low) / 2;
        if after(items[n - 1 - middle])? {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    Ok(low)
}

/// Merges two neighbouring runs.
fn merge_runs<T: Copy, E>(
    items: &mut [T],
    left: Run,
    right: Run,
    scratch: &mut Vec<T>,
    less: &mut impl FnMut(T, T) -> Result<bool, E>,
) -> Result<(), E> {
    let items = &mut items[left.start..right.start + right.len];
    let middle = left.len;
    // What is in its place already: the start of the left run, the end of the right one.
    let first = items[middle];
    let skip = gallop(&items[..middle], |x| less(first, x).map(|less| !less))?;
    if skip == middle {
        return Ok(());
    }
    let last = items[middle - 1];
    let keep = gallop_back(&items[middle..], |x| less(x, last).map(|less| !less))?;
    let end = items.len() - keep;
    let items = &mut items[skip..end];
    let middle = middle - skip;
    scratch.clear();
    if middle <= items.len() - middle {
        scratch.extend_from_slice(&items[..middle]);
        Forwards { items, scratch, out: 0, left: 0, right: middle }.merge(less)
    } else {
        scratch.extend_from_slice(&items[middle..]);
        let (out, right) = (items.len(), scratch.len());
        Backwards { items, scratch, out, left: middle, right }.merge(less)
    }
}

/// A merge from the left: the left run is in `scratch`. The places from `out` to `right` are as many as are left of it.
struct Forwards<'a, T: Copy> {
    items: &'a mut [T],
    scratch: &'a [T],
    out: usize,
    left: usize,
    right: usize,
}

impl<T: Copy> Forwards<'_, T> {
    fn merge<E>(&mut self, less: &mut impl FnMut(T, T) -> Result<bool, E>) -> Result<(), E> {
        let result = self.advance(less);
        // On success and on failure what is left fills the gap.
        self.items[self.out..self.right].copy_from_slice(&self.scratch[self.left..]);
        result
    }

    fn take_left(&mut self, n: usize) {
        self.items[self.out..self.out + n].copy_from_slice(&self.scratch[self.left..self.left + n]);
        self.out += n;
        self.left += n;
    }

    fn take_right(&mut self, n: usize) {
        self.items.copy_within(self.right..self.right + n, self.out);
        self.out += n;
        self.right += n;
    }

    fn advance<E>(&mut self, less: &mut impl FnMut(T, T) -> Result<bool, E>) -> Result<(), E> {
        let mut min_gallop = MIN_GALLOP;
        loop {
            let (mut left_wins, mut right_wins) = (0, 0);
            while left_wins < min_gallop && right_wins < min_gallop {
                if self.left == self.scratch.len() || self.right == self.items.len() {
                    return Ok(());
                }
                if less(self.items[self.right], self.scratch[self.left])? {
                    self.take_right(1);
                    (left_wins, right_wins) = (0, right_wins + 1);
                } else {
                    self.take_left(1);
                    (left_wins, right_wins) = (left_wins + 1, 0);
                }
            }
            loop {
                if self.left == self.scratch.len() || self.right == self.items.len() {
                    return Ok(());
                }
                let item = self.items[self.right];
                let from_left = gallop(&self.scratch[self.left..], |x| less(item, x).map(|less| !less))?;
                self.take_left(from_left);
                if self.left == self.scratch.len() {
                    return Ok(());
                }
                let item = self.scratch[self.left];
                let from_right = gallop(&self.items[self.right..], |x| less(x, item))?;
                self.take_right(from_right);
                if from_left < MIN_GALLOP && from_right < MIN_GALLOP {
                    // It did not pay: be slower to try it again.
                    min_gallop += 1;
                    break;
                }
                min_gallop = min_gallop.saturating_sub(1).max(1);
            }
        }
    }
}

/// A merge from the right: the right run is in `scratch`. `left`, `right` and `out` are one past what is next; the places from `left` to
/// `out` are as many as are left in `scratch`.
struct Backwards<'a, T: Copy> {
    items: &'a mut [T],
    scratch: &'a [T],
    out: usize,
    left: usize,
    right: usize,
}

impl<T: Copy> Backwards<'_, T> {
    fn merge<E>(&mut self, less: &mut impl FnMut(T, T) -> Result<bool, E>) -> Result<(), E> {
        let result = self.advance(less);
        self.items[self.left..self.out].copy_from_slice(&self.scratch[..self.right]);
        result
    }

    fn take_left(&mut self, n: usize) {
        self.items.copy_within(self.left - n..self.left, self.out - n);
        self.out -= n;
        self.left -= n;
    }

    fn take_right(&mut self, n: usize) {
        self.items[self.out - n..self.out].copy_from_slice(&self.scratch[self.right - n..self.right]);
        self.out -= n;
        self.right -= n;
    }

    fn advance<E>(&mut self, less: &mut impl FnMut(T, T) -> Result<bool, E>) -> Result<(), E> {
        let mut min_gallop = MIN_GALLOP;
        loop {
            let (mut left_wins, mut right_wins) = (0, 0);
            while left_wins < min_gallop && right_wins < min_gallop {
                if self.left == 0 || self.right == 0 {
                    return Ok(());
                }
                if less(self.scratch[self.right - 1], self.items[self.left - 1])? {
                    self.take_left(1);
                    (left_wins, right_wins) = (left_wins + 1, 0);
                } else {
                    self.take_right(1);
                    (left_wins, right_wins) = (0, right_wins + 1);
                }
            }
            loop {
                if self.left == 0 || self.right == 0 {
                    return Ok(());
                }
                let item = self.scratch[self.right - 1];
                let from_left = gallop_back(&self.items[..self.left], |x| less(item, x))?;
                self.take_left(from_left);
                if self.left == 0 {
                    return Ok(());
                }
                let item = self.items[self.left - 1];
                let from_right = gallop_back(&self.scratch[..self.right], |x| less(x, item).map(|less| !less))?;
                self.take_right(from_right);
                if from_left < MIN_GALLOP && from_right < MIN_GALLOP {
                    min_gallop += 1;
                    break;
                }
                min_gallop = min_gallop.saturating_sub(1).max(1);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers that look random but are the same each time.
    fn noise(seed: u64) -> impl FnMut() -> u64 {
        let mut x = seed.wrapping_mul(2).wrapping_add(1);
        move || {
            x ^= x << 13;
            x ^= x >> 7;
            x ^= x << 17;
            x
        }
    }

    fn inputs() -> Vec<Vec<(u64, usize)>> {
        let mut all = Vec::new();
        for n in (0..70).chain([100, 500, 1000, 5000]) {
            let mut random = noise(n as u64 + 1);
            for range in [2, 10, n as u64 + 1, u64::MAX] {
                all.push((0..n).map(|i| (random() % range, i)).collect());
            }
            all.push((0..n).map(|i| (i as u64, i)).collect());
            all.push((0..n).map(|i| ((n - i) as u64, i)).collect());
            // Runs with some exceptions.
            all.push((0..n).map(|i| (if random().is_multiple_of(20) { random() % 50 } else { (i % 37) as u64 }, i)).collect());
            all.push((0..n).map(|i| ((i / 8) as u64 * 5 % 97, i)).collect());
        }
        all
    }

    #[test]
    fn sorts_stably() {
        for input in inputs() {
            let mut items = input.clone();
            sort(&mut items, |a, b| Ok::<_, ()>(a.0 < b.0)).unwrap();
            let mut expected = input;
            expected.sort_by_key(|x| x.0);
            assert_eq!(items, expected);
        }
    }

    #[test]
    fn failures_leave_a_permutation() {
        for (i, input) in inputs().into_iter().enumerate() {
            let mut left = i * 7 % 3000;
            let mut items = input.clone();
            let result = sort(&mut items, |a, b| {
                left = left.checked_sub(1).ok_or(())?;
                Ok::<_, ()>(a.0 < b.0)
            });
            items.sort_by_key(|x| x.1);
            let mut expected = input;
            expected.sort_by_key(|x| x.1);
            assert_eq!(items, expected, "{result:?}");
        }
    }

    #[test]
    fn nonsense_leaves_a_permutation() {
        for input in inputs() {
            let mut random = noise(7);
            let mut items = input.clone();
            sort(&mut items, |_, _| Ok::<_, ()>(random().is_multiple_of(2))).unwrap();
            items.sort_by_key(|x| x.1);
            let mut expected = input;
            expected.sort_by_key(|x| x.1);
            assert_eq!(items, expected);
        }
    }

    #[test]
    fn what_is_sorted_takes_one_comparison_an_item() {
        let mut items: Vec<usize> = (0..10_000).collect();
        let mut comparisons = 0;
        sort(&mut items, |a, b| {
            comparisons += 1;
            Ok::<_, ()>(a < b)
        })
        .unwrap();
        assert_eq!(comparisons, 9_999);
    }

    #[test]
    fn two_runs_are_merged_by_galloping() {
        let mut items: Vec<usize> = (5_000..10_000).chain(0..5_000).collect();
        let mut comparisons = 0;
        sort(&mut items, |a, b| {
            comparisons += 1;
            Ok::<_, ()>(a < b)
        })
        .unwrap();
        assert!(items.is_sorted());
        assert!(comparisons < 10_100, "{comparisons}");
    }
}
