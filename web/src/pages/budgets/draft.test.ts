import { describe, expect, it } from 'vitest';
import type { Schemas } from '@/api/client';
import { draftOf, patchOf, requestOf } from './draft';

const money = (micro: number) => ({ micro, currency: 'USD', text: '' });
const budget = {
  name: 'vision',
  scope: 'team',
  target: 'default',
  period: 'week',
  amount: money(12_345_678),
  action: 'stop_all',
  thresholds: [80],
  channels: ['slack'],
  max_cost_per_hour: money(4_500_000),
  max_concurrent_jobs: 3,
  watches_anomalies: false,
} as unknown as Schemas['BudgetView'];

describe('drafts of budgets', () => {
  it('keeps every digit of an amount', () => {
    expect(draftOf(budget)).toMatchObject({ amount: '12.345678', hourly: '4.50', jobs: '3' });
    expect(draftOf({ ...budget, amount: money(1_000_000_000) }).amount).toBe('1000.00');
  });

  it('leaves out what is empty, and clears what was there', () => {
    const draft = { ...draftOf(budget), amount: ' ', jobs: '' };
    expect(requestOf(draft)).not.toHaveProperty('amount');
    expect(patchOf(draft, budget)).toMatchObject({
      clears: ['amount', 'max_concurrent_jobs'],
      max_cost_per_hour: '4.50',
    });
  });

  it('asks for what is written', () => {
    expect(requestOf({ ...draftOf(), name: 'a', amount: '$1,000' })).toMatchObject({
      name: 'a',
      amount: '$1,000',
      scope: 'project',
      target: undefined,
      thresholds: [50, 80, 100],
    });
  });
});
