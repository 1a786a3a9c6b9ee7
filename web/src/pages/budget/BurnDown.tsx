import { useMemo } from 'react';
import type { Schemas } from '@/api/client';
import { TimeSeriesChart, type Series } from '@/components/chart/TimeSeriesChart';
import { formatNumber } from '@/lib/format';
import { dollarsOf } from '@/lib/money';

const seconds = (at: string) => new Date(at).getTime() / 1000;

/** What is left of the amount day by day, and where that leads; without an amount, what was spent. */
export function BurnDown({ budget }: { budget: Schemas['BudgetDetail'] }) {
  const hasAmount = budget.amount !== null;
  const series = useMemo((): Series[] => {
    const amountOf = (point: { left: Schemas['MoneyView'] | null }, used: Schemas['MoneyView']) =>
      dollarsOf((hasAmount ? point.left : used)?.micro ?? 0);
    const now = budget.foreseen[0];
    // A day's sum is known at its end.
    const days = budget.days.flatMap((day): [number, number][] => {
      const end = seconds(`${day.day}T00:00:00Z`) + 86_400;
      return now && end > seconds(now.at) ? [] : [[end, amountOf(day, day.total)]];
    });
    const start: [number, number][] = budget.days[0]
      ? [[seconds(`${budget.days[0].day}T00:00:00Z`), hasAmount ? dollarsOf(budget.amount?.micro ?? 0) : 0]]
      : [];
    const foreseen = budget.foreseen.map((point): [number, number] => [
      seconds(point.at),
      amountOf(point, point.used),
    ]);
    const known = foreseen[0] ? [...start, ...days, foreseen[0]] : [...start, ...days];
    return [
      { name: hasAmount ? 'left' : 'spent', points: known },
      { name: 'foreseen', points: foreseen, dash: true, color: '--tw-series-2' },
    ];
  }, [budget, hasAmount]);
  const runsOut = budget.forecast.runs_out_at;
  return (
    <TimeSeriesChart
      label={hasAmount ? `What is left of ${budget.amount?.text ?? ''}` : 'What was spent'}
      series={series}
      height={260}
      format={(value) => `${value < 0 ? '−' : ''}$${formatNumber(Math.abs(value))}`}
      marks={runsOut ? [{ at: seconds(runsOut), label: 'used up' }] : undefined}
    />
  );
}
