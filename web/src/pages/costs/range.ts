import type { Schemas } from '@/api/client';
import type { useUrlState } from '@/lib/url';

export type Overview = Schemas['CostOverview'];
export type RangeName = 'today' | '7d' | '30d' | '90d' | 'month' | 'last_month' | 'year';

const DAY_MS = 86_400_000;

/** What the address asks of an overview. Days are whole days in UTC, the last one included. */
export function askedOf({ text, list }: Pick<ReturnType<typeof useUrlState>, 'text' | 'list'>) {
  const since = dayOf(text('since'));
  const until = dayOf(text('until'));
  const isOwn = since !== null && until !== null;
  const only = list('only');
  return {
    range: isOwn ? undefined : (text('range', '30d') as RangeName),
    since: isOwn ? new Date(since).toISOString() : undefined,
    until: isOwn ? new Date(until + DAY_MS).toISOString() : undefined,
    by: text('by', 'provider'),
    only: only.length ? only : undefined,
  };
}

export type Asked = ReturnType<typeof askedOf>;

function dayOf(text: string): number | null {
  const at = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : NaN;
  return Number.isNaN(at) ? null : at;
}

/** The same question as an address, for files that the browser fetches by itself. */
export function addressOf(base: string, asked: Asked, what: string): string {
  const query = new URLSearchParams({ what });
  for (const [name, value] of Object.entries(asked)) {
    for (const each of Array.isArray(value) ? value : [value]) if (each) query.append(name, each);
  }
  return `${base}/api/v1/cost/export?${query.toString()}`;
}

/** A day as it is called, whatever the browser's zone: steps begin in UTC. */
export function dayLabel(day: string, step: Overview['step']): string {
  const at = new Date(`${day}T00:00:00Z`);
  return step === 'month'
    ? at.toLocaleDateString('en-GB', { month: 'short', year: 'numeric', timeZone: 'UTC' })
    : at.toLocaleDateString('en-GB', { day: 'numeric', month: 'short', timeZone: 'UTC' });
}
