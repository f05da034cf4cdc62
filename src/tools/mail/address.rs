//! What counts as a mail address.

/// The addresses that people have: a dot-atom and a host name, ASCII. No quoting, no comments, and no
/// encoded word: programs that decode one where it must not stand see another address.
pub(super) fn is_address(address: &str) -> bool {
    let Some((local, host)) = address.rsplit_once('@') else {
        return false;
    };
    let atom = |part: &str| {
        let plain =
            |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte);
        !part.is_empty() && part.bytes().all(plain)
    };
    let label = |part: &str| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        let edges = part.starts_with('-') || part.ends_with('-');
        (1..=63).contains(&part.len()) && !edges && part.bytes().all(plain)
    };
    let sizes = local.len() <= 64 && host.len() <= 253;
    let is_encoded = local.contains("=?");
    sizes
        && !is_encoded
        && local.split('.').all(atom)
        && host.contains('.')
        && host.split('.').all(label)
}

/// The host of an address, in lower case.
pub(super) fn domain(address: &str) -> String {
    address.rsplit_once('@').map_or("", |(_, host)| host).to_ascii_lowercase()
}

/// Whether the server of an address may take its local part for a way to somebody else: to another
/// host (`user%host`, `host!user`, `/C=KR/…`), or to a program or a file.
pub(super) fn is_routed(address: &str) -> bool {
    let local = address.rsplit_once('@').map_or(address, |(local, _)| local);
    local.contains(['%', '!', '|', '`', '/'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_told_from_what_only_looks_like_one() {
        for good in ["minsu.kim@dwp.example", "a+b@x-y.co.kr", "o'neil@example.com"] {
            assert!(is_address(good), "{good}");
        }
        let bad = [
            "",
            "a",
            "a@",
            "@b.c",
            "a@b",
            "a b@c.d",
            "a@b..c",
            ".a@b.c",
            "a@-b.c",
            "a@b.c\r\nBcc: x@y.z",
            "a@b.c, d@e.f",
            "a@@b.c",
            "<a@b.c>",
            "김@b.c",
            "=?utf-8?q?x=40y.z=3e?=@b.c",
            "a.=?x?b?eQ?=@b.c",
        ];
        for bad in bad {
            assert!(!is_address(bad), "{bad:?}");
        }
        assert_eq!(domain("a@DWP.Example"), "dwp.example");
    }

    #[test]
    fn a_local_part_that_leads_elsewhere_is_seen() {
        let bad = [
            "a%evil.com@dwp.com",
            "evil.com!a@dwp.com",
            "|id@dwp.com",
            "`id`@dwp.com",
            "/C=KR/@dwp.com",
        ];
        for routed in bad {
            assert!(is_address(routed) && is_routed(routed), "{routed}");
        }
        for plain in ["minsu.kim@dwp.com", "a+b=c@dwp.com", "o'neil@dwp.com"] {
            assert!(!is_routed(plain), "{plain}");
        }
    }
}
