/** The wizard of the first start: from an admin key to a Manager that collects. */

import { useEffect, useRef, useState } from "preact/hooks";
import { ApiError, Client } from "../api/client";
import type { ManagerConfig } from "../api/types";
import { t } from "../i18n/language";
import { say } from "../i18n/say";
import { store, stored } from "../state/preferences";
import { base, boot, info, logIn } from "../state/session";
import { isBase, normalBase } from "../text/address";
import { Button, Field, Secret } from "../ui/controls";
import { Icon } from "../ui/icon";
import { asApiError } from "../ui/overlay";
import { Gate } from "./login";

const STEPS = ["admin-key", "cpa-url", "cpa-key", "monitoring", "collector-mode", "poll-interval", "review"] as const;
type Step = (typeof STEPS)[number];

const LAST_BASE = "cpa-manager-plus:last-cpa-base";
const OLDER_BASES = ["cpa-manager:last-cpa-base", "cpa-usage-service:last-cpa-base"];
/** Where CPA is usually: beside the Manager, or on the machine whose container that runs in. */
const DEFAULT_BASES = { host: "http://127.0.0.1:8317", container: "http://host.docker.internal:8317" };
const SECRET = "************";
export const MODES = [
  ["auto", "setup.modeAuto"],
  ["subscribe", "setup.modeSubscribe"],
  ["http", "setup.modeHttp"],
  ["resp", "setup.modeResp"],
] as const;

interface Values {
  readonly adminKey: string;
  readonly cpaUrl: string;
  readonly cpaKey: string;
  readonly monitoring: boolean;
  readonly mode: string;
  readonly poll: string;
  readonly remember: boolean;
}

/** The steps that there are: without monitoring nothing is asked about collection. */
export function stepsOf(monitoring: boolean): readonly Step[] {
  return monitoring ? STEPS : STEPS.filter((step) => step !== "collector-mode" && step !== "poll-interval");
}

/** The step that an error of the server belongs to; null where it belongs to none. */
export function stepOfError(error: ApiError): Step | null {
  switch (error.code) {
    case "invalid_admin_key":
      return "admin-key";
    case "cpa_connection_required":
    case "cpa_connection_required_for_monitoring":
    case "cpa_unreachable":
      return "cpa-url";
    case "management_api_validation_failed":
    case "management_api_config_failed":
      return /\b40[13]\b/.test(error.detail) ? "cpa-key" : "cpa-url";
    case "invalid_existing_management_key":
    case "cpa_management_key_rejected":
      return "cpa-key";
    case "enable_cpa_usage_statistics_failed":
      return "monitoring";
    case "poll_interval_exceeds_retention":
    case "cpa_usage_retention_invalid":
      return "poll-interval";
    default:
      return null;
  }
}

/** What the server sees to, in its order, and the step that each belongs to. */
const CHECKS = [
  ["reach", "cpa-url"],
  ["key", "cpa-key"],
  ["retention", "poll-interval"],
  ["statistics", "monitoring"],
  ["saved", "review"],
] as const;
type Verdict = "passed" | "failed" | "open";

/** How the checks went: the first of them that failed ends them, and so many were made if none did. */
export function checksOf(made: number, error: ApiError | null, monitoring: boolean): readonly (readonly [name: (typeof CHECKS)[number][0], verdict: Verdict])[] {
  const wanted = CHECKS.filter(([, step]) => stepsOf(monitoring).includes(step) && (monitoring || step !== "monitoring"));
  const failed = error ? wanted.findIndex(([, step]) => step === stepOfError(error)) : -1;
  return wanted.map(([name], at) => [name, failed < 0 ? (!error && at < made ? "passed" : "open") : at < failed ? "passed" : at === failed ? "failed" : "open"]);
}

const SIGNS = { passed: "check", failed: "warn", open: "clock" } as const;
const TONES = { passed: "good", failed: "bad", open: "" } as const;

function Checks({ made, error, monitoring }: { readonly made: number; readonly error: ApiError | null; readonly monitoring: boolean }) {
  return (
    <ul class="chips" role="status">
      {checksOf(made, error, monitoring).map(([name, verdict]) => (
        <li key={name} class={`badge ${TONES[verdict]}`} data-check={name} data-value={verdict}>
          <Icon name={SIGNS[verdict]} /> {t(`setup.check_${name}`)}
        </li>
      ))}
    </ul>
  );
}

/** What is wrong with the value of a step; null if it will do. */
export function complaint(step: Step, values: Values): string | null {
  switch (step) {
    case "admin-key":
      return values.adminKey.trim() === "" ? t("setup.required") : null;
    case "cpa-url":
      if (values.cpaUrl.trim() === "") return t("setup.required");
      return isBase(normalBase(values.cpaUrl)) ? null : t("error.base_invalid");
    case "cpa-key":
      return values.cpaKey.trim() === "" ? t("setup.required") : null;
    case "poll-interval":
      return /^\d{1,9}$/.test(values.poll.trim()) && Number(values.poll) > 0 ? null : t("setup.pollWrong");
    default:
      return null;
  }
}

function firstBase(): string {
  return [LAST_BASE, ...OLDER_BASES].map(stored).find(Boolean) ?? DEFAULT_BASES[info.value?.inContainer ? "container" : "host"];
}

/** The body of `POST /setup`. */
export function setupBody(values: Values): object {
  const collection = { collectorMode: values.mode, pollIntervalMs: Number(values.poll) };
  return {
    cpaBaseUrl: normalBase(values.cpaUrl),
    cpaManagementKey: values.cpaKey.trim(),
    requestMonitoringEnabled: values.monitoring,
    ensureUsageStatisticsEnabled: values.monitoring,
    ...(values.monitoring ? collection : {}),
  };
}

export function Setup() {
  const [values, setValues] = useState<Values>({
    adminKey: "",
    cpaUrl: firstBase(),
    cpaKey: "",
    monitoring: true,
    mode: "auto",
    poll: "500",
    remember: false,
  });
  const [step, setStep] = useState<Step>("admin-key");
  const [tried, setTried] = useState(false);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<ApiError | null>(null);
  /** How many checks have passed; null before any was made. */
  const [made, setMade] = useState<number | null>(null);
  const [started, setStarted] = useState<Started | null>(null);
  const form = useRef<HTMLFormElement>(null);
  useEffect(() => form.current?.querySelector<HTMLElement>("[data-field] input, input[data-field], [data-action=finish]")?.focus(), [step]);
  const steps = stepsOf(values.monitoring);
  const at = steps.indexOf(step);
  const wrong = complaint(step, values);
  const move = (to: Step) => {
    setTried(false);
    setStep(to);
  };
  const adminKey = values.adminKey.trim();
  const client = () => new Client(base.value, adminKey, () => undefined);
  const post = (body: object) => client().call("/setup", { method: "POST", body, timeoutMs: 120_000 });
  /** Do what may fail; then the wizard goes to the step that is to blame. */
  const attempt = async (run: () => Promise<void>) => {
    setBusy(true);
    setError(null);
    try {
      await run();
    } catch (reason) {
      const said = asApiError(reason);
      setError(said);
      const to = stepOfError(said);
      if (to) move(to);
    } finally {
      setBusy(false);
    }
  };
  /** Whether the admin key is right, and with what the Manager was started: that needs no typing. */
  const enter = () =>
    attempt(async () => {
      const { config, source, startedWith } = await client().call<ManagerConfig>("/usage-service/config");
      if (source === "env") throw new ApiError("setup_env_managed", 409, "");
      if (!started) {
        const { collectorMode, pollIntervalMs } = config.collector;
        const cpaUrl = startedWith?.cpaBaseUrl ?? "";
        setStarted({ cpaUrl });
        setValues({ ...values, ...(cpaUrl && { cpaUrl }), mode: collectorMode, poll: String(pollIntervalMs) });
      }
      move("cpa-url");
    });
  const test = () =>
    attempt(async () => {
      setMade(0);
      await post({ ...setupBody(values), dryRun: true });
      setMade(2);
      move("monitoring");
    });
  const finish = () =>
    attempt(async () => {
      await post(setupBody(values));
      setMade(CHECKS.length);
      store(LAST_BASE, normalBase(values.cpaUrl));
      await logIn(adminKey, values.remember);
    });
  const next = (event: Event) => {
    event.preventDefault();
    if (busy) return;
    if (wrong) {
      setTried(true);
      return;
    }
    const following = steps[at + 1];
    if (!following) {
      void finish();
      return;
    }
    setError(null);
    if (step === "admin-key") void enter();
    else if (step === "cpa-key") void test();
    else move(following);
  };
  return (
    <Gate title={t("setup.title")}>
      <form ref={form} data-step={step} data-steps={steps.length} onSubmit={next}>
        <ol class="stepper" aria-label={t("setup.step", { step: at + 1, steps: steps.length })}>
          {steps.map((name, i) => (
            <li key={name} class={i < at ? "done" : i === at ? "current" : ""} aria-current={i === at ? "step" : undefined}>
              {i + 1}
            </li>
          ))}
        </ol>
        {info.value?.hasHistoricalData === true && <p class="strip">{t("setup.history")}</p>}
        <StepFields key={step} step={step} values={values} wrong={tried ? wrong : null} started={started} change={(part) => setValues({ ...values, ...part })} />
        {made !== null && <Checks made={made} error={error} monitoring={values.monitoring} />}
        {error && (
          <p class="bad-text" role="alert" data-error={error.code}>
            {say(error)}
          </p>
        )}
        <div class="buttons">
          {error?.code === "setup_env_managed" || error?.code === "connection_env_managed" ? (
            <Button action="to-login" onClick={() => (boot.value = "login")}>
              {t("setup.toLogin")}
            </Button>
          ) : null}
          {at > 0 && (
            <Button action="back" disabled={busy} onClick={() => move(steps[at - 1]!)}>
              {t("common.back")}
            </Button>
          )}
          <span class="grow" />
          <span class="dim">{t("setup.step", { step: at + 1, steps: steps.length })}</span>
          <Button action={step === "review" ? "finish" : "next"} kind="primary" submit busy={busy}>
            {t(step === "review" ? "setup.finish" : "common.next")}
          </Button>
        </div>
      </form>
    </Gate>
  );
}

/** What the Manager was started with; empty where that says nothing. */
interface Started {
  readonly cpaUrl: string;
}

interface StepProps {
  readonly step: Step;
  readonly values: Values;
  readonly wrong: string | null;
  readonly started: Started | null;
  readonly change: (part: Partial<Values>) => void;
}

function StepFields({ step, values, wrong, started, change }: StepProps) {
  switch (step) {
    case "admin-key":
      return (
        <Field name="admin-key" label={t("login.adminKey")} hint={t("login.adminHint")} error={wrong}>
          {(attributes) => <Secret attributes={attributes} value={values.adminKey} onInput={(adminKey) => change({ adminKey })} />}
        </Field>
      );
    case "cpa-url":
      return (
        <Field name="cpa-url" label={t("setup.cpaUrl")} hint={t(started?.cpaUrl && started.cpaUrl === normalBase(values.cpaUrl) ? "setup.cpaUrlStarted" : "setup.cpaUrlHint")} error={wrong}>
          {(attributes) => <input {...attributes} type="text" spellcheck={false} value={values.cpaUrl} onInput={(e) => change({ cpaUrl: e.currentTarget.value })} />}
        </Field>
      );
    case "cpa-key":
      return (
        <Field name="cpa-key" label={t("setup.cpaKey")} hint={t("setup.cpaKeyHint")} error={wrong}>
          {(attributes) => <Secret attributes={attributes} value={values.cpaKey} onInput={(cpaKey) => change({ cpaKey })} />}
        </Field>
      );
    case "monitoring":
      return (
        <label class="check">
          <input type="checkbox" data-field="monitoring" checked={values.monitoring} onChange={(e) => change({ monitoring: e.currentTarget.checked })} />
          <span>
            {t("setup.monitoring")} <span class="hint">{t("setup.monitoringHint")}</span>
          </span>
        </label>
      );
    case "collector-mode":
      return (
        <fieldset class="choices" data-field="collector-mode" data-value={values.mode}>
          <legend>{t("setup.mode")}</legend>
          {MODES.map(([id, text]) => (
            <label key={id} class="check">
              <input type="radio" name="mode" value={id} checked={values.mode === id} onChange={() => change({ mode: id })} />
              <span>{t(text)}</span>
            </label>
          ))}
        </fieldset>
      );
    case "poll-interval":
      return (
        <Field name="poll-interval" label={`${t("setup.poll")}, ${t("setup.pollUnit")}`} hint={t("setup.pollHint")} error={wrong}>
          {(attributes) => <input {...attributes} type="text" inputMode="numeric" value={values.poll} onInput={(e) => change({ poll: e.currentTarget.value })} />}
        </Field>
      );
    case "review":
      return <Review values={values} change={change} />;
  }
}

function Review({ values, change }: { readonly values: Values; readonly change: StepProps["change"] }) {
  const rows: readonly (readonly [string, string])[] = [
    [t("login.adminKey"), SECRET],
    [t("setup.cpaUrl"), normalBase(values.cpaUrl)],
    [t("setup.cpaKey"), SECRET],
    [t("setup.monitoring"), t(values.monitoring ? "common.on" : "common.off")],
    ...(values.monitoring
      ? ([
          [t("setup.mode"), values.mode],
          [t("setup.poll"), `${values.poll} ${t("setup.pollUnit")}`],
        ] as const)
      : []),
  ];
  return (
    <>
      <dl class="facts">
        {rows.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <label class="check">
        <input type="checkbox" data-field="remember" checked={values.remember} onChange={(e) => change({ remember: e.currentTarget.checked })} />
        <span>
          {t("login.remember")} <span class="hint">{t("login.rememberHint")}</span>
        </span>
      </label>
    </>
  );
}
