/** Everything that was done to one credential and seen of it: when, by whom, and why. */

import { useState } from "preact/hooks";
import { readTimeline, type Deed } from "../../api/accounts";
import type { AccountTimeline } from "../../api/answers.generated";
import type { AuthFile } from "../../api/authfile";
import { fmt, hasMessage, t } from "../../i18n/language";
import type { PlainKey } from "../../i18n/messages";
import { steps, tick, useData } from "../../state/freshness";
import { fileLabel } from "../../state/names";
import { iso } from "../../text/format";
import { redact } from "../../text/mask";
import { Block } from "../../ui/block";
import { Button } from "../../ui/controls";
import { Facts } from "../../ui/facts";
import { toastError } from "../../ui/overlay";
import { reasonText } from "../reasons";

const SOME = /At(Ms)?$|Ms$|_ms$/;
const TONES = { daemon: "", person: "good", outside: "warn" } as const;

/** A message whose name is made of what the server says; that itself where it is a new one. */
function named(area: string, name: string): string {
  const key = `${area}_${name}`;
  return hasMessage(key) ? t(key as PlainKey) : name;
}

export function Deeds({ file }: { readonly file: AuthFile }) {
  const data = useData(`timeline ${file.id}`, (signal) => readTimeline(file, "", signal), 30, steps(10));
  return (
    <Block id="timeline" data={data} class="bare" empty={({ items }) => items.length === 0 && t("creds.noDeeds")}>
      {(first) => <All first={first} file={file} />}
    </Block>
  );
}

function All({ first, file }: { readonly first: AccountTimeline; readonly file: AuthFile }) {
  const [older, setOlder] = useState<readonly Deed[]>([]);
  const [next, setNext] = useState<string | undefined | null>(null);
  const after = next === null ? first.next : next;
  const more = async () => {
    try {
      const page = await readTimeline(file, after ?? "");
      setOlder([...older, ...page.items]);
      setNext(page.next);
    } catch (error) {
      toastError(error);
    }
  };
  const known = new Set(first.items.map((deed) => deed.id));
  return (
    <>
      <ol class="deeds" aria-label={t("creds.timeline")}>
        {[...first.items, ...older.filter((deed) => !known.has(deed.id))].map((deed) => (
          <One key={deed.id} deed={deed} />
        ))}
      </ol>
      {after && <p><Button action="load-more" onClick={() => void more()}>{t("creds.olderDeeds")}</Button></p>}
    </>
  );
}

function what(deed: Deed): string {
  if (deed.kind === "verdict") return t("creds.deedVerdict", { action: t(`inspect.${deed.action as "keep"}`) });
  return named("creds.deed", deed.action);
}

function why(deed: Deed): string {
  // Of a candidate and of a verdict the code says it in the user's language.
  return fileLabel(reasonText(deed.reason_code || String(deed.evidence["reasonCode"] ?? ""), deed.reason) || redact(deed.reason));
}

function value(name: string, said: unknown): string {
  if (typeof said === "number" && SOME.test(name)) return fmt.value.dateTime(said);
  return fileLabel(redact(typeof said === "object" ? JSON.stringify(said) : String(said)));
}

function One({ deed }: { readonly deed: Deed }) {
  const evidence = Object.entries(deed.evidence).filter(([, said]) => said !== null && said !== "" && said !== false);
  return (
    <li data-deed={deed.kind} data-action-done={deed.action} data-actor={deed.actor.kind}>
      <span class="dim" title={iso(deed.at_ms)}>{fmt.value.ago(deed.at_ms, Math.max(tick.value, deed.at_ms))}</span>
      <span>
        <b>{what(deed)}</b>{!deed.done && <span class="bad-text"> · {t("creds.failed")}</span>}
      </span>
      <span class={`badge ${TONES[deed.actor.kind]}`}>{named("creds.by", `${deed.actor.kind}_${deed.actor.means}`)}{deed.actor.name ? ` (${deed.actor.name})` : ""}</span>
      {why(deed) && <span class="why">{why(deed)}</span>}
      {evidence.length > 0 && (
        <details>
          <summary>{t("actions.evidence")}</summary>
          <Facts rows={[[t("column.time"), fmt.value.dateTime(deed.at_ms)], ...evidence.map(([name, said]) => [name, value(name, said)] as const)]} />
        </details>
      )}
    </li>
  );
}
