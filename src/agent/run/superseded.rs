//! Arguments that somebody has changed where another person has to see them: whoever changes them cannot
//! approve them too, so they are asked about anew (contract, section 5.3, 9).
//!
//! The review writes one decision: the request that was asked is rejected, and superseded by another one,
//! which has its id from then on. Whoever has the run asks that. A crash between the two loses nothing:
//! the decision is stored, then in the journal, and what follows from it is the same for every owner.

use super::prepared::Refusal;
use super::record::PlannedCall;
use super::step::{Flow, Run, Step};
use crate::domain::{ApprovalRequest, Decision, RequestId};

impl Run {
    /// Asks about the changed arguments, in the name of whoever changed them, as request `next`.
    pub(super) async fn ask_instead(
        &mut self,
        planned: &PlannedCall,
        request: &ApprovalRequest,
        decision: &Decision,
        next: &RequestId,
    ) -> Step {
        let (Some(args), Some(user)) = (&decision.args, decision.author.named()) else {
            let error = "the changed arguments, or who changed them, are not known";
            return self.refuse_instead(planned, request, next, Refusal::Other(error.into())).await;
        };
        let changed = ApprovalRequest { context: args.clone(), ..request.clone() };
        let ready = match self.ready_as_approved(planned, &changed).await {
            Ok(ready) => ready,
            Err(refusal) => return self.refuse_instead(planned, request, next, refusal).await,
        };
        match self.cancel.clone().run_until_cancelled(ready.prepare(self.state.language)).await {
            Some(Ok(prepared)) => {
                let question = self.question(planned, prepared, None).asked_by(user, next);
                self.ask(vec![question]).await
            }
            Some(Err(error)) => {
                let refusal = Refusal::Other(error.to_string());
                self.refuse_instead(planned, request, next, refusal).await
            }
            None => Ok(Flow::Next),
        }
    }

    /// Nobody is asked about a call that was asked about before: it gives its place back. A former owner may have
    /// noted what comes next already.
    async fn refuse_instead(
        &mut self,
        planned: &PlannedCall,
        request: &ApprovalRequest,
        next: &RequestId,
        refusal: Refusal,
    ) -> Step {
        self.leave_place(&planned.call.id).await?;
        self.ctx.take_back(&request.session_id, next, request.deadline).await;
        self.refuse(planned, refusal).await
    }
}
