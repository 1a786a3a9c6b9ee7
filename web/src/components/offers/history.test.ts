import { describe, expect, it } from 'vitest';
import { bandSeries, formatDollars, hasPrices, isWide, sinceOf, stretches } from './history';

const band = [
  {
    at: '2026-01-01T00:00:00Z',
    offers: 2,
    min_micro: 1e6,
    median_micro: 2e6,
    max_micro: 3e6,
    availability: 'high',
  },
  {
    at: '2026-01-01T01:00:00Z',
    offers: 0,
    min_micro: null,
    median_micro: null,
    max_micro: null,
    availability: null,
  },
  {
    at: '2026-01-01T02:00:00Z',
    offers: 1,
    min_micro: 1e6,
    median_micro: 1e6,
    max_micro: 1e6,
    availability: 'high',
  },
  {
    at: '2026-01-01T03:00:00Z',
    offers: 1,
    min_micro: 1e6,
    median_micro: 1e6,
    max_micro: 1e6,
    availability: 'high',
  },
];
const history = { band } as unknown as Parameters<typeof bandSeries>[0];

describe('the course of a price', () => {
  it('has a gap where nothing was to be had', () => {
    const [most, least, middle] = bandSeries(history, 'Spot', '--tw-series-2');
    expect(middle?.points.map(([, y]) => y)).toEqual([2, null, 1, 1]);
    expect(most?.band).toBe(least?.name);
    expect(isWide([most!])).toBe(false);
    expect(
      isWide([
        {
          name: 'x',
          points: [
            [0, 1],
            [1, null],
            [2, 20],
          ],
        },
      ]),
    ).toBe(true);
    expect(middle?.kind).toBe('step');
  });

  it('is empty without any price', () => {
    expect(hasPrices(undefined)).toBe(false);
    expect(hasPrices(history)).toBe(true);
  });

  it('joins neighbouring times of one availability', () => {
    expect(stretches(history.band).map((each) => [each.level, each.share])).toEqual([
      ['high', 0.25],
      [null, 0.25],
      ['high', 0.5],
    ]);
  });

  it('begins on whole five minutes', () => {
    expect(sinceOf('24h', new Date('2026-01-02T00:04:59Z'))).toBe('2026-01-01T00:00:00.000Z');
    expect(sinceOf('all', new Date())).toBeUndefined();
  });

  it('shows as many digits as say something', () => {
    expect(['0.0123', '1.5', '123.4'].map((each) => formatDollars(Number(each)))).toEqual([
      '$0.0123',
      '$1.50',
      '$123',
    ]);
  });
});
