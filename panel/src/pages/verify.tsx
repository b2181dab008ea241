/** Shows on the spot that headline figures are right: each beside a count event by event. */

import { useEffect, useState } from "preact/hooks";
import type { Question } from "../api/analytics";
import type { ApiError } from "../api/client";
import { explain, type Figure, type Recount } from "../api/explain";
import { fmt, t } from "../i18n/language";
import { say } from "../i18n/say";
import { Button } from "../ui/controls";
import { Icon } from "../ui/icon";
import { asApiError, Modal } from "../ui/overlay";
import { Table, type Column } from "../ui/table";

/** A quiet button that counts the figures of a question. */
export function Verify({ question }: { readonly question: Question }) {
  const [asked, ask] = useState<Question | null>(null);
  return (
    <>
      <Button action="verify" kind="quiet" icon="check" label={t("verify.verify")} onClick={() => ask(question)} />
      {asked && <Counted question={asked} onClose={() => ask(null)} />}
    </>
  );
}

function Counted({ question, onClose }: { readonly question: Question; readonly onClose: () => void }) {
  const [recount, setRecount] = useState<Recount | null>(null);
  const [error, setError] = useState<ApiError | null>(null);
  useEffect(() => {
    const aborter = new AbortController();
    explain(question, aborter.signal, setRecount).catch((reason: unknown) => {
      if (!aborter.signal.aborted) setError(asApiError(reason));
    });
    return () => aborter.abort();
  }, [question]);
  return (
    <Modal id="verify" drawer title={t("verify.title")} onClose={onClose}>
      <p class="hint">{t("verify.hint")}</p>
      {error && (
        <p class="bad-text" role="alert" data-error={error.code}>
          {say(error)}
        </p>
      )}
      {recount?.done ? <Result recount={recount} /> : !error && <Progress recount={recount} />}
    </Modal>
  );
}

function Progress({ recount }: { readonly recount: Recount | null }) {
  return (
    <div role="status">
      <p>{t("verify.counting", { n: recount?.of ?? 0, events: fmt.value.full(recount?.events ?? 0) })}</p>
      <progress max={recount?.of || 1} value={recount?.events} aria-label={t("verify.title")} />
    </div>
  );
}

function Result({ recount }: { readonly recount: Recount }) {
  const different = recount.figures.filter((figure) => !figure.agrees).length;
  const figure = (id: string, title: string, value: (row: Figure) => unknown): Column<Figure> => ({ id, title, kind: "number", width: 112, value: (row) => plain(value(row)), cell: (row) => shown(value(row)) });
  const columns: Column<Figure>[] = [
    { id: "figure", title: t("verify.figure"), phone: "main", value: (row) => row.figure },
    figure("answer", t("verify.answer"), (row) => row.answer),
    figure("recount", t("verify.recount"), (row) => row.recount),
    { ...figure("difference", t("verify.difference"), (row) => row.difference), phone: "side", cell: (row) => (row.agrees ? <span class="dim">0</span> : <b class="bad-text">{shown(row.difference)}</b>) },
  ];
  return (
    <>
      <p class={`strip ${different ? "bad" : "good"}`} role="status" data-metric="different" data-value={different}>
        <Icon name={different ? "warn" : "check"} />
        {different ? t("verify.differ", { n: different }) : t("verify.agree", { n: recount.figures.length, events: fmt.value.full(recount.events) })}
      </p>
      <Table id="verify" label={t("verify.title")} rows={recount.figures} rowKey={(row) => row.figure} columns={columns} />
    </>
  );
}

function plain(value: unknown): string | number | null {
  return typeof value === "number" || value === null ? value : JSON.stringify(value);
}

function shown(value: unknown): string {
  if (value === null || value === undefined) return "--";
  if (typeof value !== "number") return JSON.stringify(value);
  return Number.isInteger(value) ? fmt.value.full(value) : String(Number(value.toPrecision(9)));
}
