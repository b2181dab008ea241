/** Tables as CSV, without cells that a spreadsheet would run. */

export type Cell = string | number | boolean | null | undefined;

function quoted(cell: Cell): string {
  if (cell === null || cell === undefined) return "";
  let text = String(cell);
  const runs = /^[=+@\t\r]/.test(text) || (text.startsWith("-") && !Number.isFinite(Number(text)));
  if (runs) text = `'${text}`;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** The rows, each ended by CRLF. */
export function csv(rows: readonly (readonly Cell[])[]): string {
  return rows.map((row) => `${row.map(quoted).join(",")}\r\n`).join("");
}
