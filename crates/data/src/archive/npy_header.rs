//! The header of NumPy's array files: a dict as Python writes it, of three known keys.

/// What the header says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) number: Number,
    pub(super) shape: Vec<usize>,
}

/// A type of numbers, little-endian.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Number {
    /// So many bytes, without a sign; truth is one of them.
    Whole(usize),
    /// So many bytes, with a sign.
    Signed(usize),
    F16,
    F32,
    F64,
}

/// More than any mask has.
const MOST_DIMENSIONS: usize = 8;

impl Number {
    /// Bytes of one.
    pub(super) fn size(self) -> usize {
        match self {
            Self::Whole(size) | Self::Signed(size) => size,
            Self::F16 => 2,
            Self::F32 => 4,
            Self::F64 => 8,
        }
    }

    /// Whether the number in these bytes isn't 0; `None` for what is no number.
    pub(super) fn is_marked(self, bytes: &[u8]) -> Option<bool> {
        let mut wide = [0; 8];
        wide.get_mut(..bytes.len())?.copy_from_slice(bytes);
        let bits = u64::from_le_bytes(wide);
        // Exponent and fraction of a NaN lie above those of infinity.
        let (magnitude, infinity) = match self {
            Self::Whole(_) | Self::Signed(_) => return Some(bits != 0),
            Self::F16 => (bits & 0x7fff, 0x7c00),
            Self::F32 => (bits & 0x7fff_ffff, 0x7f80_0000),
            Self::F64 => (bits & (u64::MAX >> 1), 0x7ff0_0000_0000_0000),
        };
        (magnitude <= infinity).then_some(magnitude != 0)
    }

    /// The number in these bytes; NaN where there are too many or too few.
    pub(super) fn value(self, bytes: &[u8]) -> f64 {
        let mut wide = [0; 8];
        let Some(begin) = wide
            .get_mut(..bytes.len())
            .filter(|_| bytes.len() == self.size())
        else {
            return f64::NAN;
        };
        begin.copy_from_slice(bytes);
        let bits = u64::from_le_bytes(wide);
        match self {
            Self::Whole(_) => bits as f64,
            Self::Signed(size) => {
                // Moved up to the sign's place and back, the sign fills what was moved.
                let unused = 64 - 8 * size as u32;
                ((bits << unused) as i64 >> unused) as f64
            }
            Self::F16 => half(bits as u16),
            Self::F32 => f32::from_bits(bits as u32).into(),
            Self::F64 => f64::from_bits(bits),
        }
    }

    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "|b1" | "|u1" | "<b1" | "<u1" => Self::Whole(1),
            "|i1" | "<i1" => Self::Signed(1),
            "<u2" => Self::Whole(2),
            "<i2" => Self::Signed(2),
            "<u4" => Self::Whole(4),
            "<i4" => Self::Signed(4),
            "<u8" => Self::Whole(8),
            "<i8" => Self::Signed(8),
            "<f2" => Self::F16,
            "<f4" => Self::F32,
            "<f8" => Self::F64,
            _ => return None,
        })
    }
}

/// A number of half precision: a sign, 5 bits of exponent, 10 of fraction.
fn half(bits: u16) -> f64 {
    let fraction = f64::from(bits & 0x3ff) / 1024.0;
    let size = match bits >> 10 & 0x1f {
        0 => fraction * 2.0_f64.powi(-14),
        0x1f if fraction == 0.0 => f64::INFINITY,
        0x1f => f64::NAN,
        exponent => (1.0 + fraction) * 2.0_f64.powi(i32::from(exponent) - 15),
    };
    if bits >> 15 == 1 { -size } else { size }
}

impl Header {
    /// Reads a header; what was found instead where it is none.
    pub(super) fn parse(text: &[u8]) -> Result<Self, String> {
        let text = str::from_utf8(text).map_err(|_| "no text")?;
        let mut text = Text(text);
        let (mut number, mut by_columns, mut shape) = (None, None, None);
        text.require('{')?;
        while !text.skip('}') {
            let key = text.quoted()?;
            text.require(':')?;
            match key {
                "descr" => {
                    let name = text.quoted().map_err(|_| "values of several fields")?;
                    let known = Number::named(name);
                    number = Some(known.ok_or_else(|| format!("values of type {name:?}"))?);
                }
                "fortran_order" => by_columns = Some(text.truth()?),
                "shape" => shape = Some(text.sizes()?),
                other => return Err(format!("the key {other:?}")),
            }
            if !text.skip(',') {
                text.require('}')?;
                break;
            }
        }
        if !text.0.trim().is_empty() {
            return Err("more text after its end".into());
        }
        match (number, by_columns, shape) {
            (Some(_), Some(true), Some(_)) => Err("values in Fortran's order".into()),
            (Some(number), Some(false), Some(shape)) => Ok(Self { number, shape }),
            _ => Err("one without descr, fortran_order or shape".into()),
        }
    }
}

/// Text that is read from its beginning, without the spaces before each word.
struct Text<'a>(&'a str);

impl<'a> Text<'a> {
    /// Takes this character if it is next.
    fn skip(&mut self, next: char) -> bool {
        let rest = self.0.trim_ascii_start().strip_prefix(next);
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }

    fn require(&mut self, next: char) -> Result<(), String> {
        if self.skip(next) {
            return Ok(());
        }
        let found: String = self.0.trim_ascii_start().chars().take(20).collect();
        Err(format!("{found:?} in place of {next:?}"))
    }

    fn quoted(&mut self) -> Result<&'a str, String> {
        let quote = if self.skip('"') { '"' } else { '\'' };
        if quote == '\'' {
            self.require('\'')?;
        }
        let (word, rest) = self.0.split_once(quote).ok_or("a text without an end")?;
        self.0 = rest;
        Ok(word)
    }

    /// What is next up to a comma or a bracket.
    fn word(&mut self) -> &'a str {
        let end = self.0.find([',', '}', ')']).unwrap_or(self.0.len());
        let (word, rest) = self.0.split_at_checked(end).unwrap_or((self.0, ""));
        self.0 = rest;
        word.trim()
    }

    fn truth(&mut self) -> Result<bool, String> {
        match self.word() {
            "True" => Ok(true),
            "False" => Ok(false),
            _ => Err("a `fortran_order` that is neither True nor False".into()),
        }
    }

    fn sizes(&mut self) -> Result<Vec<usize>, String> {
        let mut sizes = Vec::new();
        self.require('(')?;
        while !self.skip(')') {
            // Python 2 wrote an L behind some.
            let word = self.word();
            let size = word.strip_suffix('L').unwrap_or(word).parse();
            sizes.push(size.map_err(|_| "a shape that is no sizes")?);
            if sizes.len() > MOST_DIMENSIONS {
                return Err(format!("more than {MOST_DIMENSIONS} dimensions"));
            }
            if !self.skip(',') {
                self.require(')')?;
                break;
            }
        }
        Ok(sizes)
    }
}
