//! Connections that are lost, and people who leave.

use reqwest::Method;

use super::{MERGE, ask, run, session_of};
use crate::support::app::{Options, Server, answer, binary};
use crate::support::cutting::{Cut, CuttingProxy};
use crate::support::terminal::Terminal;

const LONG: &str = "words=400 안녕하세요";

async fn sessions(server: &Server) -> usize {
    let request = server.user().request(Method::GET, "/aura/sessions");
    let answer = answer(request.send().await.unwrap()).await;
    answer.data()["sessions"].as_array().unwrap().len()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_is_followed_over_lost_connections_without_loss_or_repetition() {
    let server = Server::embedded().await;
    // Nothing at all of the first answer; then the head; then within events, again and again.
    let proxy =
        CuttingProxy::to(server.base(), &[0, 40, 700, 1500, 3000, 9000].map(Cut::After)).await;
    let ended = run(ask(&proxy.base(), &[LONG])).await;
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(proxy.connections() > 6, "{}", proxy.connections());
    assert_eq!(sessions(&server).await, 1, "a lost first answer starts nothing twice");
    let mut stream = server.user().resume(&session_of(&ended.stderr), None).await;
    stream.to_done().await;
    assert_eq!(ended.stdout, format!("{}\n", stream.answer()));
    assert!(ended.stderr.contains("(connection lost ("), "{}", ended.stderr);
    assert!(ended.stderr.contains("(connected again)"), "{}", ended.stderr);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_approval_whose_answer_is_lost_is_sent_again_and_decides_nothing_twice() {
    let server = Server::embedded().await;
    // The stream, the stored request, and the decision, whose answer is lost.
    let proxy =
        CuttingProxy::to(server.base(), &[Cut::Never, Cut::Never, Cut::After(0), Cut::After(0)])
            .await;
    let ended = run(ask(&proxy.base(), &["--approve", MERGE])).await;
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let mut stream = server.user().resume(&session_of(&ended.stderr), None).await;
    stream.to_done().await;
    let runs = stream.all("tool_execution").into_iter().filter(|f| f.data["status"] == "running");
    assert_eq!(runs.count(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_decision_given_beforehand_is_sent_until_the_server_takes_it() {
    let server = Server::embedded().await;
    for (flags, code) in [(&["--approve"][..], 0), (&["--reject", "not now"], 1)] {
        // The stream, and then nothing of the stored request and of the first five decisions.
        let mut cuts = [Cut::Unreached; 7];
        cuts[0] = Cut::Never;
        let proxy = CuttingProxy::to(server.base(), &cuts).await;
        let ended = run(ask(&proxy.base(), &[flags, &[MERGE]].concat())).await;
        assert_eq!(ended.code, code, "{}", ended.stderr);
        assert!(proxy.connections() > 5, "{}", proxy.connections());
        assert_eq!(ended.stderr.matches("(not decided yet, sent again: ").count(), 1);
        let detail = format!("/aura/sessions/{}", session_of(&ended.stderr));
        let status = server.user().get(&detail).await.data()["status"].clone();
        assert_eq!(status, if code == 0 { "completed" } else { "rejected" }, "{}", ended.stderr);
        if code == 0 {
            // There is something to merge again.
            crate::support::git::git(server.workspace(), &["reset", "--hard", "HEAD~1"]);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ctrl_c_leaves_the_run_alone_and_says_how_to_come_back() {
    let server = Server::embedded().await;
    let mut terminal = Terminal::start(ask(server.base(), &[MERGE]), None);
    terminal.shows("[y]es, [n]o, [e]dit", 1).await;
    terminal.interrupt();
    let (code, seen) = terminal.ended().await;
    assert_eq!(code, 130, "{seen}");
    let session = session_of(&seen);
    let (program, base) = (binary().display().to_string(), server.base());
    let way = format!("'{program}' ask --url '{base}' --session {session}");
    assert!(seen.lines().any(|line| line == way), "{way} is no line of {seen}");
    assert!(!seen.contains("error:"), "{seen}");

    let mut again = Terminal::start(ask(server.base(), &["--session", &session]), None);
    again.shows("[y]es, [n]o, [e]dit", 1).await;
    again.types("y\n");
    let (code, seen) = again.ended().await;
    assert_eq!(code, 0, "{seen}");
    // Whoever comes back once more sees all of it, and is asked nothing.
    let ended = run(ask(server.base(), &["--session", &session])).await;
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(!ended.stderr.contains("stdin is no terminal"), "{}", ended.stderr);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_is_followed_over_a_restart_of_the_server() {
    let redis = crate::support::redis::RedisServer::start();
    let port = crate::support::redis::free_port();
    let options = || Options::default().set("REDIS_URL", redis.url()).set("API_PORT", port);
    let server = Server::start(options()).await;
    let base = server.base().to_owned();
    let mut terminal = Terminal::start(ask(&base, &[MERGE]), None);
    terminal.shows("[y]es, [n]o, [e]dit", 1).await;
    server.kill().await;
    terminal.shows("(connection lost (", 1).await;
    let _server = Server::start(options()).await;
    terminal.shows("(connected again)", 1).await;
    terminal.types("n\n");
    terminal.shows("reason", 1).await;
    terminal.types("\n");
    let (code, seen) = terminal.ended().await;
    assert_eq!(code, 1, "{seen}");
    assert!(seen.contains("error: the run was rejected"), "{seen}");
}
