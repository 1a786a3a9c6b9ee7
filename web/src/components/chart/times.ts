import { formatDay } from '@/lib/format';

const DAY = 86_400;

/**
 * What stands below the marks of a time axis, `step` seconds apart: the day before the month, hours up to 24, as
 * everywhere else. What is the same for a while (the day of hours, the year of days) stands below the first of it.
 */
export function timeLabels(splits: number[], step: number): string[] {
  const [fine, coarse] = partsFor(step);
  let last = '';
  return splits.map((each) => {
    const at = new Date(each * 1000);
    const below = coarse(at);
    const isNew = below !== last;
    last = below;
    return isNew && below ? `${fine(at)}\n${below}` : fine(at);
  });
}

type Part = (at: Date) => string;

function partsFor(step: number): [fine: Part, coarse: Part] {
  if (step >= 365 * DAY) return [year, () => ''];
  if (step >= 28 * DAY) return [(at) => at.toLocaleDateString('en-GB', { month: 'short' }), year];
  if (step >= DAY) return [formatDay, year];
  const withSeconds = step < 60;
  return [
    (at) =>
      at.toLocaleTimeString('en-GB', {
        hour: '2-digit',
        minute: '2-digit',
        second: withSeconds ? '2-digit' : undefined,
      }),
    formatDay,
  ];
}

function year(at: Date): string {
  return String(at.getFullYear());
}
