/** CPA's configuration file as a form: only what is touched is written. */

import { computed, signal } from "@preact/signals";
import { useRef, useState } from "preact/hooks";
import { hasMessage, t } from "../../i18n/language";
import type { PlainKey } from "../../i18n/messages";
import { query, setQuery } from "../../state/router";
import { lineOf, read, valueAt, type Scalar } from "../../text/yaml";
import { Block } from "../../ui/block";
import { Button, Field, Search, Secret, Select } from "../../ui/controls";
import { problemOf, Toggle } from "../../ui/form";
import { base, changedLines, document, fault, setValue, take, text, useFile } from "./document";
import { Review } from "./review";
import { SaveBar } from "./savebar";
import { SECTIONS, type SectionId, type Setting } from "./settings";

// What was typed and can't be written: it stands in its field, and is kept out of the file.
export const refused = signal<Readonly<Record<string, string>>>({});
export const isRefused = computed(() => Object.keys(refused.value).length > 0);

const pathOf = (setting: Setting): readonly string[] => setting.path.split(".");

function hintOf(path: string): string | undefined {
  const key = `setting.${path}`;
  // Messages of settings need no values.
  return hasMessage(key) ? t(key as PlainKey) : undefined;
}

function problemIn(setting: Setting, typed: string): string | null {
  if (setting.kind !== "number") return null;
  const { least = 0, most = 0 } = setting;
  return problemOf({ name: setting.path, label: "", kind: "number", required: true, least, most }, typed);
}

export function Visual() {
  const data = useFile();
  const [reviewing, setReviewing] = useState(false);
  const form = useRef<HTMLDivElement>(null);
  const searched = (query.value["search"] ?? "").toLowerCase();
  const fits = (setting: Setting) => `${setting.path} ${hintOf(setting.path) ?? ""}`.toLowerCase().includes(searched);
  const shown = (Object.keys(SECTIONS) as SectionId[]).map((id) => ({ id, settings: (SECTIONS[id] as readonly Setting[]).filter(fits) })).filter(({ settings }) => settings.length > 0);
  const wrong = (settings: readonly Setting[]) => settings.some(({ path }) => path in refused.value);
  const set = (setting: Setting, typed: string, value: Scalar) => {
    const { [setting.path]: _, ...others } = refused.value;
    const problem = value === "" ? null : problemIn(setting, typed);
    refused.value = problem ? { ...refused.value, [setting.path]: typed } : others;
    if (!problem) setValue(pathOf(setting), value);
  };
  const go = (id: string) => form.current?.querySelector(`[data-section="${id}"]`)?.scrollIntoView({ block: "start" });
  return (
    <>
      <Block id="visual" class="fill bare" data={data}>
        {() =>
          fault.value ? (
            <p class="empty" data-error="invalid_yaml">
              {t("config.fixFirst")}
              <Button action="open-source" onClick={() => setQuery({ tab: "source", line: fault.value?.line })}>
                {t("config.inSource")}
              </Button>
            </p>
          ) : (
            <div class="visual" ref={form}>
              <nav class="index card" aria-label={t("config.sections")}>
                <Search value={query.value["search"] ?? ""} placeholder={t("config.searchSettings")} onSearch={(search) => setQuery({ search }, true)} />
                <ul>
                  {shown.map(({ id, settings }) => (
                    <li key={id}>
                      <button type="button" data-action={`section-${id}`} onClick={() => go(id)}>
                        {t(`section.${id}`)}
                        {wrong(settings) && <span class="bad-text"> ●</span>}
                      </button>
                    </li>
                  ))}
                </ul>
              </nav>
              <div class="column">
                {shown.length === 0 && <p class="empty">{t("common.noMatch")}</p>}
                {shown.map(({ id, settings }) => (
                  <section key={id} class="block card" data-section={id}>
                    <h2>{t(`section.${id}`)}</h2>
                    {settings.map((setting) => (
                      <Row key={setting.path} setting={setting} refused={refused.value[setting.path]} set={set} />
                    ))}
                  </section>
                ))}
              </div>
            </div>
          )
        }
      </Block>
      <SaveBar
        changes={changedLines.value + Object.keys(refused.value).length}
        disabled={fault.value !== null || isRefused.value}
        save={t("config.review")}
        onSave={() => setReviewing(true)}
        onDiscard={() => {
          refused.value = {};
          take(base.value ?? "");
        }}
      />
      {reviewing && <Review onClose={() => setReviewing(false)} />}
    </>
  );
}

interface RowProps {
  readonly setting: Setting;
  readonly refused: string | undefined;
  readonly set: (setting: Setting, typed: string, value: Scalar) => void;
}

function Row({ setting, refused, set }: RowProps) {
  const { path, kind } = setting;
  const value = valueAt(document.value, pathOf(setting));
  const hint = [hintOf(path), kind === "secret" ? t("config.replaceSecret") : ""].filter(Boolean).join(" ");
  if (kind === "bool") {
    return (
      <div class="field setting" data-setting={path}>
        <label>{path}</label>
        <Toggle name={path} label={path} on={value === true} onChange={async (on) => set(setting, "", on)} />
        {hint && <p class="hint">{hint}</p>}
      </div>
    );
  }
  const typed = refused ?? (value === undefined || kind === "secret" ? "" : String(value));
  const problem = refused === undefined ? null : problemIn(setting, refused);
  return (
    <div class="setting" data-setting={path}>
      <Field name={path} label={path} hint={hint} error={problem}>
        {(attributes) => <Control attributes={attributes} setting={setting} value={value} typed={typed} set={(now, written) => set(setting, now, written)} />}
      </Field>
    </div>
  );
}

interface ControlProps {
  readonly attributes: object;
  readonly setting: Setting;
  readonly value: unknown;
  readonly typed: string;
  readonly set: (typed: string, value: Scalar) => void;
}

function Control({ attributes, setting, value, typed, set }: ControlProps) {
  const [secret, setSecret] = useState("");
  switch (setting.kind) {
    case "choice":
      return <Select name={setting.path} label={setting.path} value={typed} choices={(setting.choices ?? []).map((name) => ({ value: name, text: name }))} onChange={(name) => set(name, /^(true|false)$/.test(name) ? name === "true" : name)} />;
    case "source":
      return (
        <span class="joined">
          <span class="dim">{t("config.entries", { n: sizeOf(value) })}</span>
          <Button action="open-source" onClick={() => setQuery({ tab: "source", search: null, line: lineOf(text.value, pathOf(setting)) })}>
            {t("config.inSource")}
          </Button>
        </span>
      );
    case "secret":
      return (
        <Secret
          attributes={{ ...attributes, autocomplete: "off" }}
          value={secret}
          onInput={(now) => {
            setSecret(now);
            // What was typed and taken back leaves the file as it was.
            const before = valueAt(read(base.value ?? ""), pathOf(setting));
            set(now, now || (typeof before === "string" ? before : ""));
          }}
        />
      );
    default:
      return <input {...attributes} type="text" spellcheck={false} placeholder={t("config.unset")} inputMode={setting.kind === "number" ? "numeric" : "text"} value={typed} onInput={(event) => typing(setting, event.currentTarget.value, set)} />;
  }
}

function typing(setting: Setting, now: string, set: ControlProps["set"]): void {
  // A number that is taken back is no number; of one that CPA has, the file must have one.
  const kept = setting.kind === "number" && valueAt(read(base.value ?? ""), pathOf(setting)) !== undefined;
  set(now, setting.kind === "number" && (now !== "" || kept) ? Number(now) : now);
}

function sizeOf(value: unknown): number {
  return value && typeof value === "object" ? Object.keys(value).length : 0;
}
