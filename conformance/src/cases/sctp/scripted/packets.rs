//! Packets as they are written, and as they came.

use wire::sctp::script::{Item, Value};

use super::super::script::SctpStage;
use super::super::script::*;

/// The endpoint's first number, as it is written and as it came.
type Base = Option<(u32, u32)>;

fn number(item: &Item, name: &str, other: u32) -> Result<u32, String> {
    match item.field(name) {
        None => Ok(other),
        Some(Value::Number(number)) => {
            u32::try_from(*number).map_err(|_| format!("{name} is too large"))
        }
        Some(_) => Err(format!("{name} is no number")),
    }
}

fn short(item: &Item, name: &str, other: u16) -> Result<u16, String> {
    u16::try_from(number(item, name, u32::from(other))?).map_err(|_| format!("{name} is too large"))
}

fn flags(item: &Item) -> Result<u8, String> {
    match item.field("flgs") {
        None => Ok(0),
        Some(Value::Number(number)) => u8::try_from(*number).map_err(|_| "flgs".to_owned()),
        Some(Value::Word(letters)) => letters.chars().try_fold(0, |flags, letter| {
            let flag = match letter {
                'I' => data::I,
                'U' => data::U,
                'B' => data::B,
                'E' => data::E,
                'T' => code::T,
                _ => return Err(format!("there is no flag {letter}")),
            };
            Ok(flags | flag)
        }),
        Some(_) => Err("flgs is neither letters nor a number".to_owned()),
    }
}

/// A packet that the suite sends.
pub(super) fn make(s: &mut SctpStage, items: &[Item], base: Base) -> Result<Packet, String> {
    let mut chunks = Vec::new();
    let mut is_init = false;
    for item in items {
        let kind = chunk::by_name(&item.name);
        let kind = kind.ok_or_else(|| format!("there is no chunk {}", item.name))?;
        is_init |= kind == chunk::INIT;
        let made = make_chunk(s, item, kind, base)?;
        chunks.push(made.flags(flags(item)?));
    }
    let tag = if is_init { 0 } else { s.peer.tag() };
    Ok(s.peer.packet(chunks).tag(tag))
}

fn make_chunk(s: &mut SctpStage, item: &Item, kind: u8, base: Base) -> Result<Chunk, String> {
    // Numbers of the endpoint's are counted from its first one.
    let theirs = |written: u32| {
        base.map_or(written, |(first, came)| came.wrapping_add(written.wrapping_sub(first)))
    };
    Ok(match kind {
        chunk::INIT | chunk::INIT_ACK => {
            let mut body = s.peer.init_body();
            body.tag = number(item, "tag", body.tag)?;
            body.a_rwnd = number(item, "a_rwnd", body.a_rwnd)?;
            body.outgoing = short(item, "os", body.outgoing)?;
            body.incoming = short(item, "is", body.incoming)?;
            body.tsn = number(item, "tsn", body.tsn)?;
            body.is_ack = kind == chunk::INIT_ACK;
            for inner in &item.items {
                let kind = parameter::by_name(&inner.name);
                let kind = kind.ok_or_else(|| format!("there is no parameter {}", inner.name))?;
                let length = usize::from(short(inner, "len", 4)?).saturating_sub(4);
                body.parameters.push(Tlv::new(kind, pattern(length)));
            }
            if body.is_ack && !body.has(parameter::STATE_COOKIE) {
                body.parameters
                    .push(Tlv::new(parameter::STATE_COOKIE, s.peer.profile.cookie.clone()));
            }
            (s.peer.profile.tag, s.peer.next_tsn) = (body.tag, body.tsn);
            body.into()
        }
        chunk::DATA => {
            let length = usize::from(short(item, "len", 17)?).saturating_sub(16);
            let body = Data {
                flags: 0,
                tsn: number(item, "tsn", s.peer.next_tsn)?,
                stream: short(item, "sid", 0)?,
                ssn: short(item, "ssn", 0)?,
                ppid: number(item, "ppid", 53)?,
                payload: pattern(length),
            };
            body.into()
        }
        chunk::SACK => {
            let gaps = pairs(item.field("gaps"))?;
            let cumulative = theirs(number(item, "cum_tsn", 0)?);
            let a_rwnd = number(item, "a_rwnd", s.peer.profile.a_rwnd)?;
            Sack { cumulative, a_rwnd, gaps, ..Sack::default() }.into()
        }
        chunk::SHUTDOWN => Chunk::new(kind, theirs(number(item, "cum_tsn", 0)?).to_be_bytes()),
        chunk::COOKIE_ECHO => s.peer.cookie_echo().chunks.pop().unwrap_or_default(),
        chunk::HEARTBEAT => s.peer.heartbeat(b"script").chunks.pop().unwrap_or_default(),
        _ => bare(kind),
    })
}

fn pairs(value: Option<&Value>) -> Result<Vec<(u16, u16)>, String> {
    let Some(Value::List(list)) = value else { return Ok(Vec::new()) };
    let short = |number: u64| u16::try_from(number).map_err(|_| "a gap is too large".to_owned());
    list.iter()
        .map(|value| match value {
            Value::Pair(first, last) => Ok((short(*first)?, short(*last)?)),
            _ => Err("gaps are pairs such as 2:3".to_owned()),
        })
        .collect()
}

/// Compares a packet that came with what is written.
pub(super) fn compare(packet: &Packet, items: &[Item], base: &mut Base) -> Result<(), String> {
    let names: Vec<&str> = packet.kinds().iter().map(|kind| chunk::name(*kind)).collect();
    let wanted: Vec<&str> = items.iter().map(|item| item.name.as_str()).collect();
    if names != wanted {
        return Err(format!("wanted {}, got {}", wanted.join("; "), names.join("; ")));
    }
    for (came, item) in packet.chunks.iter().zip(items) {
        compare_chunk(came, item, base).map_err(|why| format!("{}: {why}", item.name))?;
    }
    Ok(())
}

fn compare_chunk(came: &Chunk, item: &Item, base: &mut Base) -> Result<(), String> {
    if item.field("flgs").is_some_and(|value| *value != Value::Any) && flags(item)? != came.flags {
        return Err(format!("flgs={}", came.flags));
    }
    let length = u64::try_from(came.value.len() + 4).unwrap_or(0);
    let mut fields: Vec<(&str, u64)> = vec![("len", length)];
    let mut parameters = None;
    if let Some(init) = Init::read(came) {
        // The endpoint's first number is what it is.
        let written = item.number("tsn").and_then(|it| u32::try_from(it).ok());
        *base = written.map(|written| (written, init.tsn)).or(*base);
        fields.extend([
            ("a_rwnd", u64::from(init.a_rwnd)),
            ("os", u64::from(init.outgoing)),
            ("is", u64::from(init.incoming)),
        ]);
        parameters = Some(kinds(&init.parameters));
    }
    let own = |tsn: u32| {
        let (written, came) = base.unwrap_or((0, 0));
        u64::from(written.wrapping_add(tsn.wrapping_sub(came)))
    };
    if let Some(data) = Data::read(came) {
        fields.extend([
            ("tsn", own(data.tsn)),
            ("sid", u64::from(data.stream)),
            ("ssn", u64::from(data.ssn)),
            ("ppid", u64::from(data.ppid)),
        ]);
    }
    if let Some(sack) = Sack::read(came) {
        fields.push(("cum_tsn", u64::from(sack.cumulative)));
        fields.push(("a_rwnd", u64::from(sack.a_rwnd)));
        if item.field("gaps").is_some() && pairs(item.field("gaps"))? != sack.gaps {
            return Err(format!("gaps={:?}", sack.gaps));
        }
    }
    if came.kind == chunk::SHUTDOWN {
        let tsn = came.value.first_chunk().map_or(0, |tsn| u32::from_be_bytes(*tsn));
        fields.push(("cum_tsn", u64::from(tsn)));
    }
    for (name, came) in fields {
        if item.number(name).is_some_and(|wanted| wanted != came) {
            return Err(format!("{name}={came}"));
        }
    }
    match parameters {
        Some(parameters) if !item.is_open => {
            let wanted: Vec<Option<u16>> =
                item.items.iter().map(|inner| parameter::by_name(&inner.name)).collect();
            let same = parameters.iter().map(|kind| Some(*kind)).eq(wanted);
            if same { Ok(()) } else { Err(format!("parameters {parameters:x?}")) }
        }
        _ => Ok(()),
    }
}
