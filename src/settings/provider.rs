//! Which model to ask: what the sections `openai` and `azure_openai` come to.

use super::azure_openai::AzureOpenAiSettings;
use super::check::Check;
use super::model::ModelSettings;
use super::network::NetworkSettings;
use super::openai::{OpenAiSettings, refuse_to_guess_the_model};

/// Which model to ask: sections `azure_openai` and `openai`, in this order.
#[derive(Clone, Debug)]
pub enum Provider {
    /// The deterministic planner: no provider is configured.
    Builtin,
    /// OpenAI, or whatever speaks its protocol.
    OpenAi(OpenAiSettings),
    /// Azure OpenAI.
    AzureOpenAi(AzureOpenAiSettings),
}

impl Provider {
    /// `None` only together with a fault.
    pub(super) fn read(
        check: &mut Check,
        network: &NetworkSettings,
        model: &ModelSettings,
    ) -> Option<Self> {
        let open_ai = OpenAiSettings::read(check, network, !model.headers.is_empty());
        let azure = AzureOpenAiSettings::read(check, network)?;
        Some(match (azure, open_ai?) {
            (Some(azure), open_ai) => {
                if open_ai.is_some() {
                    check.note("[openai] has no effect: [azure_openai] wins".to_owned());
                }
                Self::AzureOpenAi(azure)
            }
            (None, Some(open_ai)) => {
                refuse_to_guess_the_model(check);
                Self::OpenAi(open_ai)
            }
            (None, None) => Self::Builtin,
        })
    }
}
