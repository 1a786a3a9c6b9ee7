/** How numbers, times and sizes look. What they mean is the server's to say. */

const UNITS: [Intl.RelativeTimeFormatUnit, number][] = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
];
// Made once: to make one takes many times as long as to use it, and a list of jobs uses them for every row.
const relative = new Intl.RelativeTimeFormat('en', { numeric: 'always', style: 'narrow' });
const moment = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'medium' });
const clock = new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium' });
const day = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short' });
const count = new Intl.NumberFormat('en-US');
const fiveDigits = new Intl.NumberFormat('en-US', { maximumSignificantDigits: 5 });
const oneDecimal = new Intl.NumberFormat('en-US', { maximumFractionDigits: 1 });
const whole = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });

export function formatAgo(at: Date, now: Date): string {
  const seconds = (at.getTime() - now.getTime()) / 1000;
  for (const [unit, size] of UNITS) {
    if (Math.abs(seconds) >= size) return relative.format(Math.trunc(seconds / size), unit);
  }
  return Math.abs(seconds) < 5 ? 'now' : relative.format(Math.trunc(seconds), 'second');
}

export function formatMoment(at: Date): string {
  return moment.format(at);
}

export function formatClock(at: Date): string {
  return clock.format(at);
}

export function formatDay(at: Date): string {
  return day.format(at);
}

/** Two units at most: 3d 4h, 2h 05m, 4m 12s, 9s. */
export function formatDuration(seconds: number): string {
  const all = Math.max(Math.round(seconds), 0);
  const days = Math.floor(all / 86_400);
  const hours = Math.floor((all % 86_400) / 3_600);
  const minutes = Math.floor((all % 3_600) / 60);
  if (days) return `${days}d ${hours}h`;
  if (hours) return `${hours}h ${String(minutes).padStart(2, '0')}m`;
  if (minutes) return `${minutes}m ${String(all % 60).padStart(2, '0')}s`;
  return `${all}s`;
}

export function formatBytes(bytes: number): string {
  const units = ['B', 'KB', 'MB', 'GB', 'TB', 'PB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toPrecision(3)} ${units[unit]}`;
}

export function formatCount(value: number): string {
  return count.format(value);
}

/** About four digits that mean something, whatever the size. */
export function formatNumber(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-4 || size >= 1e7)) return value.toExponential(3);
  return fiveDigits.format(value);
}

export function formatPercent(fraction: number): string {
  return `${(fraction < 0.1 ? oneDecimal : whole).format(fraction * 100)} %`;
}
