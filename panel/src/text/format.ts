/** How numbers, money, times and sizes are written. Unknown is `--`, never zero. */

export const UNKNOWN = "--";
const UNITS = ["", "K", "M", "B", "T", "P"] as const;
const BYTES = ["B", "KB", "MB", "GB", "TB", "PB"] as const;

type Maybe = number | null | undefined;

function known(value: Maybe): value is number {
  return typeof value === "number" && Number.isFinite(value);
}

/** A count in at most five characters. */
export function compact(value: Maybe): string {
  if (!known(value)) return UNKNOWN;
  const size = Math.abs(value);
  if (size < 1000) {
    const digits = Number.isInteger(value) || size >= 1 ? 0 : 2;
    const text = value.toFixed(digits);
    if (text !== "1000" && text !== "-1000") return text;
  }
  let unit = 1;
  let scaled = value / 1000;
  while (unit < UNITS.length - 1 && Math.abs(Number(scaled.toFixed(1))) >= 1000) {
    scaled /= 1000;
    unit += 1;
  }
  return `${scaled.toFixed(1)}${UNITS[unit]}`;
}

/** A time span of milliseconds. */
export function duration(ms: Maybe): string {
  if (!known(ms) || ms < 0) return UNKNOWN;
  if (Math.round(ms) < 1000) return `${Math.round(ms)}ms`;
  const seconds = ms / 1000;
  const short = seconds.toFixed(2);
  if (Number(short) < 10) return `${short.replace(/\.?0+$/, "")}s`;
  const medium = seconds.toFixed(1);
  if (Number(medium) < 60) return `${medium.replace(/\.0$/, "")}s`;
  const whole = Math.round(seconds);
  const steps = [
    [86_400, 3_600, "d", "h"],
    [3_600, 60, "h", "m"],
    [60, 1, "m", "s"],
  ] as const;
  const [large, small, first, second] = steps.find(([size]) => whole >= size) ?? steps[2];
  const rest = Math.floor((whole % large) / small);
  return `${Math.floor(whole / large)}${first} ${String(rest).padStart(2, "0")}${second}`;
}

/** A size in steps of 1024. */
export function bytes(value: Maybe): string {
  if (!known(value) || value < 0) return UNKNOWN;
  let unit = 0;
  let scaled = value;
  while (unit < BYTES.length - 1 && scaled >= 1024) {
    scaled /= 1024;
    unit += 1;
  }
  return unit === 0 ? `${Math.round(scaled)} B` : `${scaled.toFixed(2)} ${BYTES[unit]}`;
}

/** A fraction as a percentage that never rounds up to 100 nor down to 0. */
export function percent(fraction: Maybe, digits = 1): string {
  if (!known(fraction)) return UNKNOWN;
  const value = fraction * 100;
  const step = 10 ** -digits;
  if (value > 0 && value < step / 2) return `<${step.toFixed(digits)}%`;
  if (value < 100 && Number(value.toFixed(digits)) >= 100) return `${(100 - step).toFixed(digits)}%`;
  return `${value.toFixed(digits)}%`;
}

/** By how much of the former value the present one differs, as a fraction; null if neither says. */
export function change(now: Maybe, before: Maybe): number | "new" | null {
  if (!known(now) || !known(before)) return null;
  if (before === 0) return now > 0 ? "new" : null;
  return (now - before) / before;
}

export interface Formats {
  compact(value: Maybe): string;
  full(value: Maybe): string;
  usd(value: Maybe): string;
  usdRequest(value: Maybe): string;
  price(value: Maybe): string;
  percent(fraction: Maybe, digits?: number): string;
  duration(ms: Maybe): string;
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
  const dollars = (digits: number) => {
    const format = number({ minimumFractionDigits: digits, maximumFractionDigits: digits });
    const least = 10 ** -digits;
    return (value: Maybe) => {
      if (!known(value)) return UNKNOWN;
      if (value > 0 && value < least / 2) return `<$${format.format(least)}`;
      return value < 0 ? `-$${format.format(-value)}` : `$${format.format(value)}`;
    };
  };
  const one = number({ minimumFractionDigits: 1, maximumFractionDigits: 1 });
  const relative = new Intl.RelativeTimeFormat(locale, { numeric: "auto", style: "short" });
  const weekdays = {
    short: new Intl.DateTimeFormat(locale, { weekday: "short", timeZone: "UTC" }),
    long: new Intl.DateTimeFormat(locale, { weekday: "long", timeZone: "UTC" }),
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
    rate: (value) => (known(value) ? (value < 1000 ? one.format(value) : compact(value)) : UNKNOWN),
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
      const sign = value > 0 ? "+" : value < 0 ? "−" : "±";
      const size = Math.abs(value * 100);
      return size >= 1000 ? `${sign}${compact(Math.round(size))}%` : `${sign}${size.toFixed(1)}%`;
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
