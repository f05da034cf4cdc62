//! x
/// x
pub struct Planner;
impl Planner { /// x
 pub fn new() -> Self { Self } }
#[async_trait::async_trait]
impl super::ChatModel for Planner { fn name(&self)->&str {"x"} async fn chat(&self, _r: super::ChatRequest) -> Result<super::Turn, super::ModelError> { Err(super::ModelError::Broken(String::new())) } }
