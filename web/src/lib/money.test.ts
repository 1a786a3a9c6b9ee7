import { describe, expect, it } from 'vitest';
import { dollarsOf, microOf, microWritten } from './money';

describe('amounts', () => {
  it('are whole millionths, whatever a fraction of a dollar looks like in binary', () => {
    expect([0.1, 1.1, 0.000001, 2.675, 1e6].map(microOf)).toEqual([
      100_000, 1_100_000, 1, 2_675_000, 1_000_000_000_000,
    ]);
    expect(dollarsOf(microOf(0.29))).toBe(0.29);
  });

  it('are read as people write them, and nothing else is an amount', () => {
    expect(['0.40', '0,40', ' 2 ', '', '  ', 'free', '0.40/h'].map(microWritten)).toEqual([
      400_000,
      400_000,
      2_000_000,
      null,
      null,
      null,
      null,
    ]);
  });
});
