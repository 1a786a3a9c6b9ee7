import { describe, expect, it } from 'vitest';
import { logScale } from './scale';

describe('a scale by powers of ten', () => {
  it('goes from a power to a power and holds all', () => {
    const scale = logScale([0.03, 4, 212]);
    expect([scale.low, scale.high]).toEqual([0.01, 1000]);
    expect(scale.ticks).toEqual([0.01, 0.1, 1, 10, 100, 1000]);
    expect(scale.at(0.01)).toBeCloseTo(0);
    expect(scale.at(1000)).toBeCloseTo(1);
    expect(scale.at(100)).toBeCloseTo(0.8);
  });

  it('has room for one value, and for none', () => {
    expect(logScale([10]).at(10)).toBe(0);
    expect([logScale([10]).low, logScale([10]).high]).toEqual([10, 100]);
    expect([logScale([]).low, logScale([]).high]).toEqual([1, 10]);
  });

  it('has few marks over many powers', () => {
    expect(logScale([1e-6, 1e6]).ticks.length).toBeLessThanOrEqual(7);
  });
});
