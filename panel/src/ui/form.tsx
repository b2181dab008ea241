/** Forms from tables: a row for each field says what it is, and one renderer draws them all. */

import type { ComponentChildren } from "preact";
import { t } from "../i18n/language";
import { Field, Secret, Select, type Choice } from "./controls";

export interface FieldSpec {
  readonly name: string;
  readonly label: string;
  /** `lines`: one entry a line. */
  readonly kind: "text" | "secret" | "number" | "lines" | "json" | "bool" | "choice";
  readonly hint?: ComponentChildren;
  readonly required?: boolean;
  readonly choices?: readonly Choice<string>[];
  /** The least and the most of a number. */
  readonly least?: number;
  readonly most?: number;
  readonly placeholder?: string;
}

/** What is in the fields: texts, and `true` or `""` for switches. */
export type Values = Readonly<Record<string, string>>;

/** What is wrong with a field; null if nothing is. */
export function problemOf(spec: FieldSpec, text: string): string | null {
  const value = text.trim();
  if (value === "") return spec.required ? t("form.required") : null;
  if (spec.kind === "json") return isJson(value) ? null : t("form.notJson");
  if (spec.kind !== "number") return null;
  const number = Number(value);
  const { least = -Infinity, most = Infinity } = spec;
  if (!Number.isInteger(number)) return t("form.notNumber");
  return number < least || number > most ? t("form.outside", { least, most }) : null;
}

function isJson(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return value !== null && typeof value === "object";
  } catch {
    return false;
  }
}

export function isValid(specs: readonly FieldSpec[], values: Values): boolean {
  return specs.every((spec) => problemOf(spec, values[spec.name] ?? "") === null);
}

interface FormProps {
  readonly specs: readonly FieldSpec[];
  readonly values: Values;
  readonly onChange: (values: Values) => void;
}

export function Fields({ specs, values, onChange }: FormProps) {
  return (
    <div class="form">
      {specs.map((spec) => {
        const value = values[spec.name] ?? "";
        const set = (text: string) => onChange({ ...values, [spec.name]: text });
        if (spec.kind === "bool") return <Check key={spec.name} spec={spec} value={value} set={set} />;
        // An empty field is not reproached: the button stays off until it is filled.
        const wrong = value.trim() === "" ? null : problemOf(spec, value);
        const label = spec.required ? `${spec.label} *` : spec.label;
        return (
          <Field key={spec.name} name={spec.name} label={label} hint={spec.hint} error={wrong}>
            {(attributes) => <Input spec={spec} attributes={attributes} value={value} set={set} />}
          </Field>
        );
      })}
    </div>
  );
}

interface InputProps {
  readonly spec: FieldSpec;
  readonly value: string;
  readonly set: (text: string) => void;
}

function Input({ spec, attributes, value, set }: InputProps & { readonly attributes: object }) {
  if (spec.kind === "choice") return <Select name={spec.name} label={spec.label} value={value} choices={spec.choices ?? []} onChange={set} />;
  if (spec.kind === "secret") return <Secret attributes={{ ...attributes, autocomplete: "off" }} value={value} onInput={set} />;
  const common = { ...attributes, value, placeholder: spec.placeholder, spellcheck: false };
  if (spec.kind === "lines" || spec.kind === "json") {
    return <textarea {...common} rows={spec.kind === "json" ? 10 : 3} onInput={(event) => set(event.currentTarget.value)} />;
  }
  return <input {...common} type="text" inputMode={spec.kind === "number" ? "numeric" : "text"} onInput={(event) => set(event.currentTarget.value)} />;
}

function Check({ spec, value, set }: InputProps) {
  return (
    <label class="check">
      <input type="checkbox" data-field={spec.name} checked={value === "true"} onChange={(event) => set(event.currentTarget.checked ? "true" : "")} />
      <span>
        {spec.label}
        {spec.hint && <span class="hint block-hint">{spec.hint}</span>}
      </span>
    </label>
  );
}

interface ToggleProps {
  readonly name: string;
  readonly label: string;
  readonly on: boolean;
  readonly disabled?: boolean;
  readonly onChange: (on: boolean) => Promise<void>;
}

/** A switch that shows what is so: it turns when the server has done it. */
export function Toggle({ name, label, on, disabled = false, onChange }: ToggleProps) {
  return (
    <button
      type="button"
      role="switch"
      class="toggle"
      data-action={name}
      aria-checked={on}
      aria-label={label}
      title={label}
      disabled={disabled}
      onClick={(event) => {
        event.stopPropagation();
        const button = event.currentTarget;
        button.disabled = true;
        void onChange(!on).finally(() => (button.disabled = false));
      }}
    />
  );
}
