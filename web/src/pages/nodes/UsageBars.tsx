import { Tooltip } from '@mantine/core';
import type { Schemas } from '@/api/client';
import classes from './UsageBars.module.css';

/** What jobs held over the last hour, above what of it worked. */
export function UsageBars({ usage }: { usage: Schemas['NodeUsage'] | null }) {
  if (!usage) return <span className={classes.none}>nothing to tell yet</span>;
  const bars = [
    { name: 'held', percent: usage.allocated_percent as number | null, tone: 'busy' },
    { name: 'worked', percent: usage.utilised_percent, tone: 'good' },
  ];
  return (
    <Tooltip label={usage.text} multiline maw={320} events={{ hover: true, focus: true, touch: true }}>
      <div className={classes.bars} role="img" aria-label={usage.text}>
        {bars.map((bar) => (
          <div key={bar.name} className={classes.line}>
            <span className={classes.name}>{bar.name}</span>
            <span className={classes.track}>
              <span
                style={{ width: `${bar.percent ?? 0}%`, background: `var(--tw-${bar.tone})` }}
                data-unknown={bar.percent === null || undefined}
              />
            </span>
            <span className={classes.value}>
              {bar.percent === null ? '–' : `${Math.round(bar.percent)} %`}
            </span>
          </div>
        ))}
      </div>
    </Tooltip>
  );
}
