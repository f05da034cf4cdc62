/** The buttons of a card: approve, change and approve, reject with a reason; and what a click is told. */

import { h } from "./dom.js";
import { isExact, makeEditForm } from "./edit-form.js";
import { heldReason } from "./notices.js";
import { isPending, mayApprove, person, requestOf, wantsOtherEyes } from "./approval-facts.js";

const REASON_MAX = 1000;

let reasons = 0;

/**
 * `card`: `{ request(), changed(told), say(text), focusCard() }`. `settle()` shows the buttons that may be there, once
 * nobody is at them.
 */
export function makeDecision(app, card) {
  const decision = { app, card, isBusy: false, form: null };
  const { buttons } = Object.assign(decision, makeButtons(decision));
  decision.place = h("div");
  decision.element = h("div", { class: "decision" }, buttons, decision.place);
  return { element: decision.element, settle: () => settle(decision) };
}

function makeButtons(decision) {
  const { app } = decision;
  const button = (name, look, act) =>
    h(
      "button",
      {
        type: "button",
        class: `button ${look}`.trim(),
        "data-act": name,
        onclick: (event) => clicked(decision, event, act),
      },
      app.t(`card.${name}`),
    );
  const approve = button("approve", "primary", () => approved(decision));
  const edit = button("edit", "", () => opened(decision, edit, editForm));
  const reject = button("reject", "danger", () => opened(decision, reject, rejectForm));
  return { approve, edit, reject, buttons: h("div", { class: "actions" }, approve, edit, reject) };
}

/** The second half of a double click is no answer, and one answer is enough. */
function clicked(decision, event, act) {
  if (event.detail > 1 || decision.isBusy) return;
  act();
}

/** Hides what may not be done, unless somebody has the focus there: they are told when they try. */
function settle(decision) {
  const request = decision.card.request();
  if (decision.element.contains(document.activeElement)) return;
  const mayYes = mayApprove(decision.app, request);
  decision.approve.hidden = !mayYes;
  decision.edit.hidden = !mayYes;
  if (!isPending(request)) closed(decision);
  decision.element.hidden = !isPending(request);
}

function setBusy(decision, isBusy) {
  decision.isBusy = isBusy;
  decision.form?.setBusy(isBusy);
  // Not `disabled`, which would take the focus away.
  for (const button of [decision.approve, decision.edit, decision.reject])
    button.setAttribute("aria-disabled", String(isBusy));
}

/** Opens a form below the buttons; one at a time. */
async function opened(decision, opener, make) {
  closed(decision);
  const form = await make(decision);
  if (form === null) return;
  decision.form = form;
  decision.opener = opener;
  opener.setAttribute("aria-expanded", "true");
  decision.place.replaceChildren(form.element);
  form.element.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || event.isComposing) return;
    event.stopPropagation();
    cancelled(decision);
  });
  form.focus();
}

function closed(decision) {
  decision.form = null;
  decision.place.replaceChildren();
  decision.opener?.removeAttribute("aria-expanded");
}

function cancelled(decision) {
  closed(decision);
  decision.opener?.focus();
}

/** The arguments to begin with: all of them, also where the card has only their beginning. */
async function editForm(decision) {
  const { app, card } = decision;
  const args = await wholeArguments(decision);
  if (args === null) return null;
  if (!isExact(args)) {
    card.say(app.t("edit.notHere"));
    return null;
  }
  const note = wantsOtherEyes(card.request()) ? app.t("edit.otherEyes") : null;
  return makeEditForm(app, args, {
    onSubmit: (args) => approved(decision, args),
    onCancel: () => cancelled(decision),
    note,
  });
}

async function wholeArguments(decision) {
  const { app, card } = decision;
  const request = card.request();
  if (request.context !== undefined && request.contextBytes === undefined) return request.context;
  setBusy(decision, true);
  try {
    return (await app.client.approvals.get(request.requestId)).context;
  } catch (error) {
    refused(decision, error);
    return null;
  } finally {
    setBusy(decision, false);
  }
}

function rejectForm(decision) {
  const { app } = decision;
  const id = `reason-${(reasons += 1)}`;
  const reason = h("textarea", { id, rows: 2, maxlength: REASON_MAX });
  const submit = h("button", { type: "submit", class: "button danger" }, app.t("reject.submit"));
  const cancel = h(
    "button",
    { type: "button", class: "button", onclick: () => cancelled(decision) },
    app.t("edit.cancel"),
  );
  const element = h(
    "form",
    { class: "reject-form", "aria-label": app.t("reject.title") },
    h("div", { class: "edit-field" }, h("label", { for: id }, app.t("reject.reason")), reason),
    h("div", { class: "actions" }, submit, cancel),
  );
  element.addEventListener("submit", (event) => {
    event.preventDefault();
    rejected(decision, reason.value.trim());
  });
  return {
    element,
    focus: () => reason.focus(),
    setBusy: (isBusy) => submit.setAttribute("aria-disabled", String(isBusy)),
  };
}

function approved(decision, args) {
  const options = args === undefined ? {} : { args };
  return decide(decision, (approvals, id) => approvals.approve(id, options), "approved");
}

function rejected(decision, reason) {
  const options = reason === "" ? {} : { reason };
  return decide(decision, (approvals, id) => approvals.reject(id, options), "rejected");
}

async function decide(decision, send, wanted) {
  if (decision.isBusy) return;
  const { app, card } = decision;
  const { requestId } = card.request();
  card.say("");
  setBusy(decision, true);
  try {
    const outcome = await send(app.client.approvals, requestId);
    await OUTCOMES[outcome.kind](decision, outcome, wanted);
  } catch (error) {
    refused(decision, error);
  } finally {
    setBusy(decision, false);
  }
}

/** What an answer of the server means for the card. */
const OUTCOMES = {
  async decided(decision, { status, isFirst, reason }, wanted) {
    const { app, card } = decision;
    if (isFirst) {
      const me = status === "approved" ? { approvedBy: app.user.id } : { rejectedBy: app.user.id };
      const { approvalsNeeded } = card.request();
      const all = status === "approved" ? { approvals: approvalsNeeded } : {};
      over(decision, {
        status,
        ...me,
        ...all,
        ...(reason === null ? {} : { reason }),
        canDecide: false,
        decidedByMe: true,
      });
      app.announce(app.t(`decided.${status}`));
      return;
    }
    await late(decision, status, wanted);
  },
  endorsed(decision, { approvals, approvalsNeeded }) {
    const { app, card } = decision;
    over(decision, { status: "pending", approvals, approvalsNeeded, canDecide: false, decidedByMe: true });
    card.say(app.t("decided.endorsed", { given: approvals, needed: approvalsNeeded }));
  },
  superseded(decision, { requestId, isFirst }) {
    const { app, card } = decision;
    const by = isFirst ? { rejectedBy: app.user.id } : {};
    over(decision, { status: "rejected", supersededBy: requestId, ...by, canDecide: false });
    card.say(app.t("decided.superseded"));
  },
};

/** Somebody else was first, or the clock: whoever clicked is told which decision stands, and whose it is. */
async function late(decision, status, wanted) {
  const { app, card } = decision;
  const { requestId } = card.request();
  const found = await app.client.approvals.get(requestId).catch(() => ({ status }));
  over(decision, { ...found, canDecide: false });
  const by = found.approvedBy ?? found.rejectedBy;
  const isMine = by === app.user.id && status === wanted;
  if (isMine) return app.announce(app.t(`decided.${status}`));
  const isByPerson = by !== undefined && (status === "approved" || status === "rejected");
  card.say(app.t(isByPerson ? `late.${status}` : `late.${status}Alone`, { who: person(app, by ?? "?") }));
}

/** The form goes, the buttons too if they may not stay, and the focus to the card, which says what became of it. */
function over(decision, told) {
  const { card } = decision;
  const hadFocus = decision.element.contains(document.activeElement);
  closed(decision);
  if (hadFocus) card.focusCard();
  card.changed(requestOf(told, card.request()));
}

/** Nothing was decided; the card says why. */
function refused(decision, error) {
  const { app, card, form } = decision;
  const { status, code, detail } = error;
  if (status === 400 && form?.showFault !== undefined) return form.showFault(detail ?? error.message);
  if (status === 404 || status === 403) {
    over(decision, status === 404 ? { status: "unknown", canDecide: false } : { canDecide: false });
    return card.say(app.t(status === 404 ? "refused.gone" : "refused.notYours"));
  }
  if (status === 409) return card.say(app.t("refused.held", { why: heldReason(error) ?? detail ?? error.message }));
  card.say(app.t("refused.failed", { why: code === "connection" ? app.t("refused.connection") : error.message }));
}
