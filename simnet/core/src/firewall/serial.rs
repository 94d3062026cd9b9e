//! Prefixes and protocols in files.

/// `"10.0.0.0/8"`, or an address alone.
pub(super) mod prefix {
    use std::net::IpAddr;

    use serde::{Deserialize, Deserializer, Serializer, de::Error as _};

    use crate::prefix::Prefix;

    pub(in super::super) fn serialize<S: Serializer>(
        value: &Option<Prefix>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        match value {
            Some(prefix) => to.collect_str(prefix),
            None => to.serialize_none(),
        }
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<Prefix>, D::Error> {
        let text = String::deserialize(from)?;
        let host = text.parse::<IpAddr>().map(Prefix::host);
        host.or_else(|_| text.parse()).map(Some).map_err(D::Error::custom)
    }
}

/// `"udp"`, `"tcp"` or `"icmp"`.
pub(super) mod protocol {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use crate::packet::Protocol;

    #[derive(Serialize, Deserialize)]
    #[serde(rename_all = "kebab-case")]
    enum Name {
        Udp,
        Tcp,
        Icmp,
    }

    pub(in super::super) fn serialize<S: Serializer>(
        value: &Option<Protocol>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        let name = value.map(|protocol| match protocol {
            Protocol::Udp => Name::Udp,
            Protocol::Tcp => Name::Tcp,
            Protocol::Icmp => Name::Icmp,
        });
        name.serialize(to)
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<Protocol>, D::Error> {
        Ok(Some(match Name::deserialize(from)? {
            Name::Udp => Protocol::Udp,
            Name::Tcp => Protocol::Tcp,
            Name::Icmp => Protocol::Icmp,
        }))
    }
}
