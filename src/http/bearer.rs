//! How callers say who they are, as both documents of the interface tell it (contract, section 2).

use std::collections::BTreeMap;

use serde::Serialize;

/// The name of the security scheme.
pub(super) const BEARER: &str = "bearer";

/// A security scheme. OpenAPI and AsyncAPI write it alike.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SecurityScheme {
    #[serde(rename = "type")]
    kind: &'static str,
    scheme: &'static str,
    bearer_format: &'static str,
    description: &'static str,
}

/// The one scheme that there is, by its name.
pub(super) fn security_schemes() -> BTreeMap<&'static str, SecurityScheme> {
    let bearer = SecurityScheme {
        kind: "http",
        scheme: "bearer",
        bearer_format: "JWT",
        description: "A JWT of the Auth Server, signed with HS256. Its claims `sub`, `tenant_id` and `exp` are \
                      required; `X-Tenant-ID` must be the same as `tenant_id`.",
    };
    [(BEARER, bearer)].into()
}
