//! The forms of `REDIS_URL`: one server, the servers behind Sentinel, or a cluster.
//!
//! | form | means |
//! |---|---|
//! | `redis://[user:password@]host[:port][/db]` | one server |
//! | `redis+sentinel://[user:password@]host[:port][,…]/<master>[/db]` | whom these sentinels name |
//! | `redis+cluster://[user:password@]host[:port][,…]` | the cluster that these nodes belong to |
//!
//! Each also with `rediss` in the place of `redis`: over TLS. User and password are percent-encoded.

use std::fmt;

use thiserror::Error;
use url::Url;

const PORT: u16 = 6379;
const SENTINEL_PORT: u16 = 26379;

/// What is wrong with a URL; never repeats any of it, for the password that may be there.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RedisUrlError {
    /// Another scheme, or none.
    #[error(
        "must be a URL that starts with redis:// or rediss://, redis+sentinel:// or \
         rediss+sentinel://, redis+cluster:// or rediss+cluster://"
    )]
    Scheme,
    /// One of the servers is not `host` or `host:port`; the number counts from 1.
    #[error("server {0} of the URL must be host or host:port")]
    Server(usize),
    /// The login is cut off, or a query or a fragment follows.
    #[error("must contain neither ? nor #; in a password they are written %3F and %23")]
    Query,
    /// Several servers, which a plain URL cannot mean.
    #[error("several servers need redis+sentinel:// or redis+cluster://")]
    Several,
    /// Sentinels, but whom to ask them for is not said.
    #[error("must name the master after the sentinels: redis+sentinel://host:port/<master-name>")]
    Master,
    /// The database is not a number, or something follows it.
    #[error("the database must be a number, at the end of the URL")]
    Database,
    /// A cluster has one database.
    #[error("must end after the servers: a cluster has no databases")]
    ClusterDatabase,
}

/// Which servers there are, and how the right one is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Topology {
    /// The one server that the URL names.
    Single,
    /// The server that the sentinels name as the master of this name.
    Sentinel(String),
    /// All primaries of a cluster.
    Cluster,
}

/// A checked URL. Shows nothing of its login.
#[derive(Clone)]
pub struct RedisUrl {
    /// How the right server is found.
    pub topology: Topology,
    /// The server, the sentinels, or nodes of the cluster: host and port, at least one. An IPv6
    /// address stands in brackets.
    pub hosts: Vec<(String, u16)>,
    /// Whether the servers are spoken to over TLS.
    pub tls: bool,
    /// `user:password@` as it was given, or nothing.
    login: String,
    /// `/<db>` with whatever followed it, or nothing.
    database: String,
}

impl fmt::Debug for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { topology, hosts, tls, login: _, database } = self;
        let mut shown = f.debug_struct("RedisUrl");
        shown.field("topology", topology).field("hosts", hosts).field("tls", tls);
        shown.field("database", database).finish_non_exhaustive()
    }
}

impl RedisUrl {
    /// Reads any of the forms.
    pub fn parse(text: &str) -> Result<Self, RedisUrlError> {
        let (scheme, rest) = text.trim().split_once("://").ok_or(RedisUrlError::Scheme)?;
        let (tls, kind) = match scheme.split_once('+').unwrap_or((scheme, "")) {
            ("redis", kind) => (false, kind),
            ("rediss", kind) => (true, kind),
            _ => return Err(RedisUrlError::Scheme),
        };
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, after) = rest.split_at(end);
        let (login, hosts) = match authority.rsplit_once('@') {
            Some((login, hosts)) => (format!("{login}@"), hosts),
            None => (String::new(), authority),
        };
        if !kind.is_empty() && after.contains(['?', '#']) {
            return Err(RedisUrlError::Query);
        }
        let (topology, database) = match kind {
            "" => (Topology::Single, database(after)?),
            "sentinel" => sentinel(after)?,
            "cluster" => (Topology::Cluster, no_database(after)?),
            _ => return Err(RedisUrlError::Scheme),
        };
        let port = if kind == "sentinel" { SENTINEL_PORT } else { PORT };
        let hosts = servers(&login, hosts, port)?;
        if topology == Topology::Single && hosts.len() > 1 {
            return Err(RedisUrlError::Several);
        }
        Ok(Self { topology, hosts, tls, login, database })
    }

    /// The plain URL of one server, with the login and the database.
    pub fn server(&self, host: &str, port: u16) -> String {
        let scheme = if self.tls { "rediss" } else { "redis" };
        format!("{scheme}://{}{host}:{port}{}", self.login, self.database)
    }

    /// The plain URL of something beside the servers, which has no database.
    pub fn sentinel(host: &str, port: u16, tls: bool) -> String {
        let scheme = if tls { "rediss" } else { "redis" };
        format!("{scheme}://{host}:{port}")
    }

    /// [`RedisUrl::sentinel`] with the servers' login.
    pub fn sentinel_with_login(&self, host: &str, port: u16) -> String {
        let scheme = if self.tls { "rediss" } else { "redis" };
        format!("{scheme}://{}{host}:{port}", self.login)
    }

    /// Whether there is a user or a password.
    pub fn has_login(&self) -> bool {
        !self.login.is_empty()
    }
}

/// The servers of a list, each of which makes a URL together with the login.
fn servers(login: &str, list: &str, port: u16) -> Result<Vec<(String, u16)>, RedisUrlError> {
    let server = |(index, server): (usize, &str)| {
        let url = Url::parse(&format!("redis://{login}{server}")).ok();
        let host = url.as_ref().and_then(Url::host_str).filter(|host| !host.is_empty());
        let found =
            host.zip(url.as_ref()).map(|(host, url)| (host.to_owned(), url.port().unwrap_or(port)));
        found.ok_or(RedisUrlError::Server(index + 1))
    };
    list.split(',').enumerate().map(server).collect()
}

/// The database of a plain URL; options of the client library may follow it.
fn database(after: &str) -> Result<String, RedisUrlError> {
    let path = after.split(['?', '#']).next().unwrap_or_default();
    is_number(path.strip_prefix('/').unwrap_or_default()).ok_or(RedisUrlError::Database)?;
    Ok(after.to_owned())
}

fn sentinel(after: &str) -> Result<(Topology, String), RedisUrlError> {
    let path = after.strip_prefix('/').unwrap_or_default();
    let (master, db) = path.split_once('/').unwrap_or((path, ""));
    if master.is_empty() {
        return Err(RedisUrlError::Master);
    }
    is_number(db).ok_or(RedisUrlError::Database)?;
    let database = if db.is_empty() { String::new() } else { format!("/{db}") };
    Ok((Topology::Sentinel(master.to_owned()), database))
}

fn no_database(after: &str) -> Result<String, RedisUrlError> {
    matches!(after, "" | "/" | "/0").then(String::new).ok_or(RedisUrlError::ClusterDatabase)
}

/// Whether it is a number that a database can have, or nothing.
fn is_number(db: &str) -> Option<()> {
    (db.is_empty() || db.parse::<u32>().is_ok()).then_some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_url_means_one_server() {
        for (text, server) in [
            ("redis://host", "redis://host:6379"),
            ("redis://user:pw@host:6380/3", "redis://user:pw@host:6380/3"),
            ("rediss://:p%40w@host/1", "rediss://:p%40w@host:6379/1"),
            ("redis://[::1]:7/", "redis://[::1]:7/"),
        ] {
            let url = RedisUrl::parse(text).unwrap();
            let [(host, port)] = &url.hosts[..] else { panic!("{url:?}") };
            assert_eq!(url.server(host, *port), server);
            assert_eq!(url.topology, Topology::Single);
        }
    }

    #[test]
    fn sentinels_name_the_master_and_its_login_and_database_are_the_servers() {
        let url = RedisUrl::parse("rediss+sentinel://u:p@a:1,b,[::1]:2/mymaster/4").unwrap();
        assert_eq!(url.topology, Topology::Sentinel("mymaster".into()));
        let hosts: Vec<_> = url.hosts.iter().map(|(host, port)| (host.as_str(), *port)).collect();
        assert_eq!(hosts, [("a", 1), ("b", 26379), ("[::1]", 2)]);
        assert_eq!(url.server("10.0.0.1", 6379), "rediss://u:p@10.0.0.1:6379/4");
        assert_eq!(RedisUrl::sentinel("b", 26379, url.tls), "rediss://b:26379");
        assert_eq!(url.sentinel_with_login("b", 26379), "rediss://u:p@b:26379");
    }

    #[test]
    fn a_cluster_is_known_by_some_of_its_nodes() {
        let url = RedisUrl::parse("redis+cluster://:pw@a:7000,b").unwrap();
        assert_eq!(url.topology, Topology::Cluster);
        assert_eq!(url.hosts, [("a".to_owned(), 7000), ("b".to_owned(), 6379)]);
        assert_eq!(url.server("a", 7000), "redis://:pw@a:7000");
    }

    #[test]
    fn a_bad_url_is_refused_with_the_reason_and_never_repeated() {
        use RedisUrlError as Wrong;
        for (text, wrong) in [
            ("", Wrong::Scheme),
            ("127.0.0.1:6379", Wrong::Scheme),
            ("http://:s3cret@host", Wrong::Scheme),
            ("redis+wolke://:s3cret@host", Wrong::Scheme),
            ("redis://", Wrong::Server(1)),
            ("redis://:s3cret@", Wrong::Server(1)),
            ("redis://:s3cret@host:port", Wrong::Server(1)),
            ("redis://:s3cret@a,b", Wrong::Several),
            ("redis://:s3cret@host/notadb", Wrong::Database),
            ("redis+cluster://:s3cret@a,b:70000", Wrong::Server(2)),
            ("redis+cluster://:s3cret@a,,c", Wrong::Server(2)),
            ("redis+cluster://:s3cret@a/1", Wrong::ClusterDatabase),
            ("redis+cluster://:s3?cret@a", Wrong::Query),
            ("redis+sentinel://:s3cret@a:26379", Wrong::Master),
            ("redis+sentinel://:s3cret@a//0", Wrong::Master),
            ("redis+sentinel://:s3cret@a/mymaster/x", Wrong::Database),
            ("redis+sentinel://:s3cret@a/mymaster/1/2", Wrong::Database),
            ("redis+sentinel://:s3cret@a/mymaster#1", Wrong::Query),
        ] {
            let error = RedisUrl::parse(text).unwrap_err();
            assert_eq!(error, wrong, "{text}");
            assert!(!error.to_string().contains("s3"), "{error}");
        }
        let url = RedisUrl::parse("redis+cluster://:s3cret@a").unwrap();
        assert!(!format!("{url:?}").contains("s3cret"), "{url:?}");
    }
}
