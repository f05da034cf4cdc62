//! What a server tells of itself at `GET /metrics`.

use reqwest::Method;

use crate::app::Server;

impl Server {
    /// The value of a metric without labels.
    pub async fn metric(&self, name: &str) -> u64 {
        let answered = self.anonymous(Method::GET, "/metrics").send().await.unwrap();
        let text = answered.text().await.unwrap();
        let of_it = |line: &str| line.strip_prefix(name)?.strip_prefix(' ').map(str::to_owned);
        let value = text.lines().find_map(of_it).unwrap_or_else(|| panic!("no {name} in {text}"));
        value.trim().parse().unwrap()
    }
}
