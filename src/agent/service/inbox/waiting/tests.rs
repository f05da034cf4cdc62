use std::time::Duration;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::domain::{
    ApprovalRequest, Approvers, Author, Deadline, InboxChange, Language, Quorum, Role, Roles,
    SessionId, Standing, TenantId,
};

const START: u64 = 1_706_152_860_000;

fn item(n: u64, tool: &str, user: &str, endorsed_by: &[&str]) -> InboxItem {
    let created_at = UnixMs::new(START + n / 2);
    let request = ApprovalRequest {
        request_id: RequestId::new(format!("req_{n:012x}")),
        session_id: SessionId::new(format!("session_{user}_{n}_ab")),
        user_id: UserId::new(user),
        tenant_id: TenantId::new("tenant1"),
        action_type: tool.into(),
        context: json!({}),
        message: String::new(),
        language: Language::default(),
        standing: Standing::Pending,
        created_at,
        deadline: Deadline::after(created_at, Duration::from_millis(100)),
        quorum: Quorum {
            approvals: u32::try_from(endorsed_by.len()).unwrap(),
            ..Quorum::from(&Approvers::default())
        },
        tool_call_id: None,
        args_hash: None,
        preview: None,
        more: serde_json::Map::new(),
    };
    InboxItem {
        change: InboxChange::Asked,
        at_ms: created_at,
        request,
        prompt: String::new(),
        endorsed_by: endorsed_by.iter().map(|user| UserId::new(*user)).collect(),
        author: Author::Nobody,
    }
}

fn caller(name: &str) -> Caller {
    let (tenant, user) = (TenantId::new("tenant1"), UserId::new(name));
    Caller { tenant, user, roles: Roles::default() }
}

fn ids<'a>(items: impl IntoIterator<Item = &'a InboxItem>) -> Vec<String> {
    items.into_iter().map(|item| item.request.request_id.to_string()).collect()
}

/// What may happen to what waits.
#[derive(Clone, Debug)]
enum Happens {
    Put { n: u64, tool: usize, user: usize, said: usize },
    Remove(u64),
    Expire(u64),
    KeepOnly { from: u64, to: u64, kept: Vec<u64> },
}

const TOOLS: [&str; 3] = ["anybody", "not_requester", "role"];
const USERS: [&str; 3] = ["kim", "lee", "park"];

fn happens() -> impl Strategy<Value = Happens> {
    let n = 0..20_u64;
    prop_oneof![
        6 => (n.clone(), 0..3_usize, 0..3_usize, 0..=3_usize)
            .prop_map(|(n, tool, user, said)| Happens::Put { n, tool, user, said }),
        2 => n.clone().prop_map(Happens::Remove),
        1 => (90..115_u64).prop_map(Happens::Expire),
        1 => (n.clone(), n.clone(), proptest::collection::vec(n, 0..10))
            .prop_map(|(from, to, kept)| Happens::KeepOnly { from, to, kept }),
    ]
}

/// The same, told one by one.
fn tell(waiting: &mut Waiting, plain: &mut Vec<InboxItem>, happens: Happens) {
    match happens {
        Happens::Put { n, tool, user, said } => {
            let item = item(n, TOOLS[tool], USERS[user], &USERS[..said]);
            waiting.put(Arc::new(item.clone()));
            let known =
                plain.iter().position(|it| it.request.request_id == item.request.request_id);
            match known.map(|at| &mut plain[at]) {
                Some(known) if known.endorsed_by.len() >= said => {}
                Some(known) => *known = item,
                None => plain.push(item),
            }
        }
        Happens::Remove(n) => {
            let id = item(n, "", "", &[]).request.request_id;
            waiting.remove(&id);
            plain.retain(|item| item.request.request_id != id);
        }
        Happens::Expire(at) => {
            let now = UnixMs::new(START + at);
            waiting.expire(now);
            plain.retain(|item| !item.request.deadline.has_passed(now));
        }
        Happens::KeepOnly { from, to, kept } => {
            let place = |n: u64| place_of(&item(n, "", "", &[]));
            let (lower, upper) = (place(from.min(to)), place(from.max(to)));
            let kept = kept.into_iter().map(|n| place(n).request).collect();
            waiting.keep_only(Some(&upper), Some(&lower), &kept);
            let is_between = |item: &InboxItem| lower <= place_of(item) && place_of(item) < upper;
            plain.retain(|item| !is_between(item) || kept.contains(&item.request.request_id));
        }
    }
}

proptest! {
    #[test]
    fn the_count_and_the_pages_are_those_of_going_through_them_one_by_one(
        all in proptest::collection::vec(happens(), 1..80),
    ) {
        let policy: ApproverPolicy = [
            ("not_requester".to_owned(), "2 of not_requester".parse::<Approvers>().unwrap()),
            ("role".to_owned(), "role:manager".parse::<Approvers>().unwrap()),
        ].into_iter().collect();
        let manager = |name| Caller { roles: Role::named("manager").into_iter().collect(), ..caller(name) };
        let callers = [caller("kim"), caller("lee"), manager("park"), caller("choi")];
        let (mut waiting, mut plain) = (Waiting::default(), Vec::new());
        for happens in all {
            tell(&mut waiting, &mut plain, happens);
            for caller in &callers {
                let may = |item: &&InboxItem| {
                    let ApprovalRequest { action_type, user_id, .. } = &item.request;
                    policy.of(action_type).include(caller, user_id) && !item.endorsed_by.contains(&caller.user)
                };
                prop_assert_eq!(waiting.count(caller, &policy), plain.iter().filter(may).count());
            }
            plain.sort_by_key(|item| std::cmp::Reverse(place_of(item)));
            for item in &plain {
                prop_assert_eq!(waiting.of_session(&item.request.session_id).len(), 1);
            }
            let page = |before, most| waiting.page(before, most);
            prop_assert_eq!(ids(page(None, 100).iter().map(|item| &**item)), ids(&plain));
            if let Some(second) = plain.get(1) {
                let after = page(Some(&place_of(second)), 3);
                prop_assert_eq!(ids(after.iter().map(|item| &**item)), ids(plain[2..].iter().take(3)));
            }
        }
        for item in &plain {
            waiting.remove(&item.request.request_id);
        }
        let is_empty = waiting.asked.is_empty() && waiting.endorsed.is_empty() && waiting.sessions.is_empty() && waiting.due.is_empty();
        prop_assert!(is_empty, "nothing is left of what waits no more: {:?}", waiting);
    }
}

#[test]
fn of_very_many_the_oldest_go() {
    let mut waiting = Waiting::default();
    let many = MOST as u64 + 3;
    for n in 0..many {
        waiting.put(Arc::new(item(n, "anybody", "kim", &[])));
    }
    assert_eq!((waiting.items.len(), waiting.places.len(), waiting.due.len()), (MOST, MOST, MOST));
    assert_eq!(waiting.count(&caller("lee"), &ApproverPolicy::default()), MOST);
    assert!(waiting.get(&item(2, "", "", &[]).request.request_id).is_none());
    assert!(waiting.get(&item(3, "", "", &[]).request.request_id).is_some());
}
