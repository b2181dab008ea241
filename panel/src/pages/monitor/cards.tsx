/** Groups as cards: the same columns, each card one row. */

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { t } from "../../i18n/language";
import { Select } from "../../ui/controls";
import { sorted, usePages, type Column } from "../../ui/table";

const SIZES = [12, 18, 24, 36];

interface CardsProps<R> {
  readonly id: string;
  readonly label: string;
  readonly rows: readonly R[];
  /** The first two are the head of a card; the others stand below. */
  readonly columns: readonly Column<R>[];
  readonly foot: ComponentChildren;
  readonly onRow: (row: R) => void;
}

export function AccountCards<R extends { readonly id: string }>({ id, label, rows, columns, foot, onRow }: CardsProps<R>) {
  const [by, setBy] = useState("");
  const numbers = columns.filter(({ kind }) => kind === "number");
  const [shown, pager] = usePages(`${id}-cards`, sorted(rows, columns, by ? { column: by, down: true } : null, (row) => row.id), SIZES);
  return (
    <div class="table-box">
      <ul class="cards" aria-label={label} data-table={`${id}-cards`}>
        {shown.map((row) => (
          <li key={row.id} data-row={row.id}>
            <button type="button" class="card" data-action="open" onClick={() => onRow(row)}>
              {columns.map((column) => (
                <span key={column.id} class={column.id === columns[0]?.id ? "title" : "figure"} data-col={column.id} data-value={String(column.value(row) ?? "null")}>
                  {column.id !== columns[0]?.id && <small>{column.title}</small>}
                  <b>{column.cell ? column.cell(row) : column.value(row)}</b>
                </span>
              ))}
            </button>
          </li>
        ))}
      </ul>
      <footer class="pager">
        {foot}
        <Select name="sort" label={t("monitor.sort")} value={by} choices={[{ value: "", text: t("column.latest") }, ...numbers.filter((column) => column.id !== "latest").map((column) => ({ value: column.id, text: column.title }))]} onChange={setBy} />
        <span class="grow" />
        {pager}
      </footer>
    </div>
  );
}
