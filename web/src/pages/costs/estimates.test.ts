import { describe, expect, it } from 'vitest';
import type { Schemas } from '@/api/client';
import { dotsOf } from './estimates';

const money = (micro: number) => ({ micro, currency: 'USD', text: `$${micro / 1e6}` });
const row = (name: string, changes: Partial<Schemas['JobCost']>): Schemas['JobCost'] => ({
  job: `job_${name}`,
  name,
  outcome: 'succeeded',
  provider: 'vast',
  accelerator: 'L4',
  estimated: money(2e6),
  actual: money(3e6),
  ratio: 1.5,
  estimated_hours: 1,
  actual_hours: 2,
  ended_at: '2026-11-16T09:00:00Z',
  badge: null,
  text: '',
  estimated_hours_text: '1.0 h',
  actual_hours_text: '2.0 h',
  ...changes,
});

describe('dots of estimates', () => {
  it('stand where estimate and outcome are known, and say them as the server does', () => {
    const rows = [row('a', {}), row('b', { estimated: null }), row('c', { actual: money(0) })];
    expect(dotsOf(rows, 'cost')).toEqual([
      { key: 'job_a2026-11-16T09:00:00Z', x: 2e6, y: 3e6, text: 'a: $3, estimated $2', isHollow: false },
    ]);
    expect(dotsOf(rows, 'time').map((dot) => [dot.x, dot.y, dot.text])).toEqual([
      [1, 2, 'a: 2.0 h, estimated 1.0 h'],
      [1, 2, 'b: 2.0 h, estimated 1.0 h'],
      [1, 2, 'c: 2.0 h, estimated 1.0 h'],
    ]);
  });

  it('are hollow where the job did not finish', () => {
    expect(dotsOf([row('a', { outcome: 'failed' })], 'cost')[0]?.isHollow).toBe(true);
  });
});
