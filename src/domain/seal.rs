//! Decisions that others can store, delete or replace, but neither make up nor move elsewhere.
//!
//! A store keeps them as [`Sealed`] bytes; who holds the key of the [`DecisionSeal`] can open them. The
//! seal covers what is decided, by whom, when and on which arguments, and the request and the session
//! that it is about. It is one more field, `mac`, of the JSON text: processes that know of no seals read
//! the text as before.

use std::fmt;
use std::marker::PhantomData;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::approval::Decision;
use super::hash::ArgumentsHash;
use super::ids::{RequestId, SessionId, TenantId, UserId};
use super::json;
use super::mac::MacKey;
use super::time::UnixMs;

/// The field that holds the seal.
const MAC: &str = "mac";

/// Something as a store keeps it: bytes, whoever wrote them. Only [`DecisionSeal::open`] says what.
pub struct Sealed<T> {
    bytes: Box<[u8]>,
    of: PhantomData<fn() -> T>,
}

impl<T> Sealed<T> {
    /// What was found stored.
    pub fn stored(bytes: impl Into<Box<[u8]>>) -> Self {
        Self { bytes: bytes.into(), of: PhantomData }
    }

    /// What is to be stored.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl<T> Clone for Sealed<T> {
    fn clone(&self) -> Self {
        Self::stored(self.bytes.clone())
    }
}

impl<T> PartialEq for Sealed<T> {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl<T> Eq for Sealed<T> {}

impl<T> fmt::Debug for Sealed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Sealed").field(&String::from_utf8_lossy(&self.bytes)).finish()
    }
}

/// What can be sealed.
pub trait Sealable: Serialize + DeserializeOwned {
    /// Keeps what is sealed as one thing from being taken for another.
    const KIND: &'static str;
}

impl Sealable for Decision {
    const KIND: &'static str = "decision";
}

/// What is sealed for the people of one tenant. It is no [`Sealable`], so nobody can open it without saying whose
/// it should be.
pub trait TenantSealable: Serialize + DeserializeOwned {
    /// Keeps what is sealed as one thing from being taken for another.
    const KIND: &'static str;
}

/// What is sealed under a name of its own, and is about no request.
pub trait NamedSealable: Serialize + DeserializeOwned {
    /// Keeps what is sealed as one thing from being taken for another.
    const KIND: &'static str;
}

/// What a seal for a tenant is about, besides its value.
#[derive(Clone, Copy, Debug)]
pub struct OfTenant<'a> {
    /// Whose it is.
    pub tenant: &'a TenantId,
    /// The request.
    pub request: &'a RequestId,
    /// Its session.
    pub session: &'a SessionId,
}

impl OfTenant<'_> {
    fn covered<T: TenantSealable>(self, fields: &Value) -> Value {
        json!([T::KIND, self.tenant, self.request, self.session, fields])
    }
}

/// One of several people's yes, as `aura:endorsements:<requestId>` keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Endorsement {
    /// Who said so.
    pub by: UserId,
    /// When.
    pub at_ms: UnixMs,
    /// The tool and the arguments that they had before them.
    pub args_hash: ArgumentsHash,
}

impl Sealable for Endorsement {
    const KIND: &'static str = "endorsement";
}

/// The key that seals decisions, and those that open what other keys have sealed.
#[derive(Clone, Debug)]
pub struct DecisionSeal {
    seals: MacKey,
    opens: Vec<MacKey>,
}

impl DecisionSeal {
    /// What every process with this secret seals and opens alike.
    pub fn new(secret: &[u8]) -> Self {
        Self { seals: key(secret), opens: Vec::new() }
    }

    /// The same, which also opens what was sealed with an earlier secret.
    #[must_use]
    pub fn also_opening(mut self, earlier: &[u8]) -> Self {
        self.opens.push(key(earlier));
        self
    }

    /// Seals a value about a request of a session.
    ///
    /// # Errors
    /// Never in practice: only if the value is no JSON.
    pub fn seal<T: Sealable>(
        &self,
        request: &RequestId,
        session: &SessionId,
        value: &T,
    ) -> serde_json::Result<Sealed<T>> {
        self.sealed(value, |fields| covered::<T>(request, session, fields))
    }

    /// What was sealed about this request of this session; `None` for everything that no holder of a
    /// key has sealed about just that.
    pub fn open<T: Sealable>(
        &self,
        request: &RequestId,
        session: &SessionId,
        sealed: &Sealed<T>,
    ) -> Option<T> {
        self.opened(sealed, |fields| covered::<T>(request, session, fields))
    }

    /// Seals a value for the people of a tenant.
    ///
    /// # Errors
    /// As those of [`DecisionSeal::seal`].
    pub fn seal_for<T: TenantSealable>(
        &self,
        of: OfTenant<'_>,
        value: &T,
    ) -> serde_json::Result<Sealed<T>> {
        self.sealed(value, |fields| of.covered::<T>(fields))
    }

    /// What was sealed for this tenant, about this request of this session; `None` for everything else.
    pub fn open_for<T: TenantSealable>(&self, of: OfTenant<'_>, sealed: &Sealed<T>) -> Option<T> {
        self.opened(sealed, |fields| of.covered::<T>(fields))
    }

    /// Seals a value that stands under a name.
    ///
    /// # Errors
    /// As those of [`DecisionSeal::seal`].
    pub fn seal_named<T: NamedSealable>(
        &self,
        name: &str,
        value: &T,
    ) -> serde_json::Result<Sealed<T>> {
        self.sealed(value, |fields| json!([T::KIND, name, fields]))
    }

    /// What was sealed under just this name; `None` for everything else.
    pub fn open_named<T: NamedSealable>(&self, name: &str, sealed: &Sealed<T>) -> Option<T> {
        self.opened(sealed, |fields| json!([T::KIND, name, fields]))
    }

    /// The same sealed with the present key, if a former one has sealed it.
    pub fn renewed_named<T: NamedSealable>(
        &self,
        name: &str,
        sealed: &Sealed<T>,
    ) -> Option<Sealed<T>> {
        let present = Self { seals: self.seals.clone(), opens: Vec::new() };
        if present.open_named(name, sealed).is_some() {
            return None;
        }
        let value = self.open_named(name, sealed)?;
        self.seal_named(name, &value).ok()
    }

    fn sealed<T: Serialize>(
        &self,
        value: &T,
        covered: impl FnOnce(&Value) -> Value,
    ) -> serde_json::Result<Sealed<T>> {
        let mut fields = serde_json::to_value(value)?;
        let mac = self.seals.mac(&covered(&fields));
        if let Some(fields) = fields.as_object_mut() {
            fields.insert(MAC.into(), mac.into());
        }
        Ok(Sealed::stored(serde_json::to_vec(&fields)?))
    }

    fn opened<T: DeserializeOwned>(
        &self,
        sealed: &Sealed<T>,
        covered: impl FnOnce(&Value) -> Value,
    ) -> Option<T> {
        let mut fields = json::read_document(&sealed.bytes).ok()?;
        let mac = fields.as_object_mut()?.shift_remove(MAC)?;
        let (covered, mac) = (covered(&fields), mac.as_str()?);
        let mut keys = std::iter::once(&self.seals).chain(&self.opens);
        keys.any(|key| key.verifies(&covered, mac)).then_some(())?;
        serde_json::from_value(fields).ok()
    }
}

fn key(secret: &[u8]) -> MacKey {
    MacKey::derived(secret, "aura-platform: seal of decisions, 1")
}

fn covered<T: Sealable>(request: &RequestId, session: &SessionId, fields: &Value) -> Value {
    json!([T::KIND, request, session, fields])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::approval::Verdict;
    use crate::domain::author::Author;

    fn ids(n: u32) -> (RequestId, SessionId) {
        (RequestId::new(format!("req_00000000000{n}")), SessionId::new(format!("session_u_{n}_ab")))
    }

    fn decision() -> Decision {
        Decision {
            author: Author::Checked(UserId::new("kim")),
            reason: Some("이유".into()),
            args: Some(json!({"to": ["a"], "n": 1.5, "big": 9_007_199_254_740_993_u64})),
            ..Decision::of(Verdict::Approved, UnixMs::new(1_706_152_860_000))
        }
    }

    fn rewritten(sealed: &Sealed<Decision>, change: impl FnOnce(&mut Value)) -> Sealed<Decision> {
        let mut fields: Value = serde_json::from_slice(sealed.as_bytes()).unwrap();
        change(&mut fields);
        Sealed::stored(fields.to_string().into_bytes())
    }

    #[test]
    fn who_holds_the_secret_opens_what_was_sealed_and_nobody_else_does() {
        let ((request, session), seal) = (ids(1), DecisionSeal::new(b"one"));
        let sealed = seal.seal(&request, &session, &decision()).unwrap();
        let open = |seal: &DecisionSeal| seal.open(&request, &session, &sealed);
        assert_eq!(open(&DecisionSeal::new(b"one")), Some(decision()));
        assert_eq!(open(&DecisionSeal::new(b"other")), None);
        assert_eq!(open(&DecisionSeal::new(b"other").also_opening(b"one")), Some(decision()));
        let stored = serde_json::from_slice::<Decision>(sealed.as_bytes()).unwrap();
        assert_eq!(stored, decision(), "a process without seals reads it as before");
    }

    #[test]
    fn a_sealed_decision_cannot_be_moved_to_another_request_or_session() {
        let ((request, session), (request_2, session_2)) = (ids(1), ids(2));
        let seal = DecisionSeal::new(b"one");
        let sealed = seal.seal(&request, &session, &decision()).unwrap();
        assert_eq!(seal.open(&request_2, &session, &sealed), None);
        assert_eq!(seal.open(&request, &session_2, &sealed), None);
    }

    #[test]
    fn nothing_of_it_can_be_changed_added_or_left_out() {
        let ((request, session), seal) = (ids(1), DecisionSeal::new(b"one"));
        let sealed = seal.seal(&request, &session, &decision()).unwrap();
        let opens = |sealed: &Sealed<Decision>| seal.open(&request, &session, sealed).is_some();
        assert!(opens(&rewritten(&sealed, |_| {})), "the order of fields says nothing");
        let values = [
            ("verdict", json!("rejected")),
            ("by", json!("lee")),
            ("via", json!("signal")),
            ("reason", json!("other")),
            ("atMs", json!(1_706_152_860_001_u64)),
            ("args", json!({"to": ["b"]})),
            ("argsHash", json!("0".repeat(64))),
            ("supersededBy", json!("req_000000000002")),
            ("more", json!(1)),
            ("mac", json!("0".repeat(64))),
            ("mac", json!(null)),
        ];
        for (field, value) in values {
            let forged = rewritten(&sealed, |fields| fields[field] = value);
            assert!(!opens(&forged), "{field}");
        }
        for field in ["by", "via", "reason", "args", "mac"] {
            let cut = rewritten(&sealed, |fields| {
                fields.as_object_mut().unwrap().shift_remove(field);
            });
            assert!(!opens(&cut), "{field}");
        }
        let twice = String::from_utf8(sealed.as_bytes().to_vec()).unwrap();
        let twice = twice.replacen('{', "{\"verdict\":\"rejected\",", 1);
        assert!(!opens(&Sealed::stored(twice.into_bytes())));
        for text in ["", "[]", "null", "{}", "{\"mac\":\"\"}", "\u{0}"] {
            assert!(!opens(&Sealed::stored(text.as_bytes())), "{text:?}");
        }
        assert!(!opens(&Sealed::stored(*b"\xff\xfe")));
    }

    #[test]
    fn a_sealed_yes_of_one_of_several_is_no_decision() {
        let ((request, session), seal) = (ids(1), DecisionSeal::new(b"one"));
        let args_hash = ArgumentsHash::of("git_merge", &json!({}));
        let yes = Endorsement { by: UserId::new("kim"), at_ms: UnixMs::new(1), args_hash };
        let sealed = seal.seal(&request, &session, &yes).unwrap();
        assert_eq!(seal.open(&request, &session, &sealed), Some(yes));
        let moved = Sealed::<Decision>::stored(sealed.as_bytes());
        assert_eq!(seal.open(&request, &session, &moved), None);
    }

    #[test]
    fn what_is_sealed_for_one_tenant_is_nothing_to_another() {
        #[derive(Debug, PartialEq, Serialize, Deserialize)]
        struct Kept {
            n: u32,
        }
        impl TenantSealable for Kept {
            const KIND: &'static str = "kept";
        }
        let ((request, session), seal) = (ids(1), DecisionSeal::new(b"one"));
        let (ours, theirs) = (TenantId::new("1"), TenantId::new("2"));
        let of = |tenant| OfTenant { tenant, request: &request, session: &session };
        let sealed = seal.seal_for(of(&ours), &Kept { n: 7 }).unwrap();
        assert_eq!(seal.open_for(of(&ours), &sealed), Some(Kept { n: 7 }));
        assert_eq!(seal.open_for(of(&theirs), &sealed), None);
        let (other, _) = ids(2);
        assert_eq!(seal.open_for(OfTenant { request: &other, ..of(&ours) }, &sealed), None);
    }
}
