/** CPA's configuration file as a text. */

import { useMemo, useState } from "preact/hooks";
import { t } from "../../i18n/language";
import { query } from "../../state/router";
import { tokens } from "../../text/yaml";
import { Block } from "../../ui/block";
import { Button } from "../../ui/controls";
import { Editor, matches } from "../../ui/editor";
import { Icon } from "../../ui/icon";
import { base, changedLines, fault, take, text, useFile } from "./document";
import { Review } from "./review";
import { SaveBar } from "./savebar";

export function Source() {
  const data = useFile();
  const [wanted, setWanted] = useState("");
  const [at, setAt] = useState(0);
  const [reviewing, setReviewing] = useState(false);
  const found = useMemo(() => matches(text.value, wanted), [text.value, wanted]);
  const step = (by: number) => setAt(found.length ? (at + by + found.length) % found.length : 0);
  const wrong = fault.value;
  const find = (
    <span class="find">
      <label class="search">
        <Icon name="search" />
        <input
          type="search"
          data-field="search"
          aria-label={t("config.find")}
          placeholder={t("config.find")}
          value={wanted}
          onInput={(event) => {
            setWanted(event.currentTarget.value);
            setAt(0);
          }}
          onKeyDown={(event) => {
            if (event.key === "Enter") step(event.shiftKey ? -1 : 1);
          }}
        />
      </label>
      <span class="nowrap" data-metric="matches" data-value={found.length}>
        {wanted && t("config.found", { at: found.length ? Math.min(at, found.length - 1) + 1 : 0, all: found.length })}
      </span>
      <Button action="find-previous" kind="quiet" icon="left" label={t("config.findPrevious")} disabled={found.length === 0} onClick={() => step(-1)} />
      <Button action="find-next" kind="quiet" icon="right" label={t("config.findNext")} disabled={found.length === 0} onClick={() => step(1)} />
    </span>
  );
  return (
    <>
      <Block id="source" class="fill" data={data} title="config.yaml" aside={find}>
        {() => (
          <>
            <Editor label="config.yaml" value={text.value} onInput={(typed) => (text.value = typed)} paint={paint} wrong={wrong?.line} marks={found} mark={found.length ? Math.min(at, found.length - 1) : -1} line={Number(query.value["line"]) || 0} />
            <p class="foot-line" role="status">
              {wrong ? (
                <span class="bad-text" data-error="invalid_yaml" data-line={wrong.line}>
                  {t("config.notYaml", { line: wrong.line, text: wrong.text })}
                </span>
              ) : (
                <span>{t("config.lines", { n: text.value.split("\n").length - 1 })}</span>
              )}
            </p>
          </>
        )}
      </Block>
      <SaveBar changes={changedLines.value} disabled={wrong !== null} save={t("config.review")} onSave={() => setReviewing(true)} onDiscard={() => take(base.value ?? "")} />
      {reviewing && <Review onClose={() => setReviewing(false)} />}
    </>
  );
}

function paint(line: string) {
  return tokens(line).map(({ kind, text }) => (kind ? <span class={`y-${kind}`}>{text}</span> : text));
}
