import type { Schemas } from '@/api/client';
import { dollarsOf } from '@/lib/money';
import type { Series } from '@/components/chart/TimeSeriesChart';

type History = Schemas['PriceHistory'];

export const RANGES = [
  { value: '24h', label: '24 h', seconds: 86_400 },
  { value: '7d', label: '7 d', seconds: 7 * 86_400 },
  { value: '30d', label: '30 d', seconds: 30 * 86_400 },
  { value: 'all', label: 'All', seconds: null },
] as const;
export type Range = (typeof RANGES)[number]['value'];

/** The beginning of a range, on a whole five minutes so that asking again asks the same. */
export function sinceOf(range: string, now: Date): string | undefined {
  const seconds = RANGES.find((each) => each.value === range)?.seconds;
  if (!seconds) return undefined;
  const step = 300_000;
  return new Date(Math.floor(now.getTime() / step) * step - seconds * 1000).toISOString();
}

/** Least, middle and most of one market as lines of a chart; times without an offer are gaps. */
export function bandSeries(history: History, name: string, color: string, dash = false): Series[] {
  const points = (pick: (band: History['band'][number]) => number | null) =>
    history.band.map((each): [number, number | null] => {
      const value = pick(each);
      return [Date.parse(each.at) / 1000, value === null ? null : dollarsOf(value)];
    });
  return [
    {
      name: `${name}, most`,
      points: points((each) => each.max_micro),
      kind: 'step',
      color,
      // A band is filled from its upper edge down.
      band: `${name}, least`,
      isQuiet: true,
      isFaint: true,
    },
    {
      name: `${name}, least`,
      points: points((each) => each.min_micro),
      kind: 'step',
      color,
      isQuiet: true,
      isFaint: true,
    },
    { name: `${name}, middle`, points: points((each) => each.median_micro), kind: 'step', color, dash },
  ];
}

/** True if there is a price at any time. */
export function hasPrices(history: History | undefined): boolean {
  return history?.band.some((each) => each.median_micro !== null) ?? false;
}

/** True if the lowest and the highest price are so far apart that a straight axis would hide the course of most. */
export function isWide(series: Series[]): boolean {
  const values = series.flatMap((each) => each.points.flatMap(([, y]) => (y === null || y <= 0 ? [] : [y])));
  return values.length > 0 && Math.max(...values) / Math.min(...values) > 6;
}

/** A price on an axis: as many digits as say something. */
export function formatDollars(value: number): string {
  const places = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 0.1 || value === 0 ? 2 : 4;
  return `$${value.toLocaleString('en-US', { minimumFractionDigits: places, maximumFractionDigits: places })}`;
}

export interface Stretch {
  level: string | null;
  from: string;
  share: number;
}

/** Neighbouring times of the same availability together, with their share of the whole. */
export function stretches(band: History['band']): Stretch[] {
  const found: (Stretch & { count: number })[] = [];
  for (const each of band) {
    const last = found.at(-1);
    if (last && last.level === each.availability) last.count += 1;
    else found.push({ level: each.availability, from: each.at, share: 0, count: 1 });
  }
  return found.map(({ count, ...each }) => ({ ...each, share: count / band.length }));
}
