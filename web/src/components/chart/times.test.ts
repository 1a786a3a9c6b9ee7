import { describe, expect, it } from 'vitest';
import { timeLabels } from './times';

const at = (...parts: [number, number, number, number?, number?, number?]) =>
  new Date(parts[0], parts[1] - 1, parts[2], parts[3] ?? 0, parts[4] ?? 0, parts[5] ?? 0).getTime() / 1000;

describe('labels of a time axis', () => {
  it('say hours up to 24, and the day below the first of each', () => {
    const splits = [at(2026, 11, 3, 18), at(2026, 11, 3, 21), at(2026, 11, 4), at(2026, 11, 4, 3)];
    expect(timeLabels(splits, 10_800)).toEqual(['18:00\n3 Nov', '21:00', '00:00\n4 Nov', '03:00']);
  });

  it('say the day before the month, and the year where it changes', () => {
    const splits = [at(2026, 12, 30), at(2026, 12, 31), at(2027, 1, 1)];
    expect(timeLabels(splits, 86_400)).toEqual(['30 Dec\n2026', '31 Dec', '1 Jan\n2027']);
  });

  it('say months, years and seconds where those are the steps', () => {
    expect(timeLabels([at(2026, 11, 1), at(2026, 12, 1)], 30 * 86_400)).toEqual(['Nov\n2026', 'Dec']);
    expect(timeLabels([at(2026, 1, 1), at(2027, 1, 1)], 365 * 86_400)).toEqual(['2026', '2027']);
    expect(timeLabels([at(2026, 11, 3, 9, 5, 7)], 1)).toEqual(['09:05:07\n3 Nov']);
  });
});
