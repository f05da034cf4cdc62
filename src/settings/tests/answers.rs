//! How the model is to answer, and what it is told first.

use std::time::Duration;

use secrecy::ExposeSecret;

use super::{faults, settings, with_file};

#[test]
fn what_a_model_is_asked_for_is_nothing_unless_it_is_set() {
    let model = settings(&[]).model;
    assert_eq!(
        (model.temperature, model.max_output_tokens, model.reasoning_effort),
        (None, None, None)
    );
    assert!(!model.logprobs && model.headers.is_empty());
    assert_eq!(model.first_token_timeout, Duration::from_secs(180));
    let file = "[model]\ntemperature = 0.25\nmax_output_tokens = 500\nreasoning_effort = \"low\"\n\
                logprobs = true\n";
    let model = with_file(file, &[]).check().unwrap().settings.model;
    assert_eq!((model.temperature, model.max_output_tokens), (Some(0.25), Some(500)));
    assert_eq!((model.reasoning_effort.as_deref(), model.logprobs), (Some("low"), true));
    for (written, read) in [("1", 1.0), ("0.7", 0.7), (" 2.0 ", 2.0), ("0", 0.0)] {
        let model = settings(&[("AURA__MODEL__TEMPERATURE", written)]).model;
        assert_eq!(model.temperature, Some(read), "{written}");
    }
    assert_eq!(
        with_file("[model]\ntemperature = 1\n", &[]).check().unwrap().settings.model.temperature,
        Some(1.0)
    );
}

#[test]
fn a_fraction_out_of_range_or_none_at_all_is_told() {
    for (written, is) in
        [("2.5", "2.5"), ("-0.1", "-0.1"), ("NaN", "NaN"), ("0,7", "\"0,7\""), ("warm", "\"warm\"")]
    {
        let expected = format!(
            "model.temperature (from AURA__MODEL__TEMPERATURE): must be a number from 0 to 2, is {is}"
        );
        assert_eq!(faults(&[("AURA__MODEL__TEMPERATURE", written)]), [expected]);
    }
    for (written, is) in
        [("inf", "inf"), ("2.5", "2.5"), ("true", "true or false"), ("[1]", "a list")]
    {
        let faults =
            with_file(&format!("[model]\ntemperature = {written}\n"), &[]).check().unwrap_err();
        let faults = faults.to_string();
        assert!(faults.ends_with(&format!("must be a number from 0 to 2, is {is}")), "{faults}");
    }
    let wordy = faults(&[("AURA__MODEL__REASONING_EFFORT", "very high")]);
    assert!(
        wordy[0].ends_with("must be one word, such as \"low\" or \"high\", is \"very high\""),
        "{wordy:?}"
    );
}

#[test]
fn headers_of_the_model_are_secret_and_not_the_protocols_own() {
    let file = "[model.headers]\nOpenAI-Project = \"hunter2\"\nX-Number = 7\n";
    let variable = ("AURA__MODEL__HEADERS__OPENAI_ORGANIZATION", "hunter2");
    let layers = with_file(file, &[variable]);
    let toml = layers.to_toml();
    assert!(!toml.contains("hunter2") && toml.matches("\"***\"").count() >= 3, "{toml}");
    let fault = layers.check().unwrap_err().to_string();
    assert!(
        fault.contains("model.headers.X-Number") && fault.ends_with("must be a text, is a number"),
        "{fault}"
    );

    let headers = settings(&[variable]).model.headers;
    assert_eq!(headers["openai-organization"].expose_secret(), "hunter2");
    for name in ["Authorization", "content-type", "Host", "api-key"] {
        let file = format!("[model.headers]\n{name} = \"hunter2\"\n");
        let fault = with_file(&file, &[]).check().unwrap_err().to_string();
        assert!(fault.ends_with("is set by the protocol itself"), "{fault}");
    }
    let file = "[model.headers]\nX-A = \"1\"\nx-a = \"2\"\n";
    let fault = with_file(file, &[]).check().unwrap_err().to_string();
    assert!(fault.ends_with("is the same header as X-A: set one of them"), "{fault}");
}

#[test]
fn instructions_are_a_text_or_a_file_and_a_bad_one_is_told() {
    let told = |text: &str| crate::domain::Instructions::new(text).ok();
    let here = ("AURA__AGENT__INSTRUCTIONS", "Be brief.");
    assert_eq!(settings(&[here]).agent.instructions, told("Be brief."));
    assert_eq!(settings(&[]).agent.instructions, None);

    let file = tempfile::NamedTempFile::new().unwrap();
    let variable = ("AURA__AGENT__INSTRUCTIONS_FILE", file.path().to_str().unwrap());
    let fault = || faults(&[variable]).remove(0);
    assert!(fault().contains("the file must hold some text"), "{}", fault());
    std::fs::write(&file, [0xff, 0xfe]).unwrap();
    assert!(fault().contains("must be a file of UTF-8 text"), "{}", fault());
    std::fs::write(&file, "x".repeat(40_000)).unwrap();
    assert!(fault().contains("the file must have at most 32768 bytes, has 40000"), "{}", fault());
    std::fs::write(&file, "간단히.\n둘째 줄.\n").unwrap();
    assert_eq!(settings(&[variable]).agent.instructions, told("간단히.\n둘째 줄."));

    let both = faults(&[variable, here]);
    assert!(both[0].ends_with("agent.instructions is set as well: set one of them"), "{both:?}");
    let missing = faults(&[("AURA__AGENT__INSTRUCTIONS_FILE", "/no/file")]);
    assert!(missing[0].contains("cannot be read: No such file"), "{missing:?}");
    assert_eq!((both.len(), missing.len()), (1, 1));
}
