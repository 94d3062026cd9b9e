//! What two agents tell each other besides candidates: username fragment, password, options, lite.

use std::{fmt, str::FromStr};

use base::Rng;
use zeroize::Zeroizing;

use crate::candidate::is_ice_char;

/// The parameters of one side for one generation: RFC 8839 §5.3, §5.4, §5.6.
///
/// ```
/// use ice::{Options, Parameters};
///
/// let mut rng = base::Rng::from_seed([7; 32]);
/// let ours = Parameters::generate(&mut rng);
/// let theirs = Parameters {
///     ufrag: "8hhY".parse()?,
///     pwd: "asd88fgpdd777uzjYhagZg".parse()?,
///     options: "ice2 rtp+ecn".parse()?,
///     lite: false,
/// };
/// assert!(theirs.options.has(Options::ICE2) && ours.options.has(Options::TRICKLE));
/// assert_eq!("7hh".parse::<ice::Ufrag>().unwrap_err().to_string(), "shorter than 4 characters");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameters {
    /// The username fragment.
    pub ufrag: Ufrag,
    /// The password.
    pub pwd: Password,
    /// Which extensions the agent knows.
    pub options: Options,
    /// Whether the agent is lite: it answers checks and sends none.
    pub lite: bool,
}

/// A username fragment: 4 to 256 letters, digits, `+` and `/`. Those we make have 6, for 36 bits.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ufrag(String);

/// A password: 22 to 256 letters, digits, `+` and `/`. Those we make have 32, for 192 bits.
///
/// Never shown by `Debug`, wiped from memory when dropped. `Display` writes it, for the
/// description.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(Zeroizing<String>);

/// Which extensions an agent knows, as tags: the value of `a=ice-options` (RFC 8839 §5.6).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options(Vec<String>);

/// Why a text is no username fragment, password or list of options.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParametersError {
    /// It has too few characters to be hard to guess.
    #[error("shorter than {0} characters")]
    TooShort(usize),
    /// It has more than the grammar allows, or than we keep.
    #[error("longer than {0} characters")]
    TooLong(usize),
    /// It has another character than letters, digits, `+` and `/`.
    #[error("a character that is not allowed")]
    BadCharacter,
}

/// The longest username fragment and password in characters: RFC 8839 §5.4.
pub const MAX_CREDENTIAL: usize = 256;

/// The longest list of options in bytes; there are fewer than ten tags in the registry.
pub const MAX_OPTIONS: usize = 512;

const MIN_UFRAG: usize = 4;
const MIN_PASSWORD: usize = 22;
/// 36 bits: the 24 of RFC 8445 §5.3, and enough that two sessions of a host do not meet.
const OUR_UFRAG: usize = 6;
/// 192 bits, above the 128 of RFC 8445 §5.3.
const OUR_PASSWORD: usize = 32;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

impl Parameters {
    /// New credentials from the secret dice, of a full agent that knows `ice2` and `trickle`.
    #[must_use]
    pub fn generate(rng: &mut Rng) -> Self {
        Self {
            ufrag: Ufrag::generate(rng),
            pwd: Password::generate(rng),
            options: Options::from_iter([Options::ICE2, Options::TRICKLE]),
            lite: false,
        }
    }

    /// Whether these credentials stand for another generation than `before`: either of the two
    /// changed (RFC 8839 §4.4.1.1.1).
    #[must_use]
    pub fn restarts(&self, before: &Self) -> bool {
        self.ufrag != before.ufrag || self.pwd != before.pwd
    }
}

impl Ufrag {
    /// A new one from the secret dice.
    #[must_use]
    pub fn generate(rng: &mut Rng) -> Self {
        Self(random_text::<OUR_UFRAG>(rng))
    }

    /// Its characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Password {
    /// A new one from the secret dice.
    #[must_use]
    pub fn generate(rng: &mut Rng) -> Self {
        Self(Zeroizing::new(random_text::<OUR_PASSWORD>(rng)))
    }

    /// Its characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Six bits for each character, so that all 64 are equally likely.
fn random_text<const N: usize>(rng: &mut Rng) -> String {
    let dice = Zeroizing::new(rng.secret_array::<N>());
    let characters = dice.iter().filter_map(|byte| ALPHABET.get(usize::from(byte & 63)));
    characters.map(|&byte| char::from(byte)).collect()
}

fn checked(text: &str, least: usize) -> Result<&str, ParametersError> {
    match text.len() {
        length if length < least => Err(ParametersError::TooShort(least)),
        length if length > MAX_CREDENTIAL => Err(ParametersError::TooLong(MAX_CREDENTIAL)),
        _ if !text.bytes().all(is_ice_char) => Err(ParametersError::BadCharacter),
        _ => Ok(text),
    }
}

impl FromStr for Ufrag {
    type Err = ParametersError;

    fn from_str(text: &str) -> Result<Self, ParametersError> {
        checked(text, MIN_UFRAG).map(|text| Self(text.to_owned()))
    }
}

impl FromStr for Password {
    type Err = ParametersError;

    fn from_str(text: &str) -> Result<Self, ParametersError> {
        checked(text, MIN_PASSWORD).map(|text| Self(Zeroizing::new(text.to_owned())))
    }
}

impl fmt::Display for Ufrag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for Ufrag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ufrag({})", self.0)
    }
}

impl fmt::Display for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(..)")
    }
}

impl Options {
    /// The agent follows RFC 8445, and nominates as it says: RFC 8445 §10.
    pub const ICE2: &'static str = "ice2";
    /// The agent takes candidates one by one: RFC 8838 §3.
    pub const TRICKLE: &'static str = "trickle";
    /// The controlling agent may nominate again, and the last nomination counts.
    pub const RENOMINATION: &'static str = "renomination";

    /// No options.
    #[must_use]
    pub const fn none() -> Self {
        Self(Vec::new())
    }

    /// Whether the tag is among them.
    #[must_use]
    pub fn has(&self, tag: &str) -> bool {
        self.0.iter().any(|one| one == tag)
    }

    /// The tags, in their order.
    pub fn tags(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// Adds a tag, unless it is there or the list would be longer than [`MAX_OPTIONS`] bytes. A tag
    /// with a character that is not allowed is left out too.
    pub fn insert(&mut self, tag: &str) {
        let length: usize = self.tags().map(|tag| tag.len() + 1).sum();
        let is_tag = !tag.is_empty() && tag.bytes().all(is_ice_char);
        if is_tag && !self.has(tag) && length + tag.len() <= MAX_OPTIONS {
            self.0.push(tag.to_owned());
        }
    }

    /// Takes a tag away.
    pub fn remove(&mut self, tag: &str) {
        self.0.retain(|one| one != tag);
    }
}

impl<'a> FromIterator<&'a str> for Options {
    fn from_iter<T: IntoIterator<Item = &'a str>>(tags: T) -> Self {
        let mut options = Self::none();
        tags.into_iter().for_each(|tag| options.insert(tag));
        options
    }
}

impl FromStr for Options {
    type Err = ParametersError;

    /// Reads the value of the attribute. Nothing at all is no options.
    fn from_str(text: &str) -> Result<Self, ParametersError> {
        if text.len() > MAX_OPTIONS {
            return Err(ParametersError::TooLong(MAX_OPTIONS));
        }
        let is_tag = |tag: &str| !tag.is_empty() && tag.bytes().all(is_ice_char);
        if !text.is_empty() && !text.split(' ').all(is_tag) {
            return Err(ParametersError::BadCharacter);
        }
        Ok(text.split(' ').collect())
    }
}

impl fmt::Display for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::shortest(4, Ok(()))]
    #[case::longest(256, Ok(()))]
    #[case::short(3, Err(ParametersError::TooShort(4)))]
    #[case::long(257, Err(ParametersError::TooLong(256)))]
    fn fragments_have_4_to_256_characters(
        #[case] length: usize,
        #[case] expected: Result<(), ParametersError>,
    ) {
        assert_eq!("+".repeat(length).parse::<Ufrag>().map(|_| ()), expected);
    }

    #[rstest]
    #[case::shortest(22, Ok(()))]
    #[case::longest(256, Ok(()))]
    #[case::short(21, Err(ParametersError::TooShort(22)))]
    #[case::long(257, Err(ParametersError::TooLong(256)))]
    fn passwords_have_22_to_256_characters(
        #[case] length: usize,
        #[case] expected: Result<(), ParametersError>,
    ) {
        assert_eq!("/".repeat(length).parse::<Password>().map(|_| ()), expected);
    }

    #[rstest]
    #[case("8hh:")]
    #[case("8hh ")]
    #[case("8hh-Y")]
    #[case("8hhé")]
    fn other_characters_are_refused(#[case] text: &str) {
        assert_eq!(text.parse::<Ufrag>(), Err(ParametersError::BadCharacter));
    }

    #[test]
    fn credentials_use_every_character_about_equally_often() {
        let mut rng = Rng::from_seed([5; 32]);
        let mut counts = [0_u32; 128];
        for _ in 0..2_000 {
            let parameters = Parameters::generate(&mut rng);
            assert_eq!((parameters.ufrag.as_str().len(), parameters.pwd.as_str().len()), (6, 32));
            for byte in parameters.pwd.as_str().bytes() {
                counts[usize::from(byte)] += 1;
            }
        }
        // 64,000 characters, 1,000 expected of each; ±20 % is more than six standard deviations.
        for &byte in ALPHABET {
            let count = counts[usize::from(byte)];
            assert!((800..1_200).contains(&count), "{} came {count} times", char::from(byte));
        }
    }

    #[test]
    fn credentials_do_not_repeat_and_come_from_the_secret_dice() {
        let mut rng = Rng::from_seed([5; 32]);
        let all: BTreeSet<_> =
            (0..1_000).map(|_| Parameters::generate(&mut rng).pwd.to_string()).collect();
        assert_eq!(all.len(), 1_000);
        let mut drawn = Rng::from_seed([5; 32]);
        let _ = drawn.public_u64();
        let mut fresh = Rng::from_seed([5; 32]);
        assert_eq!(Parameters::generate(&mut drawn), Parameters::generate(&mut fresh));
    }

    #[test]
    fn debug_does_not_show_the_password() {
        let parameters = Parameters::generate(&mut Rng::from_seed([5; 32]));
        let shown = format!("{parameters:?}");
        assert!(!shown.contains(parameters.pwd.as_str()), "{shown}");
    }

    #[test]
    fn either_change_restarts() {
        let mut rng = Rng::from_seed([5; 32]);
        let before = Parameters::generate(&mut rng);
        let same = Parameters { lite: true, options: Options::none(), ..before.clone() };
        assert!(!same.restarts(&before));
        assert!(
            Parameters { ufrag: Ufrag::generate(&mut rng), ..before.clone() }.restarts(&before)
        );
        assert!(
            Parameters { pwd: Password::generate(&mut rng), ..before.clone() }.restarts(&before)
        );
    }

    #[rstest]
    #[case("ice2 rtp+ecn", Ok("ice2 rtp+ecn"))]
    #[case("trickle trickle", Ok("trickle"))]
    #[case("", Ok(""))]
    #[case("ice2  trickle", Err(ParametersError::BadCharacter))]
    #[case("ice2,trickle", Err(ParametersError::BadCharacter))]
    fn options_are_tags_between_single_spaces(
        #[case] text: &str,
        #[case] expected: Result<&str, ParametersError>,
    ) {
        let options: Result<Options, _> = text.parse();
        assert_eq!(options.map(|options| options.to_string()), expected.map(str::to_owned));
    }

    #[test]
    fn options_are_bounded() {
        let mut options = Options::none();
        for n in 0..1_000 {
            options.insert(&format!("option{n}"));
        }
        let text = options.to_string();
        assert!(text.len() <= MAX_OPTIONS, "{}", text.len());
        assert_eq!(text.parse(), Ok(options));
        assert_eq!(
            "a".repeat(MAX_OPTIONS + 1).parse::<Options>(),
            Err(ParametersError::TooLong(MAX_OPTIONS))
        );
    }
}
