import { describe, expect, it } from 'vitest';
import { formatAgo, formatBytes, formatDuration, formatNumber } from './format';
import { withChanges } from './url';

describe('formats', () => {
  it('shows two units of a duration', () => {
    expect([9, 252, 7_500, 273_600, 59.6].map(formatDuration)).toEqual([
      '9s',
      '4m 12s',
      '2h 05m',
      '3d 4h',
      '1m 00s',
    ]);
  });

  it('says how long ago, towards zero', () => {
    const now = new Date('2026-03-02T12:00:00Z');
    const ago = (seconds: number) => formatAgo(new Date(now.getTime() - seconds * 1000), now);
    expect([ago(2), ago(40), ago(119), ago(7_199), ago(-7_200)]).toEqual([
      'now',
      '40s ago',
      '1m ago',
      '1h ago',
      'in 2h',
    ]);
  });

  it('keeps three digits of a size', () => {
    expect([0, 999, 1_500, 214_000_000, 3.2e9].map(formatBytes)).toEqual([
      '0 B',
      '999 B',
      '1.50 KB',
      '214 MB',
      '3.20 GB',
    ]);
  });

  it('shows small and large numbers so that digits matter', () => {
    expect([1.2345678, 0.00001234, 12_345_678, 0].map(formatNumber)).toEqual([
      '1.2346',
      '1.234e-5',
      '1.235e+7',
      '0',
    ]);
  });
});

describe('addresses', () => {
  it('drops what is empty and keeps the rest', () => {
    const after = withChanges(new URLSearchParams('a=1&b=2&b=3'), { b: ['4', '5'], a: '', c: 0, d: false });
    expect(after.toString()).toBe('b=4&b=5&c=0');
  });
});
