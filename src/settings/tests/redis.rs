//! Where Redis is.

use secrecy::ExposeSecret;

use super::{checked, faults, settings, with_file};

fn redis(variables: &[(&str, &str)]) -> String {
    settings(variables).redis.server.unwrap().url.expose_secret().to_owned()
}

#[test]
fn redis_is_a_url_or_its_parts() {
    assert_eq!(redis(&[("REDIS_URL", "rediss://h:1/2")]), "rediss://h:1/2");
    assert_eq!(redis(&[("REDIS_HOST", "cache")]), "redis://cache:6379");
    assert_eq!(redis(&[("REDIS_PORT", "7000")]), "redis://localhost:7000");
    let parts = [("REDIS_HOST", "::1"), ("REDIS_PASSWORD", "p@:/ %41")];
    assert_eq!(redis(&parts), "redis://:p%40%3A%2F%20%2541@[::1]:6379");
}

#[test]
fn redis_may_be_behind_sentinel_or_a_cluster() {
    for url in ["redis+sentinel://:pw@a:26379,b/mymaster/1", "rediss+cluster://:pw@a:7000,b"] {
        assert_eq!(redis(&[("REDIS_URL", url)]), url);
    }
    for (url, problem) in [
        ("redis+cluster://:hunter2@a,b:x", "server 2 of the URL must be host or host:port"),
        ("redis+cluster://:hunter2@a/1", "must end after the servers: a cluster has no databases"),
        ("redis://:hunter2@a,b", "several servers need redis+sentinel:// or redis+cluster://"),
        (
            "redis+sentinel://:hunter2@a",
            "must name the master after the sentinels: redis+sentinel://host:port/<master-name>",
        ),
    ] {
        let expected = format!("redis.url (from REDIS_URL): {problem}");
        assert_eq!(faults(&[("REDIS_URL", url)]), [expected]);
    }
}

#[test]
fn the_url_of_redis_wins_over_parts_of_its_layer_and_that_is_told() {
    // Kubernetes sets such a REDIS_PORT for every service that is named redis.
    let both = [("REDIS_URL", "redis://a"), ("REDIS_PORT", "tcp://10.0.0.1:6379")];
    let checked = checked(&both);
    assert_eq!(checked.settings.redis.server.unwrap().url.expose_secret(), "redis://a");
    assert_eq!(checked.notes, ["redis.port (from REDIS_PORT) has no effect: redis.url wins"]);

    let layers = with_file("[redis]\nurl = \"redis://a\"\n", &[("REDIS_HOST", "b")]);
    let checked = layers.check().unwrap();
    assert_eq!(checked.settings.redis.server.unwrap().url.expose_secret(), "redis://b:6379");
    assert_eq!(checked.notes.len(), 1);
}
