//! Who may do what: roles, approvers, auditors.

use super::*;

#[test]
fn an_audit_key_has_at_least_as_many_bytes_as_what_it_makes() {
    let short = faults(&[("AURA__AUDIT__KEY", "short")]);
    assert_eq!(short, ["audit.key (from AURA__AUDIT__KEY): must have at least 32 bytes, has 5"]);
    assert!(settings(&[("AURA__AUDIT__KEY", &"k".repeat(32))]).audit.key.is_some());
    assert!(settings(&[]).audit.key.is_none());
}

#[test]
fn the_role_of_auditors_can_be_named_and_taken_away() {
    let role = |value| {
        let role = settings(&[("AURA__AUDIT__ROLE", value)]).audit.role;
        role.map(|role| role.to_string())
    };
    assert_eq!(role(" revision ").as_deref(), Some("revision"));
    assert_eq!(role("").as_deref(), Some("auditor"), "an empty variable says nothing");
    assert_eq!(role("none"), None);
}

#[test]
fn roles_are_given_to_users_in_a_file_and_in_the_environment() {
    let file = "[auth.roles]\nmaintainer = [\"1/7\", \"1/8\"]\n\"Site Lead\" = [\"2/a/b\"]\n";
    let variables =
        [("AURA__AUTH__ROLES__AUDITOR", "1/7, 2/7"), ("AURA__AUTH__ROLES__OPERATOR", "")];
    let grants = with_file(file, &variables).check().unwrap().settings.auth.roles;
    let roles = |tenant: &str, user: &str| {
        grants.complete(Roles::default(), &TenantId::new(tenant), &UserId::new(user))
    };
    let named = |names: &[&str]| names.iter().filter_map(|name| Role::named(name)).collect();
    assert_eq!(roles("1", "7"), named(&["auditor", "maintainer"]));
    assert_eq!(roles("1", "8"), named(&["maintainer"]));
    assert_eq!(roles("2", "7"), named(&["auditor"]));
    assert_eq!(roles("2", "a/b"), named(&["Site Lead"]));
    assert_eq!(roles("1", "1"), Roles::default());
    assert!(with_file("[auth.roles]\n", &[]).check().is_ok());
}

#[test]
fn what_is_wrong_with_a_role_is_told_precisely() {
    let form = "every entry must be <tenant>/<user>, for instance 1/7, is";
    for (value, problem) in [
        ("7", format!("{form} \"7\"")),
        ("1/7 8", format!("{form} \"8\"")),
        ("/7", format!("{form} \"/7\"")),
        ("1/", format!("{form} \"1/\"")),
        ("1/*", "every entry must name one user, there is no \"*\", is \"1/*\"".to_owned()),
    ] {
        let expected = format!("auth.roles.admin (from AURA__AUTH__ROLES__ADMIN): {problem}");
        assert_eq!(faults(&[("AURA__AUTH__ROLES__ADMIN", value)]), [expected]);
    }
    let faults =
        with_file("[auth.roles]\nadmin = 7\n\" \" = [\"1/7\"]\n", &[]).check().unwrap_err();
    let faults: Vec<_> = faults.iter().map(|fault| fault.problem.as_str()).collect();
    assert_eq!(faults, ["a role's name must not be blank", "must be a list of texts"]);
}

#[test]
fn approvals_are_set_by_the_name_of_the_tool() {
    let file = "[tools.approval]\ngit_merge = \"none\"\n\"Mail.Send\" = \"required\"\n";
    let layers = with_file(file, &[("AURA__TOOLS__APPROVAL__GIT_STATUS", "required")]);
    let rules = layers.check().unwrap().settings.tools.approval;
    assert_eq!(rules["git_merge"], ApprovalRule::None);
    assert_eq!(rules["Mail.Send"], ApprovalRule::Required);
    assert_eq!(rules["git_status"], ApprovalRule::Required);
    let faults = faults(&[("AURA__TOOLS__APPROVAL__GIT_MERGE", "never")]);
    let expected = "tools.approval.git_merge (from AURA__TOOLS__APPROVAL__GIT_MERGE): must be \
                    \"required\" or \"none\", is \"never\"";
    assert_eq!(faults, [expected]);
}

#[test]
fn a_rule_that_was_left_empty_is_a_fault_and_not_the_loosest_rule() {
    let file = "[tools.approvers]\ngit_merge = \"\"\n[tools.approval]\ngit_status = \" \"\n";
    let faults = with_file(file, &[]).check().unwrap_err();
    let faults: Vec<_> = faults.iter().map(ToString::to_string).collect();
    let [approval, approvers] = &faults[..] else { panic!("{faults:?}") };
    assert!(approval.ends_with("must be \"required\" or \"none\", is \" \""), "{approval}");
    assert!(approvers.starts_with("tools.approvers.git_merge (from "), "{approvers}");
}

#[test]
fn a_tool_can_have_a_time_of_its_own_up_to_thirty_days() {
    let file = "[hitl.timeouts]\ngithub_merge_pr = 2592000\n\"wiki.edit\" = 1\n";
    let variables = [("AURA__HITL__TIMEOUTS__GIT_MERGE", "60")];
    let timeouts = with_file(file, &variables).check().unwrap().settings.hitl.timeouts;
    let seconds: Vec<(&str, u64)> =
        timeouts.iter().map(|(tool, time)| (tool.as_str(), time.as_secs())).collect();
    assert_eq!(seconds, [("git_merge", 60), ("github_merge_pr", 2_592_000), ("wiki.edit", 1)]);
    for (value, problem) in [
        ("0", "must be 1 to 2592000, is 0"),
        ("2592001", "must be 1 to 2592000, is 2592001"),
        ("soon", "must be a whole number from 1 to 2592000, is \"soon\""),
    ] {
        let name = "AURA__HITL__TIMEOUTS__GIT_MERGE";
        let expected = format!("hitl.timeouts.git_merge (from {name}): {problem}");
        assert_eq!(faults(&[(name, value)]), [expected]);
    }
}
