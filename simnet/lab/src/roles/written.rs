//! Roles as they are written: a name, or a name with parameters.

use serde::{Deserialize, Deserializer, de};

use super::{Role, read};

impl<'de> Deserialize<'de> for Role {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Visitor)
    }
}

struct Visitor;

impl<'de> de::Visitor<'de> for Visitor {
    type Value = Role;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a role, such as \"idle\" or { flow = { to = \"bob\" } }")
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<Role, E> {
        read(name, de::value::MapDeserializer::new(std::iter::empty::<(&str, &str)>()))
    }

    fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Role, A::Error> {
        let Some(name) = map.next_key::<String>()? else {
            return Err(de::Error::custom("the role has no name"));
        };
        let role = map.next_value_seed(Named(name))?;
        match map.next_key::<String>()? {
            None => Ok(role),
            Some(_) => Err(de::Error::custom("a host has one role")),
        }
    }
}

/// Reads the parameters of the role with a name.
struct Named(String);

impl<'de> de::DeserializeSeed<'de> for Named {
    type Value = Role;

    fn deserialize<D: Deserializer<'de>>(self, parameters: D) -> Result<Role, D::Error> {
        read(&self.0, parameters)
    }
}
