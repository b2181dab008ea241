/** What lies above the page: dialogs, drawers, toasts and menus. */

import { signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { ApiError } from "../api/client";
import { t } from "../i18n/language";
import { say } from "../i18n/say";
import { losing, watch } from "../state/unsaved";
import { Button } from "./controls";
import { Icon, type IconName } from "./icon";

// -- toasts -------------------------------------------------------------------------------------

interface Toast {
  readonly id: number;
  readonly kind: "success" | "error" | "info";
  readonly text: string;
}

const toasts = signal<readonly Toast[]>([]);
const MOST_TOASTS = 4;
const LASTS_MS = { success: 3_000, info: 3_000, error: 10_000 } as const;
let lastToast = 0;

/** Tell something in passing; the same text is not told twice at a time. */
export function toast(kind: Toast["kind"], text: string): void {
  const others = toasts.value.filter((shown) => shown.text !== text);
  lastToast += 1;
  const id = lastToast;
  toasts.value = [...others, { id, kind, text }].slice(-MOST_TOASTS);
  setTimeout(() => dismiss(id), LASTS_MS[kind]);
}

/** Tell of an error that some action met. */
export function toastError(error: unknown): void {
  toast("error", say(asApiError(error)));
}

export function asApiError(error: unknown): ApiError {
  return error instanceof ApiError ? error : new ApiError("failed", 0, String(error));
}

function dismiss(id: number): void {
  toasts.value = toasts.value.filter((shown) => shown.id !== id);
}

export function Toasts() {
  return (
    <div class="toasts" role="status" aria-live="polite">
      {toasts.value.map((shown) => (
        <div key={shown.id} class={`toast ${shown.kind}`} data-toast={shown.kind}>
          <Icon name={shown.kind === "error" ? "warn" : "check"} />
          <span>{shown.text}</span>
          <Button action="dismiss" kind="quiet" icon="close" label={t("common.close")} onClick={() => dismiss(shown.id)} />
        </div>
      ))}
    </div>
  );
}

// -- dialogs and drawers ------------------------------------------------------------------------

interface ModalProps {
  readonly id: string;
  readonly title: string;
  readonly onClose: () => void;
  readonly busy?: boolean;
  readonly drawer?: boolean;
  /** What is typed into it is asked about before it is closed without having been saved. */
  readonly form?: boolean;
  readonly foot?: ComponentChildren;
  readonly children: ComponentChildren;
}

/** The browser's own modal dialog traps the focus, and gives it back at the end. */
export function Modal({ id, title, onClose, busy = false, drawer = false, form = false, foot, children }: ModalProps) {
  const element = useRef<HTMLDialogElement>(null);
  const typed = useRef(false);
  const mine = useRef({ dirty: () => form && typed.current });
  const close = () => {
    if (!busy) losing(onClose, mine.current.dirty() ? [mine.current] : []);
  };
  useEffect(() => {
    const opener = document.activeElement;
    element.current?.showModal();
    // Else the button that closes has the focus.
    element.current?.querySelector<HTMLElement>(form ? ".modal-body :is(input, select, textarea)" : "footer [data-action=cancel]")?.focus();
    const unwatch = watch(mine.current);
    return () => {
      unwatch();
      if (opener instanceof HTMLElement && opener.isConnected) opener.focus();
    };
  }, []);
  return (
    <dialog
      ref={element}
      class={drawer ? "drawer" : "dialog"}
      data-dialog={id}
      aria-label={title}
      onCancel={(event) => {
        event.preventDefault();
        close();
      }}
      onClick={(event) => event.target === element.current && close()}
      onInput={() => (typed.current = true)}
      onChange={() => (typed.current = true)}
    >
      <div class="modal-inner">
        <header>
          <h2>{title}</h2>
          <Button action="close" kind="quiet" icon="close" label={t("common.close")} disabled={busy} onClick={close} />
        </header>
        <div class="modal-body">{children}</div>
        {foot && <footer>{foot}</footer>}
      </div>
    </dialog>
  );
}

interface ConfirmProps {
  readonly id: string;
  readonly title: string;
  readonly danger?: boolean;
  readonly confirm?: string;
  readonly onConfirm: () => Promise<void>;
  readonly onClose: () => void;
  readonly children: ComponentChildren;
}

/** Asks before something is done; what goes wrong is shown inside. */
export function Confirm({ id, title, danger = false, confirm, onConfirm, onClose, children }: ConfirmProps) {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<ApiError | null>(null);
  const run = async () => {
    setBusy(true);
    setError(null);
    try {
      await onConfirm();
      onClose();
    } catch (reason) {
      setError(asApiError(reason));
      setBusy(false);
    }
  };
  const foot = (
    <>
      <Button action="cancel" disabled={busy} onClick={onClose}>
        {t("common.cancel")}
      </Button>
      <Button action="confirm" kind={danger ? "danger" : "primary"} busy={busy} onClick={() => void run()}>
        {confirm ?? t("common.confirm")}
      </Button>
    </>
  );
  return (
    <Modal id={id} title={title} busy={busy} onClose={onClose} foot={foot}>
      {children}
      {error && (
        <p class="bad-text" role="alert" data-error={error.code}>
          {say(error)}
        </p>
      )}
    </Modal>
  );
}

// -- menus --------------------------------------------------------------------------------------

interface MenuProps {
  readonly name: string;
  readonly label: string;
  readonly icon: IconName;
  readonly items: readonly { readonly id: string; readonly text: string; readonly checked?: boolean; readonly run: () => void }[];
}

export function Menu({ name, label, icon, items }: MenuProps) {
  const [open, setOpen] = useState(false);
  const element = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!open) return undefined;
    const items = element.current?.querySelectorAll<HTMLElement>("[role^=menuitem]");
    (element.current?.querySelector<HTMLElement>("[aria-checked=true]") ?? items?.[0])?.focus();
    const outside = (event: Event) => {
      if (!element.current?.contains(event.target as Node)) setOpen(false);
    };
    document.addEventListener("pointerdown", outside);
    return () => document.removeEventListener("pointerdown", outside);
  }, [open]);
  const onKeyDown = (event: KeyboardEvent) => {
    const entries = [...(element.current?.querySelectorAll<HTMLElement>("[role^=menuitem]") ?? [])];
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (event.key === "Escape" && open) {
      event.stopPropagation();
      setOpen(false);
      element.current?.querySelector("button")?.focus();
    } else if (step && open) {
      event.preventDefault();
      const at = entries.indexOf(document.activeElement as HTMLElement);
      entries[(at + step + entries.length) % entries.length]?.focus();
    }
  };
  return (
    <div class="menu" ref={element} onKeyDown={onKeyDown} data-menu={name}>
      <button type="button" class="button quiet square" aria-haspopup="menu" aria-expanded={open} aria-label={label} title={label} data-action={name} onClick={() => setOpen(!open)}>
        <Icon name={icon} />
      </button>
      {open && (
        <div class="menu-list" role="menu" aria-label={label}>
          {items.map((item) => (
            <button
              key={item.id}
              type="button"
              role={item.checked === undefined ? "menuitem" : "menuitemradio"}
              aria-checked={item.checked}
              data-option={item.id}
              tabIndex={-1}
              onClick={() => {
                setOpen(false);
                item.run();
              }}
            >
              <span class="tick">{item.checked && <Icon name="check" />}</span>
              {item.text}
            </button>
          ))}
        </div>
      )}
    </div>
  );
}
