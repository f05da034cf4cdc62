//! Which model is asked, with which key, and how far it may go.

use super::*;

#[test]
fn azure_needs_all_four_and_wins_over_open_ai() {
    let mut variables = vec![
        ("AZURE_OPENAI_ENDPOINT", "https://contoso.openai.azure.com"),
        ("AZURE_OPENAI_DEPLOYMENT", "chat"),
        ("OPENAI_API_KEY", "sk-hunter2"),
    ];
    let expected =
        "azure_openai: incomplete, set also AZURE_OPENAI_API_KEY, AZURE_OPENAI_API_VERSION";
    assert_eq!(faults(&variables), [expected]);
    variables.push(("AZURE_OPENAI_API_KEY", "hunter2"));
    variables.push(("AZURE_OPENAI_API_VERSION", "2024-10-21"));
    let checked = checked(&variables);
    assert!(matches!(checked.settings.provider, Provider::AzureOpenAi(_)));
    assert_eq!(checked.notes, ["[openai] has no effect: [azure_openai] wins"]);
}

#[test]
fn a_key_or_an_endpoint_of_ones_own_makes_it_open_ai() {
    let Provider::OpenAi(with_key) = settings(&[("OPENAI_API_KEY", "sk-1")]).provider else {
        panic!("a key was set");
    };
    assert_eq!(with_key.base_url.as_str(), "https://api.openai.com/v1");
    assert_eq!(with_key.model, "gpt-4o");
    let url = ("OPENAI_BASE_URL", "http://localhost:8000/v1");
    let own = [url, ("OPENAI_MODEL", "qwen")];
    let Provider::OpenAi(without) = settings(&own).provider else {
        panic!("an endpoint was set");
    };
    assert!(without.api_key.is_none());
    assert_eq!(without.model, "qwen");
    let expected = "openai.model: not set: set OPENAI_MODEL to the name of the model that \
                    OPENAI_BASE_URL is to be asked for";
    assert_eq!(faults(&[url]), [expected]);
    assert_eq!(faults(&[url, ("OPENAI_API_KEY", "k"), ("OPENAI_MODEL", " ")]), [expected]);
    assert!(matches!(settings(&[("OPENAI_MODEL", "qwen")]).provider, Provider::Builtin));
}

#[test]
fn a_fallback_needs_a_name_and_a_model_to_stand_in_for() {
    let first = ("OPENAI_API_KEY", "k");
    let named = ("AURA__MODEL__FALLBACK", "gpt-4o-mini");
    let fallback = settings(&[first, named]).model.fallback.unwrap();
    assert_eq!((fallback.model.as_str(), fallback.rest), ("gpt-4o-mini", Duration::from_secs(30)));
    assert!(fallback.base_url.is_none() && fallback.api_key.is_none());
    assert!(settings(&[first]).model.fallback.is_none());

    let nameless = &faults(&[first, ("AURA__MODEL__FALLBACK_API_KEY", "hunter2hunter2")])[0];
    assert!(nameless.starts_with("model.fallback: not set"), "{nameless}");
    let alone = &faults(&[named])[0];
    assert!(
        alone.starts_with("model.fallback (from AURA__MODEL__FALLBACK): there is no"),
        "{alone}"
    );
    let shown = layers(&[first, named, ("AURA__MODEL__FALLBACK_API_KEY", "hunter2hunter2")]);
    assert!(!shown.to_toml().contains("hunter2"));
}

#[test]
fn a_budget_of_zero_is_none() {
    let settings = settings(&[("AURA__AGENT__MAX_TOKENS_PER_DAY", "7")]);
    assert_eq!(settings.agent.max_tokens_per_day, Some(7));
    assert_eq!(settings.agent.max_tokens_per_run, None);
    assert_eq!(settings.model.context_tokens, Some(100_000));
}

#[test]
fn a_key_goes_over_plain_http_only_where_that_is_said() {
    let faults = |variables: &[(&str, &str)]| {
        let all: Vec<_> =
            [SECRET, ("OPENAI_MODEL", "m")].iter().chain(variables).copied().collect();
        layers(&all).check().err().map(|faults| faults.to_string())
    };
    let there = ("OPENAI_BASE_URL", "http://llm.internal:8080/v1");
    let key = ("OPENAI_API_KEY", "k");
    let fault = faults(&[there, key]).unwrap();
    assert!(fault.contains("OPENAI_BASE_URL") && fault.contains("llm.internal"), "{fault}");
    assert!(fault.contains("AURA__NETWORK__PLAIN_HTTP_HOSTS"), "{fault}");
    let named = ("AURA__NETWORK__PLAIN_HTTP_HOSTS", "llm.internal other");
    assert_eq!(faults(&[there, key, named]), None);
    assert_eq!(faults(&[there]), None, "no key, nothing to read on the way");
    for here in ["http://127.0.0.1:8080", "http://localhost/v1", "http://[::1]:1/", "https://h/"] {
        assert_eq!(faults(&[("OPENAI_BASE_URL", here), key]), None, "{here}");
    }
    let github = [("GITHUB_API_URL", "http://ghe.internal"), ("GITHUB_TOKEN", "k")];
    assert!(faults(&github).unwrap().contains("GITHUB_API_URL"));
    let header = ("AURA__MODEL__HEADERS__X_API_KEY", "k");
    assert!(faults(&[there, header]).unwrap().contains("OPENAI_BASE_URL"), "a header is a key");
    for (with_key, url) in [
        (true, "http://h/mcp?api_key=k"),
        (true, "http://h/mcp?x=ghp_k"),
        (true, "http://h/s/A1b2C3d4E5f6G7h8J9k0/mcp"),
        (false, "http://h/mcp?lang=ko"),
    ] {
        let fault = faults(&[("AURA__MCP__SERVERS__WIKI__URL", url)]);
        assert_eq!(fault.is_some(), with_key, "{url}: {fault:?}");
    }
}

#[test]
fn a_fault_of_the_hosts_of_plain_http_is_told_once_however_many_ask_for_them() {
    let file = "[network]\nplain_http_hosts = 5\n[github]\ntoken = \"k\"\n";
    let faults = with_file(file, &[("OPENAI_API_KEY", "k")]).check().unwrap_err().to_string();
    assert_eq!(faults.lines().count(), 1, "{faults}");
}
