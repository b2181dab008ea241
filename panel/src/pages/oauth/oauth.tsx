/** Logins at providers: each a row with its link, its progress and its end. */

import { useEffect, useState } from "preact/hooks";
import { ApiError } from "../../api/client";
import { fmt, t } from "../../i18n/language";
import { say } from "../../i18n/say";
import { useData } from "../../state/freshness";
import { redact } from "../../text/mask";
import { Block } from "../../ui/block";
import { Button, CopyButton, Field } from "../../ui/controls";
import { Facts } from "../../ui/facts";
import { asApiError } from "../../ui/overlay";
import { readPlugins } from "../plugins/data";
import { abandon, begin, finish, importVertex, isWeb, progressOf, type Imported, type Started } from "./login";

interface Provider {
  readonly id: string;
  readonly title: string;
  /** Whether CPA catches the browser on its own machine. */
  readonly helped: boolean;
  /** What may be pasted when the browser is on another machine. */
  readonly paste: "" | "address" | "code";
}

const PROVIDERS: readonly Provider[] = [
  { id: "codex", title: "Codex", helped: true, paste: "address" },
  { id: "anthropic", title: "Claude", helped: true, paste: "address" },
  { id: "antigravity", title: "Antigravity", helped: true, paste: "address" },
  { id: "xai", title: "xAI", helped: true, paste: "code" },
  { id: "kimi", title: "Kimi", helped: false, paste: "" },
];

const POLL_MS = 3_000;

export function OAuth() {
  // Plugins may bring providers of their own; an old CPA has none.
  const data = useData("oauth-plugins", async (signal) => (await readPlugins(signal).catch(() => null))?.plugins ?? []);
  const own = (data.now.value.value ?? []).filter((plugin) => plugin.supports_oauth && plugin.oauth_provider && plugin.effective_enabled);
  const more = own.map((plugin): Provider => ({ id: plugin.oauth_provider ?? "", title: plugin.metadata?.name || plugin.id, helped: false, paste: "address" }));
  return (
    <Block id="oauth" data={data}>
      {() => (
        <ul class="logins">
          {[...PROVIDERS, ...more].map((provider) => (
            <Login key={provider.id} provider={provider} />
          ))}
          <Vertex />
        </ul>
      )}
    </Block>
  );
}

type Step = "idle" | "starting" | "waiting" | "done" | "failed";

function Login({ provider }: { readonly provider: Provider }) {
  const [step, setStep] = useState<Step>("idle");
  const [started, setStarted] = useState<Started | null>(null);
  const [error, setError] = useState("");
  const fail = (text: string) => {
    setError(text);
    setStep("failed");
  };
  const start = async () => {
    setStep("starting");
    try {
      const found = await begin(provider.id, provider.helped);
      setStarted(found);
      if (!found.state || !isWeb(found.url)) fail(t("oauth.noState"));
      else setStep("waiting");
    } catch (reason) {
      fail(reason instanceof ApiError && reason.status === 404 ? t("oauth.tooOld") : say(asApiError(reason)));
    }
  };
  const cancel = () => {
    if (started) abandon(started.state);
    setStep("idle");
  };
  return (
    <li data-row={provider.id} data-step={step}>
      <div class="bar-line">
        <b>{provider.title}</b>
        <Status step={step} />
        <span class="grow" />
        {step === "waiting" ? <Button action="cancel" onClick={cancel}>{t("common.cancel")}</Button> : <Button action="start" busy={step === "starting"} onClick={() => void start()}>{t(step === "failed" ? "common.retry" : "oauth.start")}</Button>}
      </div>
      {step === "waiting" && started && <Waiting provider={provider} started={started} onDone={() => setStep("done")} onFail={fail} />}
      {step === "failed" && <p class="bad-text" role="alert">{error}</p>}
      {step === "done" && (
        <p>
          {t("oauth.done")} <a href="#/accounts">{t("creds.title")}</a>
        </p>
      )}
    </li>
  );
}

const TONES: Readonly<Record<Step, string>> = { idle: "", starting: "", waiting: "warn", done: "good", failed: "bad" };

function Status({ step }: { readonly step: Step }) {
  return step === "idle" ? null : <span class={`badge ${TONES[step]}`} role="status">{t(`oauth.${step}`)}</span>;
}

interface WaitingProps {
  readonly provider: Provider;
  readonly started: Started;
  readonly onDone: () => void;
  readonly onFail: (text: string) => void;
}

function Waiting({ provider, started, onDone, onFail }: WaitingProps) {
  const [begun] = useState(Date.now());
  const [now, setNow] = useState(begun);
  const [pasted, setPasted] = useState("");
  const [busy, setBusy] = useState(false);
  const [refused, setRefused] = useState("");
  useEffect(() => {
    const aborter = new AbortController();
    let timer = 0;
    const poll = async () => {
      try {
        const { status, error } = await progressOf(started.state, aborter.signal);
        if (status === "ok") return onDone();
        if (status === "error") return onFail(redact(error ?? ""));
      } catch (reason) {
        // CPA may be gone for a moment; what it says of the login counts.
        if (aborter.signal.aborted) return;
        if (reason instanceof ApiError && reason.status === 400) return onFail(say(reason));
      }
      timer = window.setTimeout(() => void poll(), POLL_MS);
    };
    timer = window.setTimeout(() => void poll(), POLL_MS);
    const clock = setInterval(() => setNow(Date.now()), 1000);
    return () => {
      aborter.abort();
      clearTimeout(timer);
      clearInterval(clock);
    };
  }, [started.state]);
  const send = async () => {
    setBusy(true);
    setRefused("");
    await finish(provider.id, started.state, pasted).then(() => setPasted(""), (reason: unknown) => setRefused(say(asApiError(reason))));
    setBusy(false);
  };
  return (
    <div class="waiting">
      <p class="bar-line">
        <a href={started.url} target="_blank" rel="noopener noreferrer" data-action="open">{t("oauth.open")}</a>
        <CopyButton text={started.url} label={t("oauth.copy")} />
        <span class="dim">{now - begun >= 1000 && fmt.value.duration(Math.floor((now - begun) / 1000) * 1000)}</span>
      </p>
      {started.userCode && <p>{t("oauth.userCode")} <b class="mono">{started.userCode}</b> <CopyButton text={started.userCode} /></p>}
      {provider.paste && (
        <form class="bar-line" onSubmit={(event) => { event.preventDefault(); void send(); }}>
          <Field name="redirect" label={t(provider.paste === "code" ? "oauth.pasteCode" : "oauth.paste")} error={refused || null}>
            {(attributes) => <input {...attributes} type="text" value={pasted} autocomplete="off" spellcheck={false} onInput={(event) => setPasted(event.currentTarget.value)} />}
          </Field>
          <Button action="send" submit busy={busy} disabled={pasted.trim() === "" || (provider.paste === "address" && !isWeb(pasted.trim()))}>{t("oauth.send")}</Button>
        </form>
      )}
    </div>
  );
}

function Vertex() {
  const [file, setFile] = useState<File | null>(null);
  const [place, setPlace] = useState("");
  const [busy, setBusy] = useState(false);
  const [found, setFound] = useState<Imported | null>(null);
  const [error, setError] = useState("");
  const send = async () => {
    if (!file) return;
    setBusy(true);
    setError("");
    await importVertex(file, place).then(setFound, (reason: unknown) => setError(say(asApiError(reason))));
    setBusy(false);
  };
  return (
    <li data-row="vertex" data-step={found ? "done" : error ? "failed" : "idle"}>
      <div class="bar-line">
        <b>Vertex</b>
        <span class="dim">{t("oauth.vertex")}</span>
      </div>
      <form class="bar-line" onSubmit={(event) => { event.preventDefault(); void send(); }}>
        <Field name="service-account" label={t("oauth.serviceAccount")}>
          {(attributes) => <input {...attributes} type="file" accept=".json,application/json" onChange={(event) => setFile(event.currentTarget.files?.[0] ?? null)} />}
        </Field>
        <Field name="location" label={t("oauth.location")} error={error || null}>
          {(attributes) => <input {...attributes} type="text" value={place} placeholder="us-central1" onInput={(event) => setPlace(event.currentTarget.value)} />}
        </Field>
        <Button action="import" submit busy={busy} disabled={!file}>{t("oauth.import")}</Button>
      </form>
      {found && <Facts rows={[[t("creds.project"), found.project_id], [t("creds.account"), found.email], [t("oauth.location"), found.location], [t("creds.file"), found["auth-file"]]]} />}
    </li>
  );
}
