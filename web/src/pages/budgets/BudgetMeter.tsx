import { Tooltip } from '@mantine/core';
import type { Schemas } from '@/api/client';
import classes from './BudgetMeter.module.css';

/** Of the amount: what is closed, what running jobs have used up, and what is held for them. Marks are what is told. */
export function BudgetMeter({
  budget,
}: {
  budget: Pick<Schemas['BudgetView'], 'meter' | 'thresholds' | 'used_text' | 'badge' | 'used_percent'>;
}) {
  if (budget.meter.length === 0) return null;
  const whole = budget.meter.reduce((sum, part) => sum + part.percent, 0);
  const scale = 100 / Math.max(whole, 100);
  const tone = budget.badge?.tone === 'good' ? 'busy' : (budget.badge?.tone ?? 'busy');
  const words = budget.meter.map((part) => `${part.amount.text} ${part.label}`).join(', ');
  return (
    <Tooltip label={words} multiline maw={360} events={{ hover: true, focus: true, touch: true }}>
      <div
        className={classes.meter}
        role="meter"
        aria-label={`Used: ${budget.used_text}; ${words}`}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={Math.round(budget.used_percent ?? 0)}
      >
        <div className={classes.bar}>
          {budget.meter.map((part) => (
            <span
              key={part.name}
              data-part={part.name}
              style={{ width: `${part.percent * scale}%`, background: `var(--tw-${tone})` }}
            />
          ))}
        </div>
        {budget.thresholds
          .filter((percent) => percent * scale <= 100)
          .map((percent) => (
            <i key={percent} style={{ left: `${percent * scale}%` }} aria-hidden />
          ))}
      </div>
    </Tooltip>
  );
}
