/** How numbers, money, times and sizes are written. Unknown is `--`, never zero. */

export const UNKNOWN = "--";
const UNITS = ["", "K", "M", "B", "T", "P"] as const;
const BYTES = ["B", "KB", "MB", "GB", "TB", "PB"] as const;
const SPANS = { en: ["ms", "s", "m", "h", "d"], ru: ["мс", "с", "м", "ч", "д"] } as const;

const MANY_TIMES = 10;

type Maybe = number | null | undefined;

function known(value: Maybe): value is number {
  return typeof value === "number" && Number.isFinite(value);
}

/** By how much of the former value the present one differs, as a fraction; null if neither says. */
export function change(now: Maybe, before: Maybe): number | "new" | null {
  if (!known(now) || !known(before)) return null;
  if (before === 0) return now > 0 ? "new" : null;
  return (now - before) / before;
}

export interface Formats {
  /** A count in at most five characters. */
  compact(value: Maybe): string;
  full(value: Maybe): string;
  usd(value: Maybe): string;
  usdRequest(value: Maybe): string;
  price(value: Maybe): string;
  /** A fraction as a percentage that never rounds up to 100 nor down to 0. */
  percent(fraction: Maybe, digits?: number): string;
  /** A time span of milliseconds. */
  duration(ms: Maybe): string;
  /** A size in steps of 1024. */
  bytes(value: Maybe): string;
  rate(value: Maybe): string;
  clock(ms: Maybe): string;
  moment(ms: Maybe): string;
  /** A day and a moment of it, in figures. */
  stamp(ms: Maybe): string;
  dateTime(ms: Maybe): string;
  day(ms: Maybe): string;
  weekday(sunday: number, width?: "short" | "long"): string;
  ago(ms: Maybe, now: number): string;
  /** A change with its sign, or how many times as much there is now. */
  delta(change: number | "new" | null): string;
}

/** The formats of a language, in the time zone of the browser unless one is given. */
export function formats(locale: string, timeZone?: string): Formats {
  const zone = timeZone ? { timeZone } : {};
  const number = (options: Intl.NumberFormatOptions) => new Intl.NumberFormat(locale, options);
  const date = (options: Intl.DateTimeFormatOptions) => {
    const format = new Intl.DateTimeFormat(locale, { hourCycle: "h23", ...zone, ...options });
    return (ms: Maybe) => (known(ms) && ms > 0 ? format.format(ms) : UNKNOWN);
  };
  const whole = number({ maximumFractionDigits: 0 });
  const decimals = [0, 1, 2].map((digits) => number({ minimumFractionDigits: digits, maximumFractionDigits: digits, useGrouping: false }));
  const fixed = (value: number, digits: number) => decimals[digits]!.format(value);
  const most = number({ maximumFractionDigits: 2 });
  const dollars = (digits: number) => {
    const format = number({ minimumFractionDigits: digits, maximumFractionDigits: digits });
    const least = 10 ** -digits;
    return (value: Maybe) => {
      if (!known(value)) return UNKNOWN;
      if (value > 0 && value < least / 2) return `<$${format.format(least)}`;
      return value < 0 ? `-$${format.format(-value)}` : `$${format.format(value)}`;
    };
  };
  const relative = new Intl.RelativeTimeFormat(locale, { numeric: "auto", style: "short" });
  const weekdays = {
    short: new Intl.DateTimeFormat(locale, { weekday: "short", timeZone: "UTC" }),
    long: new Intl.DateTimeFormat(locale, { weekday: "long", timeZone: "UTC" }),
  };
  const compact = (value: Maybe): string => {
    if (!known(value)) return UNKNOWN;
    const size = Math.abs(value);
    if (size < 999.5) return fixed(value, Number.isInteger(value) || size >= 1 ? 0 : 2);
    let unit = 1;
    let scaled = value / 1000;
    while (unit < UNITS.length - 1 && Math.abs(Number(scaled.toFixed(1))) >= 1000) {
      scaled /= 1000;
      unit += 1;
    }
    return `${fixed(scaled, 1)}${UNITS[unit]}`;
  };
  const percent = (fraction: Maybe, digits = 1): string => {
    if (!known(fraction)) return UNKNOWN;
    const value = fraction * 100;
    const step = 10 ** -digits;
    const short = value < 100 && Number(value.toFixed(digits)) >= 100 ? 100 - step : value;
    return value > 0 && value < step / 2 ? `<${fixed(step, digits)}%` : `${fixed(short, digits)}%`;
  };
  const [ms, s, m, h, d] = SPANS[locale as keyof typeof SPANS] ?? SPANS.en;
  const duration = (span: Maybe): string => {
    if (!known(span) || span < 0) return UNKNOWN;
    if (Math.round(span) < 1000) return `${Math.round(span)}${ms}`;
    const seconds = span / 1000;
    if (Number(seconds.toFixed(2)) < 10) return `${most.format(seconds)}${s}`;
    if (Number(seconds.toFixed(1)) < 60) return `${most.format(Number(seconds.toFixed(1)))}${s}`;
    const all = Math.round(seconds);
    const steps = [
      [86_400, 3_600, d, h],
      [3_600, 60, h, m],
      [60, 1, m, s],
    ] as const;
    const [large, small, first, second] = steps.find(([size]) => all >= size) ?? steps[2];
    const rest = Math.floor((all % large) / small);
    return `${Math.floor(all / large)}${first} ${String(rest).padStart(2, "0")}${second}`;
  };
  const bytes = (value: Maybe): string => {
    if (!known(value) || value < 0) return UNKNOWN;
    let unit = 0;
    let scaled = value;
    while (unit < BYTES.length - 1 && scaled >= 1024) {
      scaled /= 1024;
      unit += 1;
    }
    return unit === 0 ? `${Math.round(scaled)} B` : `${fixed(scaled, 2)} ${BYTES[unit]}`;
  };
  return {
    compact,
    duration,
    bytes,
    percent,
    full: (value) => (known(value) ? whole.format(value) : UNKNOWN),
    usd: dollars(2),
    usdRequest: dollars(3),
    price: dollars(4),
    rate: (value) => (known(value) && value < 1000 ? fixed(value, 1) : compact(value)),
    clock: date({ hour: "2-digit", minute: "2-digit" }),
    moment: date({ hour: "2-digit", minute: "2-digit", second: "2-digit" }),
    stamp: date({ month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit" }),
    dateTime: date({
      year: "numeric",
      month: "short",
      day: "numeric",
      hour: "2-digit",
      minute: "2-digit",
      second: "2-digit",
    }),
    day: date({ month: "short", day: "numeric" }),
    // 2023-01-01 was a Sunday.
    weekday: (sunday, width = "short") => weekdays[width].format(Date.UTC(2023, 0, 1 + sunday)),
    ago: (ms, now) => {
      if (!known(ms) || ms <= 0) return UNKNOWN;
      const seconds = Math.round((ms - now) / 1000);
      const size = Math.abs(seconds);
      if (size < 60) return relative.format(seconds, "second");
      if (size < 3600) return relative.format(Math.trunc(seconds / 60), "minute");
      if (size < 86_400) return relative.format(Math.trunc(seconds / 3600), "hour");
      return relative.format(Math.trunc(seconds / 86_400), "day");
    },
    delta: (value) => {
      if (value === null || value === "new") return UNKNOWN;
      // From ten times as much on, a percentage is hard to read.
      if (value >= MANY_TIMES) return `×${compact(Math.round(1 + value))}`;
      const sign = value > 0 ? "+" : value < 0 ? "−" : "±";
      return `${sign}${fixed(Math.abs(value * 100), 1)}%`;
    },
  };
}

/** A moment with its offset from UTC, for a tooltip. */
export function iso(ms: Maybe): string {
  if (!known(ms) || ms <= 0) return "";
  const offset = -new Date(ms).getTimezoneOffset();
  const local = new Date(ms + offset * 60_000).toISOString().slice(0, 23);
  const sign = offset < 0 ? "-" : "+";
  const pad = (n: number) => String(Math.floor(n)).padStart(2, "0");
  return `${local}${sign}${pad(Math.abs(offset) / 60)}:${pad(Math.abs(offset) % 60)}`;
}
