//! A multiset of scores, exact, in memory that hardly grows with the number of pixels.
//!
//! A test set has far more normal pixels than there are distinct scores of them: single-precision scores
//! within a factor of two of each other take only 2²³ values. So the scores are counted, not kept. A
//! score is a 32-bit key (see `ranking`); its upper 16 bits name a page. A page begins as a list of the
//! lower halves, 2 bytes a score. Once that is full, it becomes a list of the distinct ones with their counts
//! if these are few, as in maps of 8 or 16 bits, else 65,536 counters: of one byte, and of eight once one
//! would overflow. A billion pixels of ordinary maps take some 100 MB, and nothing is binned, sampled or spilt.

/// Keys that a page spans.
const SPAN: usize = 1 << 16;

/// Lower halves that are kept as they came. More of them would take less room than counters for a while, and longer to sort.
const FEW: usize = 4096;

/// Distinct lower halves that are still looked up in a list.
const DISTINCT: usize = 2048;

#[derive(Clone, Debug)]
enum Page {
    /// The lower halves of few keys, sorted by [`Counts::settle`].
    Few(Vec<u16>),
    /// Distinct lower halves, ascending, with how often each occurs.
    Ties(Vec<(u16, u64)>),
    /// How often each of the span's keys occurs, none above 255 times.
    Bytes(Box<[u8; SPAN]>),
    /// How often each occurs.
    Words(Box<[u64; SPAN]>),
}

impl Page {
    /// Once more; false where there is no room for it.
    #[inline]
    fn add_one(&mut self, low: u16) -> bool {
        match self {
            Self::Few(lows) if lows.len() < FEW => lows.push(low),
            Self::Few(_) | Self::Ties(_) => return false,
            Self::Bytes(bytes) => match bytes[usize::from(low)].checked_add(1) {
                Some(sum) => bytes[usize::from(low)] = sum,
                None => return false,
            },
            Self::Words(words) => words[usize::from(low)] += 1,
        }
        true
    }

    #[cold]
    fn add(&mut self, low: u16, count: u64) {
        loop {
            match self {
                Self::Few(lows) if lows.len() as u64 + count <= FEW as u64 => {
                    return lows.extend(core::iter::repeat_n(low, count as usize));
                }
                Self::Few(lows) => *self = Self::of_many(lows),
                Self::Ties(ties) => match ties.binary_search_by_key(&low, |tie| tie.0) {
                    Ok(place) => return ties[place].1 += count,
                    Err(place) if ties.len() < DISTINCT => return ties.insert(place, (low, count)),
                    Err(_) => *self = Self::counters(ties),
                },
                Self::Bytes(bytes) => {
                    let place = &mut bytes[usize::from(low)];
                    match u64::from(*place) + count {
                        sum @ 0..=255 => return *place = sum as u8,
                        _ => {
                            let mut words = zeros::<u64>();
                            let pairs = words.iter_mut().zip(&**bytes);
                            pairs.for_each(|(word, &count)| *word = count.into());
                            *self = Self::Words(words);
                        }
                    }
                }
                // A count of pixels that has passed 2⁶⁴ took centuries.
                Self::Words(words) => return words[usize::from(low)] += count,
            }
        }
    }

    fn is_empty(&self) -> bool {
        matches!(self, Self::Few(lows) if lows.is_empty())
    }

    /// A full list in another form: counters at once where most of it is distinct, which takes no sorting.
    fn of_many(lows: &mut [u16]) -> Self {
        let mut bytes = zeros::<u8>();
        let mut distinct = 0;
        let fit = lows.iter().all(|&low| {
            let byte = &mut bytes[usize::from(low)];
            distinct += usize::from(*byte == 0);
            let sum = byte.checked_add(1);
            *byte = sum.unwrap_or(*byte);
            sum.is_some()
        });
        if fit && distinct > DISTINCT {
            return Self::Bytes(bytes);
        }
        lows.sort_unstable();
        let groups = lows.chunk_by(|left, right| left == right);
        Self::Ties(groups.map(|group| (group[0], group.len() as u64)).collect())
    }

    /// As counters, of bytes if they fit.
    fn counters(ties: &[(u16, u64)]) -> Self {
        if ties.iter().all(|&(_, count)| count <= 255) {
            let mut bytes = zeros::<u8>();
            let mut put = |&(low, count): &(u16, u64)| bytes[usize::from(low)] = count as u8;
            ties.iter().for_each(&mut put);
            return Self::Bytes(bytes);
        }
        let mut words = zeros::<u64>();
        for &(low, count) in ties {
            words[usize::from(low)] = count;
        }
        Self::Words(words)
    }

    /// Takes in all of another page, which must be settled if it is of few.
    fn absorb(&mut self, other: Self) {
        match (self, other) {
            (own @ Self::Few(_), other) if own.is_empty() => *own = other,
            (Self::Bytes(own), Self::Bytes(other)) if fit(own, &other) => {
                let pairs = own.iter_mut().zip(&*other);
                pairs.for_each(|(own, other)| *own = own.wrapping_add(*other));
            }
            (own, other) => other
                .entries(0)
                .for_each(|(low, count)| own.add(low as u16, count)),
        }
    }

    /// How many keys lie at the lower halves `from..to`, `to` up to the span itself. Settled pages only.
    fn count(&self, from: usize, to: usize) -> u64 {
        match self {
            Self::Few(lows) => {
                let below = |end: usize| lows.partition_point(|&low| usize::from(low) < end);
                below(to).saturating_sub(below(from)) as u64
            }
            Self::Ties(ties) => {
                let below = |end: usize| ties.partition_point(|tie| usize::from(tie.0) < end);
                let some = ties.get(below(from)..below(to)).unwrap_or_default();
                some.iter().map(|tie| tie.1).sum()
            }
            // Sums of a few thousand bytes fit 32 bits, which adds several at a time.
            Self::Bytes(bytes) => bytes[from..to.max(from)]
                .chunks(4096)
                .map(|some| u64::from(some.iter().map(|&byte| u32::from(byte)).sum::<u32>()))
                .sum(),
            Self::Words(words) => words[from..to.max(from)].iter().sum(),
        }
    }

    /// The lower halves that occur at `from` or later, ascending, with their counts. Settled pages only.
    fn entries(&self, from: usize) -> Box<dyn Iterator<Item = (usize, u64)> + '_> {
        match self {
            Self::Few(lows) => {
                let start = lows.partition_point(|&low| usize::from(low) < from);
                let groups = lows[start..].chunk_by(|left, right| left == right);
                Box::new(groups.map(|group| (usize::from(group[0]), group.len() as u64)))
            }
            Self::Ties(ties) => {
                let start = ties.partition_point(|tie| usize::from(tie.0) < from);
                let ties = ties[start..].iter();
                Box::new(ties.map(|&(low, count)| (usize::from(low), count)))
            }
            Self::Bytes(bytes) => {
                let places = bytes.iter().enumerate().skip(from);
                let some = places.filter(|(_, count)| **count > 0);
                Box::new(some.map(|(low, &count)| (low, u64::from(count))))
            }
            Self::Words(words) => {
                let places = words.iter().enumerate().skip(from);
                Box::new(
                    places
                        .filter(|(_, count)| **count > 0)
                        .map(|(low, &count)| (low, count)),
                )
            }
        }
    }
}

/// Whether the sums of two pages' counters fit a byte each.
fn fit(own: &[u8; SPAN], other: &[u8; SPAN]) -> bool {
    // Looked at a piece at a time, without a way out in between: so it runs many bytes at once.
    let overflows = |(own, other): (&u8, &u8)| own.checked_add(*other).is_none();
    let mut pieces = own.chunks(1024).zip(other.chunks(1024));
    !pieces.any(|(own, other)| {
        own.iter()
            .zip(other)
            .fold(false, |any, pair| any | overflows(pair))
    })
}

/// A page of counters on the heap, never on the stack.
fn zeros<Counter: Copy + Default>() -> Box<[Counter; SPAN]> {
    let page = vec![Counter::default(); SPAN].into_boxed_slice();
    page.try_into()
        .unwrap_or_else(|_| Box::new([Counter::default(); SPAN]))
}

/// How often each key occurs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counts {
    /// Where the page of a key's upper half lies in `pages`, counted from 1; 0 where there is none. Empty before the first key.
    places: Vec<u32>,
    pages: Vec<Page>,
    total: u64,
}

impl Counts {
    /// How many keys were taken in.
    pub(crate) fn total(&self) -> u64 {
        self.total
    }

    /// Takes in a key.
    #[inline]
    pub(crate) fn add_one(&mut self, key: u32) {
        self.total += 1;
        let place = self.places.get((key >> 16) as usize).copied().unwrap_or(0);
        // Places are counted from 1: there is no page 2³² - 1.
        let page = self.pages.get_mut((place as usize).wrapping_sub(1));
        if !page.is_some_and(|page| page.add_one(key as u16)) {
            self.page(key).add(key as u16, 1);
        }
    }

    /// Takes in a key `count` times.
    #[cfg(test)]
    fn add(&mut self, key: u32, count: u64) {
        self.total += count;
        self.page(key).add(key as u16, count);
    }

    #[cold]
    fn page(&mut self, key: u32) -> &mut Page {
        if self.places.is_empty() {
            self.places.resize(SPAN, 0);
        }
        let place = &mut self.places[(key >> 16) as usize];
        if *place == 0 {
            self.pages.push(Page::Few(Vec::new()));
            *place = self.pages.len() as u32;
        }
        &mut self.pages[*place as usize - 1]
    }

    /// Takes in all keys of another.
    pub(crate) fn absorb(&mut self, mut other: Self) {
        other.settle();
        for (number, page) in other.take_pages() {
            self.total += page.count(0, SPAN);
            self.page(number << 16).absorb(page);
        }
    }

    fn take_pages(self) -> impl Iterator<Item = (u32, Page)> {
        let mut pages: Vec<_> = self.pages.into_iter().map(Some).collect();
        let places = self.places.into_iter().enumerate();
        places.filter_map(move |(number, place)| {
            let page = pages.get_mut((place as usize).checked_sub(1)?)?;
            Some((number as u32, page.take()?))
        })
    }

    /// Makes it ready to be read.
    pub(crate) fn settle(&mut self) {
        for page in &mut self.pages {
            if let Page::Few(lows) = page {
                lows.sort_unstable();
            }
        }
    }

    /// The pages from the one of this number on, ascending.
    fn pages(&self, from: u32) -> impl Iterator<Item = (u32, &Page)> {
        let places = self.places.iter().enumerate().skip(from as usize);
        places.filter_map(|(number, &place)| {
            let page = self.pages.get((place as usize).checked_sub(1)?)?;
            Some((number as u32, page))
        })
    }

    /// The distinct keys, ascending, with their counts. Only after [`Counts::settle`].
    pub(crate) fn entries(&self) -> impl Iterator<Item = (u32, u64)> {
        self.pages(0).flat_map(|(number, page)| {
            let entries = page.entries(0);
            entries.map(move |(low, count)| (number << 16 | low as u32, count))
        })
    }

    /// Counts keys below ever higher ones. Only after [`Counts::settle`].
    pub(crate) fn cursor(&self) -> Cursor<'_> {
        Cursor {
            counts: self,
            next: 0,
            passed: 0,
        }
    }

    /// The highest key below `key`, at or above `from`. Only after [`Counts::settle`].
    pub(crate) fn last_below(&self, key: u64, from: u64) -> Option<u32> {
        let pages: Vec<_> = self
            .pages((from >> 16) as u32)
            .take_while(|(number, _)| u64::from(*number) << 16 < key)
            .collect();
        pages.into_iter().rev().find_map(|(number, page)| {
            let first = u64::from(number) << 16;
            let end = (key - first).min(SPAN as u64) as usize;
            let start = from.saturating_sub(first) as usize;
            let low = match page {
                Page::Few(lows) => {
                    let below = lows.partition_point(|&low| usize::from(low) < end);
                    lows[..below].last().map(|&low| usize::from(low))
                }
                Page::Ties(ties) => {
                    let below = ties.partition_point(|tie| usize::from(tie.0) < end);
                    ties[..below].last().map(|tie| usize::from(tie.0))
                }
                Page::Bytes(bytes) => bytes[..end].iter().rposition(|&count| count > 0),
                Page::Words(words) => words[..end].iter().rposition(|&count| count > 0),
            };
            let low = low.filter(|&low| low >= start)?;
            Some((first + low as u64) as u32)
        })
    }
}

/// A place in [`Counts`], which moves up.
#[derive(Clone, Debug)]
pub(crate) struct Cursor<'a> {
    counts: &'a Counts,
    /// The first key not yet passed; 2³² after the last.
    next: u64,
    passed: u64,
}

impl Cursor<'_> {
    /// Moves on to `key`, a 33-bit number, never back: how many keys lie below it.
    pub(crate) fn below(&mut self, key: u64) -> u64 {
        if key <= self.next {
            return self.passed;
        }
        for (number, page) in self.counts.pages((self.next >> 16) as u32) {
            let first = u64::from(number) << 16;
            if first >= key {
                break;
            }
            let from = self.next.saturating_sub(first) as usize;
            let to = (key - first).min(SPAN as u64) as usize;
            self.passed += page.count(from, to);
        }
        self.next = key;
        self.passed
    }
}

#[cfg(test)]
mod tests;
