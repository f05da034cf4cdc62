/** A component as a frontend would write it, in strict mode; the test drives it. */

import { AuraClient } from "@dwp/aura-client";
import { useAuraRun } from "@dwp/aura-client/react";
import { StrictMode, useEffect, useState } from "react";
import { createRoot } from "react-dom/client";

const settings = new URLSearchParams(location.search);
const setting = (name: string): string => settings.get(name) ?? "";
const client = new AuraClient({
  baseUrl: setting("server"),
  token: setting("token"),
  tenantId: setting("tenant"),
  retry: { initialDelayMs: 5, maxDelayMs: 100, maxAttempts: 100 },
});

function Run() {
  const run = useAuraRun(client);
  const { start, join, pendingApproval: asked } = run;
  // Strict mode runs this twice, and mounts the component twice.
  useEffect(() => {
    if (setting("session") === "") start(setting("prompt"));
    else join(setting("session"));
  }, [start, join]);
  return (
    <section>
      <output id="status">{run.error?.message ?? run.status}</output>
      <output id="session">{run.sessionId}</output>
      <output id="ids">{run.events.map(({ id }) => id).join(" ")}</output>
      <output id="answer">{run.answer}</output>
      <output id="plan">{run.plan.map(({ title, status }) => `${title}: ${status}`).join("; ")}</output>
      <output id="tools">{run.tools.map(({ toolName, status }) => `${toolName}: ${status}`).join("; ")}</output>
      <output id="question">{asked?.message}</output>
      <button id="approve" onClick={() => asked && void run.approve(asked.requestId)} />
      <button id="reject" onClick={() => asked && void run.reject(asked.requestId, { reason: "아니요" })} />
      <button id="cancel" onClick={() => void run.cancel()} />
    </section>
  );
}

function Page() {
  const [isShown, setShown] = useState(true);
  const [renders, setRenders] = useState(0);
  return (
    <>
      <button id="toggle" onClick={() => setShown(!isShown)} />
      <button id="render" onClick={() => setRenders(renders + 1)} />
      {isShown && <Run />}
    </>
  );
}

const root = document.getElementById("root");
if (root !== null)
  createRoot(root).render(
    <StrictMode>
      <Page />
    </StrictMode>,
  );
