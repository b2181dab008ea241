/** The login form, for a Manager's admin key or for CPA's management key. */

import { useState } from "preact/hooks";
import { ApiError } from "../api/client";
import { t } from "../i18n/language";
import { say } from "../i18n/say";
import { Corner } from "../shell/settings";
import { base, ended, logIn, mode } from "../state/session";
import { isBase, normalBase } from "../text/address";
import { Button, Field, Secret } from "../ui/controls";
import { Icon } from "../ui/icon";
import { asApiError } from "../ui/overlay";

/** What is said of a failed login: a refused key has its own words in each mode. */
function refusal(error: ApiError): ApiError {
  const code = mode.value === "cpa" && error.status === 401 ? "invalid_management_key" : error.code;
  return new ApiError(code, error.status, error.detail);
}

/** What is said of a session that ended by itself. */
function endOf(error: ApiError): ApiError {
  return error.status === 401 ? new ApiError("session_ended", error.status, error.detail) : error;
}

export function Login() {
  const [key, setKey] = useState("");
  const [remember, setRemember] = useState(false);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<ApiError | null>(ended.value && endOf(ended.value));
  const [custom, setCustom] = useState<string | null>(null);
  const manager = mode.value === "manager";
  const submit = async (event: Event) => {
    event.preventDefault();
    if (busy || key.trim() === "") return;
    if (custom !== null && !isBase(normalBase(custom))) {
      setError(new ApiError("base_invalid", 0, ""));
      return;
    }
    if (custom !== null) base.value = normalBase(custom);
    setBusy(true);
    setError(null);
    try {
      await logIn(key.trim(), remember);
    } catch (reason) {
      setError(refusal(asApiError(reason)));
      setBusy(false);
    }
  };
  return (
    <Gate title={t("login.title")}>
      <form onSubmit={(event) => void submit(event)}>
        <p class="base" title={base.value}>
          <Icon name="plug" />
          <span>{base.value}</span>
        </p>
        {!manager && <CustomBase value={custom} onChange={setCustom} />}
        <Field
          name={manager ? "admin-key" : "mgmt-key"}
          label={t(manager ? "login.adminKey" : "login.managementKey")}
          hint={t(manager ? "login.adminHint" : "login.managementHint")}
        >
          {(attributes) => <Secret attributes={attributes} value={key} onInput={setKey} autofocus />}
        </Field>
        <label class="check">
          <input type="checkbox" data-field="remember" checked={remember} onChange={(e) => setRemember(e.currentTarget.checked)} />
          <span>
            {t("login.remember")} <span class="hint">{t("login.rememberHint")}</span>
          </span>
        </label>
        {error && (
          <p class="bad-text" role="alert" data-error={error.code}>
            {say(error)}
          </p>
        )}
        <Button action="login" kind="primary" submit busy={busy} disabled={key.trim() === ""}>
          {t("login.submit")}
        </Button>
      </form>
    </Gate>
  );
}

function CustomBase({ value, onChange }: { readonly value: string | null; readonly onChange: (value: string | null) => void }) {
  return (
    <>
      <label class="check">
        <input type="checkbox" checked={value !== null} onChange={(event) => onChange(event.currentTarget.checked ? base.value : null)} />
        {t("login.customBase")}
      </label>
      {value !== null && (
        <Field name="base" label={t("login.base")}>
          {(attributes) => <input {...attributes} type="text" value={value} onInput={(event) => onChange(event.currentTarget.value)} />}
        </Field>
      )}
    </>
  );
}

/** A card in the middle of an otherwise empty screen. */
export function Gate({ title, children }: { readonly title: string; readonly children: preact.ComponentChildren }) {
  return (
    <div class="gate">
      <div class="corner">
        <Corner />
      </div>
      <main class="card">
        <div class="brand">
          <span class="mark" aria-hidden="true">
            <Icon name="analytics" />
          </span>
          CPA Manager Plus
        </div>
        <h1>{title}</h1>
        {children}
      </main>
    </div>
  );
}
