//! From TOML to a scenario, section by section, so that one mistake does not hide the next.

use serde::{Deserialize, de::DeserializeOwned};
use toml::{
    Spanned,
    de::{DeTable, DeValue, ValueDeserializer},
};

use super::{
    Boxed, Link, Problem, Problems, Scenario, check, hint, parts::Segment, seed::Seed,
    source::Source,
};

/// The only version of the format.
const VERSION: i64 = 1;
/// The keys of a scenario, in the order in which a reader of the file needs them.
pub(super) const KEYS: &[&str] = &[
    "version",
    "name",
    "about",
    "seed",
    "duration",
    "wan",
    "lan",
    "router",
    "nat",
    "firewall",
    "nat64",
    "clat",
    "host",
    "link",
    "signalling",
    "at",
    "expect",
];

type Value<'t> = Spanned<DeValue<'t>>;

pub(super) fn read(text: &str) -> Result<Scenario, Problems> {
    let (root, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        let source = Source::opaque(text);
        let problems = errors.iter().map(|error| syntax(&source, error)).collect();
        return Err(Problems::new(problems));
    }
    let root = root.into_inner();
    let mut reader = Reader {
        source: Source::new(text, &root),
        problems: Vec::new(),
        scenario: Scenario::new(""),
    };
    reader.version(&root)?;
    if !root.contains_key("name") {
        let suggestion = "say what the scenario is called: name = \"first-try\"";
        reader.complain("", "", "`name` is missing".to_owned(), suggestion.to_owned());
    }
    for (key, value) in root {
        reader.section(key.get_ref(), value);
    }
    reader.finish()
}

fn syntax(source: &Source<'_>, error: &toml::de::Error) -> Problem {
    Problem {
        place: error.span().map(|span| source.place(span)),
        part: String::new(),
        message: format!("this is not TOML: {}", error.message()),
        suggestion: String::new(),
    }
}

struct Reader<'t> {
    source: Source<'t>,
    problems: Vec<Problem>,
    scenario: Scenario,
}

impl<'t> Reader<'t> {
    /// A scenario of another version is not read at all, because every key may mean something else.
    fn version(&self, root: &DeTable<'t>) -> Result<(), Problem> {
        let version = root.get("version").map(Spanned::get_ref);
        let number = version.and_then(|version| match version {
            DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix()).ok(),
            _ => None,
        });
        let message = match (version, number) {
            (_, Some(VERSION)) => return Ok(()),
            (_, Some(number)) => format!("version {number} of the format is not known here"),
            (Some(_), None) => "the version is not a whole number".to_owned(),
            (None, _) => "`version` is missing".to_owned(),
        };
        let place = self.source.find("version", false);
        let suggestion = "write `version = 1`, the only one there is".to_owned();
        Err(Problem { place, part: String::new(), message, suggestion })
    }

    fn section(&mut self, key: &str, value: Value<'t>) {
        match key {
            "version" => {}
            "name" => self.single(key, value, |scenario, name| scenario.name = name),
            "about" => self.single(key, value, |scenario, about| scenario.about = about),
            "seed" => self.single(key, value, |scenario, Seed(seed)| scenario.seed = seed),
            "duration" => {
                self.single(key, value, |scenario, Length(time)| scenario.duration = time);
            }
            "wan" => self.scenario.wans = self.each(key, value, None),
            "lan" => self.scenario.lans = self.lans(value),
            "router" => self.scenario.routers = self.each(key, value, None),
            "nat" => self.scenario.nats = self.each(key, value, Some(Boxed::KEYS)),
            "firewall" => self.scenario.firewalls = self.each(key, value, Some(Boxed::KEYS)),
            "nat64" => self.scenario.nat64s = self.each(key, value, Some(Boxed::KEYS)),
            "clat" => self.scenario.clats = self.each(key, value, Some(Boxed::KEYS)),
            "host" => self.scenario.hosts = self.each(key, value, None),
            "link" => self.scenario.links = self.each(key, value, Some(Link::KEYS)),
            "signalling" => self.single(key, value, |scenario, it| scenario.signalling = it),
            "at" => self.scenario.events = self.each(key, fold_events(value), None),
            "expect" => self.scenario.expects = self.each(key, value, None),
            unknown => {
                let suggestion = hint::nearest(unknown, KEYS.iter().copied())
                    .map_or_else(|| format!("known are: {}", KEYS.join(", ")), hint::did_you_mean);
                self.complain(unknown, "", format!("unknown key `{unknown}`"), suggestion);
            }
        }
    }

    fn lans(&mut self, value: Value<'t>) -> Vec<Segment> {
        let unnamed = |element: &Value<'_>| {
            element.get_ref().as_table().is_some_and(|table| !table.contains_key("name"))
        };
        let count = value
            .get_ref()
            .as_array()
            .map_or(0, |array| array.iter().filter(|element| unnamed(element)).count());
        if count > 0 {
            let suggestion = "give every LAN a `name`".to_owned();
            self.complain("lan", "", "a LAN has no name".to_owned(), suggestion);
        }
        self.each("lan", value, None)
    }

    fn single<T: Deserialize<'t>>(
        &mut self,
        key: &str,
        value: Value<'t>,
        set: impl FnOnce(&mut Scenario, T),
    ) {
        if let Some(it) = self.one(key, value) {
            set(&mut self.scenario, it);
        }
    }

    /// Reads a section that may be written once (`[wan]`) or several times (`[[wan]]`). Keys other than
    /// `own` are put into an overlay.
    fn each<T: DeserializeOwned>(
        &mut self,
        key: &str,
        value: Value<'t>,
        own: Option<&[&str]>,
    ) -> Vec<T> {
        let span = value.span();
        let elements = match value.into_inner() {
            DeValue::Array(array) => array.into_iter().collect(),
            other => vec![Spanned::new(span, other)],
        };
        let mut all = Vec::new();
        for element in elements {
            let element = own.map_or_else(|| element.clone(), |own| fold(&element, own));
            all.extend(self.one(key, element));
        }
        all
    }

    fn one<T: Deserialize<'t>>(&mut self, key: &str, value: Value<'t>) -> Option<T> {
        let table = value.get_ref().as_table();
        let given: Vec<String> = table
            .map(|table| table.iter().map(|(key, _)| key.get_ref().to_string()).collect())
            .unwrap_or_default();
        let name =
            table.and_then(|table| table.get("name")).and_then(|name| name.get_ref().as_str());
        let part = name.map_or_else(String::new, |name| format!("{key} `{name}`"));
        let span = value.span();
        match T::deserialize(ValueDeserializer::from(value)) {
            Ok(it) => Some(it),
            Err(error) => {
                let (message, suggestion) = hint::improve(error.message(), &given);
                let place = Some(self.source.place(error.span().unwrap_or(span)));
                self.problems.push(Problem { place, part, message, suggestion });
                None
            }
        }
    }

    fn complain(&mut self, path: &str, part: &str, message: String, suggestion: String) {
        let place = self.source.find(path, true);
        self.problems.push(Problem { place, part: part.to_owned(), message, suggestion });
    }

    fn finish(mut self) -> Result<Scenario, Problems> {
        if self.problems.is_empty() {
            for finding in check::check(&self.scenario) {
                let place = self.source.find(&finding.path, finding.of_key);
                self.problems.push(Problem { place, ..finding.without_text() });
            }
        }
        if self.problems.is_empty() { Ok(self.scenario) } else { Err(Problems::new(self.problems)) }
    }
}

/// A duration that reads itself.
#[derive(Deserialize)]
struct Length(#[serde(with = "simnet::units::duration")] std::time::Duration);

/// Puts all keys of a table but `own` into another one, called `overlay`.
fn fold<'t>(value: &Value<'t>, own: &[&str]) -> Value<'t> {
    let DeValue::Table(table) = value.get_ref() else { return value.clone() };
    let (mut kept, mut overlay) = (DeTable::new(), DeTable::new());
    for (key, value) in table {
        let own = own.contains(&key.get_ref().as_ref());
        let target = if own { &mut kept } else { &mut overlay };
        target.insert(key.clone(), value.clone());
    }
    let key = Spanned::new(value.span(), "overlay".into());
    if !overlay.is_empty() {
        kept.insert(key, Spanned::new(value.span(), DeValue::Table(overlay)));
    }
    Spanned::new(value.span(), DeValue::Table(kept))
}

/// The same for the links that events change.
fn fold_events(events: Value<'_>) -> Value<'_> {
    let span = events.span();
    let mut events = events.into_inner();
    let actions: Vec<&mut DeTable<'_>> = match &mut events {
        DeValue::Array(array) => {
            array.iter_mut().map(Spanned::get_mut).filter_map(action).collect()
        }
        event => action(event).into_iter().collect(),
    };
    for action in actions {
        if let Some(link) = action.get_mut("link") {
            *link = fold(link, Link::KEYS);
        }
    }
    Spanned::new(span, events)
}

fn action<'a, 't>(event: &'a mut DeValue<'t>) -> Option<&'a mut DeTable<'t>> {
    let DeValue::Table(event) = event else { return None };
    match event.get_mut("do")?.get_mut() {
        DeValue::Table(action) => Some(action),
        _ => None,
    }
}
