//! Names are looked up for each connection, and lead to public addresses only: what a name meant earlier says
//! nothing, so what is checked is the very address that is connected to.

use std::net::SocketAddr;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::net::lookup_host;

use crate::public_address::is_public;

/// Resolves names to public addresses.
#[derive(Debug)]
pub(super) struct PublicOnly;

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            // The port is the URL's.
            let found: Vec<SocketAddr> = lookup_host((name.as_str(), 0)).await?.collect();
            let public = public(found);
            if public.is_empty() {
                let why = "its name leads to no public address, and approvals.webhook_allow_private is off";
                return Err(why.into());
            }
            Ok(Box::new(public.into_iter()) as Addrs)
        })
    }
}

fn public(found: Vec<SocketAddr>) -> Vec<SocketAddr> {
    found.into_iter().filter(|address| is_public(address.ip())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_name_of_this_machine_leads_nowhere() {
        let resolved = PublicOnly.resolve("localhost".parse().unwrap()).await;
        let error = resolved.err().unwrap().to_string();
        assert!(error.contains("no public address"), "{error}");
    }

    #[test]
    fn of_several_addresses_the_public_ones_are_left() {
        let all = ["10.0.0.1:0", "1.1.1.1:0", "[::ffff:127.0.0.1]:0"].map(|it| it.parse().unwrap());
        assert_eq!(public(all.into()), ["1.1.1.1:0".parse().unwrap()]);
    }
}
