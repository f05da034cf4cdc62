use serde_json::json;

use super::*;

const NOW: u64 = 1_700_000_000;
const LEEWAY: Duration = Duration::from_secs(30);

fn key() -> TokenKey {
    TokenKey::new(&SecretString::from("0123456789abcdef0123456789abcdef")).unwrap()
}

/// A token that says just this, signed with the right key.
fn saying(claims: &Value) -> String {
    jsonwebtoken::encode(&Header::new(Algorithm::HS256), claims, &key().signing).unwrap()
}

/// Good claims with some of them replaced; null removes one.
#[expect(clippy::needless_pass_by_value, reason = "the callers make it on the spot")]
fn with(changes: Value) -> Value {
    let mut claims = json!({"sub": "user123", "tenant_id": "tenant1", "exp": NOW + 60});
    let all = claims.as_object_mut().unwrap();
    for (claim, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => drop(all.remove(claim)),
            value => drop(all.insert(claim.clone(), value.clone())),
        }
    }
    claims
}

fn verify(token: &str) -> Result<Claims, TokenError> {
    key().verify(token, LEEWAY, UnixSeconds::new(NOW))
}

fn verify_with(changes: Value) -> Result<Claims, TokenError> {
    verify(&saying(&with(changes)))
}

#[expect(clippy::needless_pass_by_value, reason = "the callers make it on the spot")]
fn assert_malformed(result: Result<Claims, TokenError>, why: &str) {
    assert!(matches!(result, Err(TokenError::Malformed(_))), "{why}: {result:?}");
}

/// `header.claims.signature`, with any header and, if it is to be right, the right signature.
fn assembled(header: &Value, signed: bool) -> String {
    let encoded = |value: &Value| base64url(value.to_string().as_bytes());
    let message = format!("{}.{}", encoded(header), encoded(&with(json!({}))));
    let signature = if signed {
        jsonwebtoken::crypto::sign(message.as_bytes(), &key().signing, Algorithm::HS256).unwrap()
    } else {
        String::new()
    };
    format!("{message}.{signature}")
}

fn base64url(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let bits =
            group.iter().enumerate().fold(0, |bits, (i, b)| bits | u32::from(*b) << (16 - 8 * i));
        for sextet in 0..=group.len() {
            text.push(char::from(ALPHABET[(bits >> (18 - 6 * sextet)) as usize & 63]));
        }
    }
    text
}

#[test]
fn what_was_issued_is_what_is_read() {
    let claims = Claims {
        sub: UserId::new("user123"),
        tenant_id: TenantId::new("tenant1"),
        iat: Some(UnixSeconds::new(NOW)),
        exp: UnixSeconds::new(NOW + 3600),
        email: Some("kim@example.com".to_owned()),
        roles: Role::named("ADMIN").into_iter().collect(),
    };
    assert_eq!(verify(&key().issue(&claims).unwrap()), Ok(claims));
}

#[test]
fn a_short_secret_makes_no_key() {
    let key = |secret: &str| TokenKey::new(&SecretString::from(secret)).map(drop);
    assert_eq!(key(""), Err(WeakSecret::TooShort { bytes: 0 }));
    assert_eq!(key(&"k".repeat(31)), Err(WeakSecret::TooShort { bytes: 31 }));
    assert_eq!(key(&"kx0123456789abcd".repeat(2)), Ok(()));
    assert_eq!(key("열한글자는서른셋바이트"), Ok(()), "bytes count, not characters");
}

#[test]
fn a_key_cannot_be_printed() {
    assert_eq!(format!("{:?}", key()), "TokenKey([REDACTED])");
}

#[test]
fn the_test_assembles_tokens_as_everybody_does() {
    assert!(verify(&assembled(&json!({"alg": "HS256", "typ": "JWT"}), true)).is_ok());
    assert!(verify(&assembled(&json!({"alg": "HS256"}), true)).is_ok(), "typ is optional");
}

#[test]
fn every_other_algorithm_is_refused_even_with_a_right_signature() {
    for alg in ["none", "None", "HS384", "HS512", "RS256", "ES256", "EdDSA", "hs256", ""] {
        assert_malformed(verify(&assembled(&json!({"alg": alg}), true)), alg);
        assert_malformed(verify(&assembled(&json!({"alg": alg}), false)), alg);
    }
    let signed = jsonwebtoken::encode(
        &Header::new(Algorithm::HS512),
        &with(json!({})),
        &EncodingKey::from_secret(b"0123456789abcdef0123456789abcdef"),
    );
    assert_malformed(verify(&signed.unwrap()), "a whole HS512 token");
    assert_malformed(verify(&assembled(&json!({"typ": "JWT"}), true)), "no alg");
}

#[test]
fn a_token_that_demands_unknown_extensions_is_refused() {
    let header = json!({"alg": "HS256", "crit": ["b64"], "b64": false});
    assert_malformed(verify(&assembled(&header, true)), "crit");
}

#[test]
fn what_is_no_token_is_refused() {
    for text in ["", ".", "..", "a.b.c", "Bearer x", "토큰", "{}", "a.b.c.d"] {
        assert_malformed(verify(text), text);
    }
    assert_malformed(verify(&saying(&json!(["sub", "tenant_id"]))), "claims that are no object");
}

#[test]
fn a_tampered_token_is_refused() {
    let token = saying(&with(json!({})));
    let other = saying(&with(json!({"sub": "admin"})));
    let parts: Vec<_> = token.split('.').collect();
    let others: Vec<_> = other.split('.').collect();
    assert_malformed(verify(&[parts[0], others[1], parts[2]].join(".")), "other claims");
    assert_malformed(verify(&[parts[0], parts[1], ""].join(".")), "no signature");
    assert_malformed(verify(&format!("{token}A")), "a longer signature");
    let stranger = TokenKey::new(&SecretString::from("kx0123456789abcd".repeat(2))).unwrap();
    let forged = jsonwebtoken::encode(&Header::default(), &with(json!({})), &stranger.signing);
    assert_malformed(verify(&forged.unwrap()), "another key");
}

#[test]
fn what_a_token_must_say_it_must_say_rightly() {
    for claim in ["sub", "tenant_id"] {
        for wrong in [json!(null), json!(""), json!("  \t"), json!(["x"]), json!(true)] {
            assert_malformed(verify_with(json!({claim: wrong})), claim);
        }
    }
    for wrong in [json!(null), json!("1700000060"), json!(true), json!({}), json!([NOW + 60])] {
        assert_malformed(verify_with(json!({"exp": wrong})), "exp");
    }
    for claim in ["nbf", "iat"] {
        assert_malformed(verify_with(json!({claim: "1700000000"})), claim);
    }
}

#[test]
fn an_optional_claim_that_is_null_is_absent() {
    let claims = verify_with(json!({"iat": null, "nbf": null, "email": null, "role": null}));
    let claims = claims.unwrap();
    assert_eq!((claims.iat, claims.email, claims.roles), (None, None, Roles::default()));
}

#[test]
fn a_token_counts_up_to_its_end_and_the_leeway() {
    assert!(verify_with(json!({"exp": NOW - 29})).is_ok());
    assert_eq!(verify_with(json!({"exp": NOW - 30})), Err(TokenError::Expired));
    assert_eq!(verify_with(json!({"exp": 0})), Err(TokenError::Expired));
    assert_eq!(verify_with(json!({"exp": -1})), Err(TokenError::Expired));
    let exact = |exp| {
        key().verify(&saying(&with(json!({"exp": exp}))), Duration::ZERO, UnixSeconds::new(NOW))
    };
    assert!(exact(NOW + 1).is_ok());
    assert_eq!(exact(NOW), Err(TokenError::Expired));
}

#[test]
fn a_fraction_of_a_second_counts() {
    let exact = |exp: f64| {
        key().verify(&saying(&with(json!({"exp": exp}))), Duration::ZERO, UnixSeconds::new(NOW))
    };
    assert_eq!(exact(1_700_000_000.5).unwrap().exp, UnixSeconds::new(NOW));
    assert_eq!(exact(1_699_999_999.5), Err(TokenError::Expired));
}

#[test]
fn a_token_from_the_future_is_refused() {
    for claim in ["nbf", "iat"] {
        assert!(verify_with(json!({claim: NOW + 30})).is_ok(), "{claim} within the leeway");
        assert_malformed(verify_with(json!({claim: NOW + 31})), claim);
        assert!(verify_with(json!({claim: NOW - 1000})).is_ok(), "{claim} in the past");
    }
}

#[test]
fn expired_is_said_only_where_nothing_else_is_wrong() {
    let expired = |changes: Value| {
        let mut claims = with(changes);
        claims["exp"] = json!(NOW - 1000);
        claims
    };
    assert_eq!(verify(&saying(&expired(json!({})))), Err(TokenError::Expired));
    assert_malformed(verify(&saying(&expired(json!({"sub": ""})))), "no sub");
    assert_malformed(verify(&saying(&expired(json!({"nbf": NOW + 100})))), "from the future");
    let stranger = EncodingKey::from_secret(&[7; 32]);
    let forged = jsonwebtoken::encode(&Header::default(), &expired(json!({})), &stranger).unwrap();
    assert_malformed(verify(&forged), "another key");
}

#[test]
fn claims_that_nobody_here_needs_do_no_harm() {
    let claims = verify_with(json!({"aud": ["dwp", "aura"], "iss": "auth", "jti": 7}));
    assert!(claims.is_ok());
}

/// Spring's users send the decimal numbers of the platform as numbers.
#[test]
fn an_integer_counts_as_its_decimal_text() {
    for (integer, text) in [
        (json!(1), "1"),
        (json!(0), "0"),
        (json!(-7), "-7"),
        (json!(u64::MAX), "18446744073709551615"),
    ] {
        let claims = verify_with(json!({"sub": integer, "tenant_id": integer})).unwrap();
        assert_eq!((claims.sub.as_str(), claims.tenant_id.as_str()), (text, text));
    }
    // The second is beyond what is read exactly.
    for other in ["1.0", "18446744073709551616", "1e3", "-0"] {
        let other: Value = serde_json::from_str(other).unwrap();
        assert_malformed(verify_with(json!({"sub": other})), "a number that is no integer");
        assert_malformed(verify_with(json!({"tenant_id": other})), "a number that is no integer");
    }
    let camel = json!({"tenant_id": null, "tenantId": "tenant1"});
    assert_malformed(verify_with(camel), "the claim is called tenant_id");
}

#[test]
fn an_end_in_milliseconds_is_no_end_in_seconds() {
    let in_milliseconds = (NOW + 60) * 1000;
    for wrong in [in_milliseconds, (NOW - 1000) * 1000, 7_289_654_400] {
        assert_malformed(verify_with(json!({"exp": wrong})), "exp");
    }
    assert!(verify_with(json!({"exp": 7_289_654_399_u64})).is_ok(), "the last second of 2200");
}

#[test]
fn roles_are_a_text_or_a_list() {
    let roles = |role: Value| verify_with(json!({"role": role})).unwrap().roles;
    let named = |names: &[&str]| names.iter().filter_map(|name| Role::named(name)).collect();
    assert_eq!(roles(json!("auditor")), named(&["auditor"]));
    assert_eq!(roles(json!(["auditor", " operator "])), named(&["auditor", "operator"]));
    for none in [json!(null), json!(" "), json!(7), json!({}), json!([]), json!([7, null, ""])] {
        assert_eq!(roles(none.clone()), Roles::default(), "{none}");
    }
    let both = Claims { roles: named(&["a", "b"]), ..verify_with(json!({})).unwrap() };
    assert_eq!(verify(&key().issue(&both).unwrap()), Ok(both));
}

#[test]
fn a_key_that_anybody_would_try_is_refused() {
    let weak = |text: &str| TokenKey::new(&SecretString::from(text)).err();
    for short in ["a", "가", "ab", "xyz", "1234"] {
        let repeated = short.repeat(64 / short.len());
        assert_eq!(weak(&repeated), Some(WeakSecret::Repeated), "{repeated}");
    }
    assert_eq!(weak("00000000000000000000000000000001"), Some(WeakSecret::Repeated));
    for example in [
        "a-string-secret-at-least-256-bits-long",
        "Your-256-Bit-Secret-your-256-bit-secret",
        "your_jwt_secret_key_of_at_least_32_bytes",
        "Change-Me, or somebody else will do it",
        "your_super_secret_key_for_jwt_signing_must_be_at_least_32_bytes",
        "<replace-with-a-secret-of-32-bytes-or-more>",
    ] {
        assert_eq!(weak(example), Some(WeakSecret::WellKnown), "{example}");
    }
    for good in [
        "0123456789abcdef0123456789abcdef",
        "31415926535897932384626433832795",
        "not your, nor ours to change: me",
    ] {
        assert_eq!(weak(good), None, "{good}");
    }
}
