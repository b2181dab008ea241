/** Files for the user's disk. */

/** Hand a blob to the browser as a download. */
export function saveBlob(name: string, blob: Blob): void {
  const url = URL.createObjectURL(blob);
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

export function saveText(name: string, text: string, type: string): void {
  saveBlob(name, new Blob([text], { type: `${type};charset=utf-8` }));
}

/** The file name that a `Content-Disposition` gives. */
export function fileName(disposition: string | null, otherwise: string): string {
  const coded = /filename\*\s*=\s*UTF-8''([^;]+)/i.exec(disposition ?? "")?.[1];
  if (coded) {
    try {
      return decodeURIComponent(coded.trim());
    } catch {
      // Not a coded name after all.
    }
  }
  const quoted = /filename\s*=\s*"([^"]*)"/i.exec(disposition ?? "")?.[1];
  const plain = /filename\s*=\s*([^;"]+)/i.exec(disposition ?? "")?.[1];
  return (quoted ?? plain)?.trim() || otherwise;
}
