/** Buttons, fields, switches and tabs. */

import type { ComponentChildren, TargetedKeyboardEvent } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { t } from "../i18n/language";
import { Icon, type IconName } from "./icon";

interface ButtonProps {
  readonly action: string;
  readonly onClick?: (event: MouseEvent) => void;
  readonly icon?: IconName;
  readonly kind?: "plain" | "primary" | "danger" | "quiet";
  readonly busy?: boolean;
  readonly disabled?: boolean;
  readonly submit?: boolean;
  /** The name, where only the icon is shown. */
  readonly label?: string;
  readonly pressed?: boolean;
  readonly children?: ComponentChildren;
}

export function Button(props: ButtonProps) {
  const { action, onClick, icon, kind = "plain", busy = false, submit = false, label } = props;
  return (
    <button
      type={submit ? "submit" : "button"}
      class={`button ${kind}${props.children ? "" : " square"}${busy ? " busy" : ""}`}
      data-action={action}
      disabled={props.disabled || busy}
      aria-busy={busy}
      aria-label={label}
      aria-pressed={props.pressed}
      title={label}
      onClick={onClick}
    >
      {icon && <Icon name={icon} />}
      {props.children}
    </button>
  );
}

interface FieldProps {
  readonly name: string;
  readonly label: string;
  readonly hint?: ComponentChildren;
  readonly error?: string | null;
  readonly children: (attributes: { id: string; "data-field": string; "aria-describedby"?: string; "aria-invalid"?: true }) => ComponentChildren;
}

export function Field({ name, label, hint, error, children }: FieldProps) {
  const id = useId();
  const described = { ...((hint || error) && { "aria-describedby": `${id}-hint` }), ...(error && { "aria-invalid": true as const }) };
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {children({ id, "data-field": name, ...described })}
      {(error || hint) && (
        <p id={`${id}-hint`} class={error ? "bad-text" : "hint"}>
          {error || hint}
        </p>
      )}
    </div>
  );
}

interface SecretProps {
  readonly attributes: object;
  readonly value: string;
  readonly onInput: (value: string) => void;
  readonly autofocus?: boolean;
}

/** A field for a key, whose text can be looked at. */
export function Secret({ attributes, value, onInput, autofocus }: SecretProps) {
  const [shown, setShown] = useState(false);
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (autofocus) input.current?.focus();
  }, []);
  return (
    <div class="joined">
      <input
        {...attributes}
        ref={input}
        type={(shown ? "text" : "password") as "password"}
        autocomplete="current-password"
        spellcheck={false}
        value={value}
        onInput={(event) => onInput(event.currentTarget.value)}
      />
      <Button
        action="reveal"
        icon={shown ? "hidden" : "eye"}
        label={t(shown ? "login.hideKey" : "login.showKey")}
        onClick={() => setShown(!shown)}
      />
    </div>
  );
}

interface SearchProps {
  readonly value: string;
  readonly onSearch: (text: string) => void;
  readonly placeholder?: string;
  readonly name?: string;
}

const TYPING_MS = 350;

/** Tells of a text when its user pauses or presses Enter. */
export function Search({ value, onSearch, placeholder, name = "search" }: SearchProps) {
  const [text, setText] = useState(value);
  const timer = useRef(0);
  useEffect(() => setText(value), [value]);
  useEffect(() => () => clearTimeout(timer.current), []);
  const tell = (typed: string) => {
    clearTimeout(timer.current);
    onSearch(typed.trim());
  };
  return (
    <label class="search">
      <Icon name="search" />
      <input
        type="search"
        data-field={name}
        aria-label={t("common.search")}
        placeholder={placeholder ?? t("common.search")}
        value={text}
        maxLength={400}
        onInput={(event) => {
          const typed = event.currentTarget.value;
          setText(typed);
          clearTimeout(timer.current);
          timer.current = window.setTimeout(() => tell(typed), TYPING_MS);
        }}
        onKeyDown={(event) => event.key === "Enter" && tell(text)}
      />
    </label>
  );
}

export interface Choice<V extends string> {
  readonly value: V;
  readonly text: string;
}

interface SelectProps<V extends string> {
  readonly name: string;
  readonly label: string;
  readonly value: V;
  readonly choices: readonly Choice<V>[];
  readonly onChange: (value: V) => void;
}

/** A list of choices. A value that is not offered any more stays while it is chosen. */
export function Select<V extends string>({ name, label, value, choices, onChange }: SelectProps<V>) {
  const offered = choices.some((choice) => choice.value === value);
  return (
    <select
      data-field={name}
      aria-label={label}
      title={label}
      value={value}
      onChange={(event) => onChange(event.currentTarget.value as V)}
    >
      {!offered && <option value={value}>{value}</option>}
      {choices.map((choice) => (
        <option key={choice.value} value={choice.value}>
          {choice.text}
        </option>
      ))}
    </select>
  );
}

interface SwitchProps<V extends string> {
  readonly name: string;
  readonly label: string;
  readonly value: V;
  readonly choices: readonly Choice<V>[];
  readonly onChange: (value: V) => void;
}

/** A row of choices that keeps the chosen one in sight where it is wider than its place. */
function useChosenInSight(value: string) {
  const row = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const chosen = row.current?.querySelector<HTMLElement>("[tabindex='0']");
    if (row.current && chosen) row.current.scrollLeft = chosen.offsetLeft + chosen.offsetWidth / 2 - row.current.clientWidth / 2;
  }, [value]);
  return row;
}

/** Few choices, all of them in sight; the arrow keys walk through them. */
export function Segments<V extends string>({ name, label, value, choices, onChange }: SwitchProps<V>) {
  return (
    <div ref={useChosenInSight(value)} class="segments" role="radiogroup" aria-label={label} data-field={name} data-value={value} onKeyDown={walk}>
      {choices.map((choice) => (
        <button
          key={choice.value}
          type="button"
          role="radio"
          aria-checked={choice.value === value}
          tabIndex={choice.value === value ? 0 : -1}
          data-option={choice.value}
          onClick={() => onChange(choice.value)}
        >
          {choice.text}
        </button>
      ))}
    </div>
  );
}

interface TabsProps<V extends string> {
  readonly label: string;
  readonly value: V;
  readonly tabs: readonly (Choice<V> & { readonly count?: number | string | undefined })[];
  readonly onChange: (value: V) => void;
}

export function Tabs<V extends string>({ label, value, tabs, onChange }: TabsProps<V>) {
  return (
    <div ref={useChosenInSight(value)} class="tabs" role="tablist" aria-label={label} onKeyDown={walk}>
      {tabs.map((tab) => (
        <button
          key={tab.value}
          type="button"
          role="tab"
          data-tab={tab.value}
          aria-selected={tab.value === value}
          tabIndex={tab.value === value ? 0 : -1}
          onClick={() => onChange(tab.value)}
        >
          {tab.text}
          {tab.count !== undefined && <span class="count">{tab.count}</span>}
        </button>
      ))}
    </div>
  );
}

const STEPS: Readonly<Record<string, number>> = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };

function walk(event: TargetedKeyboardEvent<HTMLElement>): void {
  const step = STEPS[event.key];
  if (!step) return;
  const items = [...event.currentTarget.querySelectorAll<HTMLButtonElement>("button")];
  const at = items.indexOf(document.activeElement as HTMLButtonElement);
  const next = items[(at + step + items.length) % items.length];
  event.preventDefault();
  next?.focus();
  next?.click();
}

/** Copies a text; where the clipboard is not allowed, the text is shown to be copied by hand. */
export function CopyButton({ text, label }: { readonly text: string; readonly label?: string }) {
  const [state, setState] = useState<"" | "done" | "refused">("");
  const copy = async (event: MouseEvent) => {
    event.stopPropagation();
    try {
      await navigator.clipboard.writeText(text);
      setState("done");
      setTimeout(() => setState(""), 1500);
    } catch {
      setState("refused");
    }
  };
  if (state === "refused") {
    return <input class="selectable" readOnly value={text} ref={(field) => field?.select()} onClick={(e) => e.stopPropagation()} />;
  }
  return (
    <Button
      action="copy"
      kind="quiet"
      icon={state === "done" ? "check" : "copy"}
      label={state === "done" ? t("common.copied") : (label ?? t("common.copy"))}
      onClick={copy}
    />
  );
}
