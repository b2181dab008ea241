/** What saving CPA's configuration file would change, before it is saved. */

import { useState } from "preact/hooks";
import type { ApiError } from "../../api/client";
import { t } from "../../i18n/language";
import { say } from "../../i18n/say";
import { diff, hunks, type Line } from "../../text/diff";
import { redact } from "../../text/mask";
import { Button } from "../../ui/controls";
import { asApiError, Modal, toast } from "../../ui/overlay";
import { base, changes, cutting, Meanwhile, take, write } from "./document";

const SECRET = /^(\s*(?:- )?["']?[\w-]*(?:key|secret|token|password|cookie|authorization)["']?\s*:\s*)(?=\S)[^#]*/i;
// Entries of lists of keys, which have no name of their own before them.
const BARE = /^(\s*- )["']?[\w.-]{16,}["']?\s*$/;

/** A line of the file without the secret that it may hold. */
export function covered(line: string): string {
  return redact(line.replace(SECRET, "$1****** ").replace(BARE, "$1******")).trimEnd();
}

export function Review({ onClose }: { readonly onClose: () => void }) {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<ApiError | null>(null);
  const [theirs, setTheirs] = useState<readonly Line[] | null>(null);
  const [bare, setBare] = useState(false);
  const paths = cutting();
  const save = async () => {
    setBusy(true);
    setError(null);
    try {
      await write();
      toast("success", t("config.saved"));
      onClose();
    } catch (reason) {
      if (reason instanceof Meanwhile) {
        // From here on the text is compared with what the server has now.
        setTheirs(diff(base.value ?? "", reason.file));
        base.value = reason.file;
      } else {
        setError(asApiError(reason));
      }
      setBusy(false);
    }
  };
  const foot = (
    <>
      <label class="check">
        <input type="checkbox" data-field="secrets" checked={bare} onChange={(event) => setBare(event.currentTarget.checked)} />
        {t("config.secrets")}
      </label>
      <span class="grow" />
      {theirs && (
        <Button
          action="take-theirs"
          disabled={busy}
          onClick={() => {
            take(base.value ?? "");
            onClose();
          }}
        >
          {t("config.takeTheirs")}
        </Button>
      )}
      <Button action="cancel" disabled={busy} onClick={onClose}>
        {t("common.cancel")}
      </Button>
      <Button action="confirm" kind={paths.length || theirs ? "danger" : "primary"} busy={busy} disabled={changes.value.length === 0} onClick={() => void save()}>
        {t("common.save")}
      </Button>
    </>
  );
  return (
    <Modal id="review" title={t("config.review")} busy={busy} onClose={onClose} foot={foot}>
      {!theirs && <p class="hint">{t("config.reviewHint")}</p>}
      {theirs && (
        <>
          <p class="strip warn" role="alert" data-error="changed_meanwhile">
            {t("config.meanwhile")}
          </p>
          <h3>{t("config.theirs")}</h3>
          <Diff lines={theirs} bare={bare} />
          <h3>{t("config.mine")}</h3>
        </>
      )}
      {paths.length > 0 && (
        <p class="strip warn" role="alert" data-block="cutting">
          {t("config.cutOff", { paths: paths.join(", ") })}
        </p>
      )}
      <Diff lines={changes.value} bare={bare} />
      {error && (
        <p class="bad-text" role="alert" data-error={error.code}>
          {error.code === "config_read_back" ? t("config.readBack") : say(error)}
        </p>
      )}
    </Modal>
  );
}

function Diff({ lines, bare }: { readonly lines: readonly Line[]; readonly bare: boolean }) {
  const count = (kind: Line["kind"]) => lines.filter((line) => line.kind === kind).length;
  if (lines.every(({ kind }) => kind === " ")) return <p class="dim">{t("config.noDifference")}</p>;
  return (
    <div class="diff mono" data-block="diff" data-added={count("+")} data-removed={count("-")}>
      <p>
        <span class="good-text">+{count("+")}</span> <span class="bad-text">−{count("-")}</span>
      </p>
      {hunks(lines).map((hunk) => (
        <pre key={hunk.from}>
          <i>{`@@ -${hunk.from} +${hunk.to} @@`}</i>
          {hunk.lines.map((line, at) => (
            <span key={at} class={line.kind === "+" ? "added" : line.kind === "-" ? "removed" : ""}>
              {`${line.kind} ${bare ? line.text : covered(line.text)}`}
            </span>
          ))}
        </pre>
      ))}
    </div>
  );
}
