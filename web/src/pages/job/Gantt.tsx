import { formatMoment } from '@/lib/format';
import { useNow } from '@/lib/now';
import type { Attempt, Detail } from './useJob';
import classes from './attempts.module.css';

/** Attempts over time, a row for each provider and place. The table below says the same in words. */
export function Gantt({ job, attempts }: { job: Detail; attempts: Attempt[] }) {
  const now = useNow(5).getTime();
  const from = new Date(job.created_at).getTime();
  const ends = attempts.map((each) => (each.ended_at ? new Date(each.ended_at).getTime() : now));
  const until = Math.max(job.ended_at ? new Date(job.ended_at).getTime() : now, ...ends);
  const span = Math.max(until - from, 1);
  const rows = new Map<string, Attempt[]>();
  for (const each of attempts) {
    const name = [each.provider, each.zone ?? each.region].filter(Boolean).join(' · ');
    rows.set(name, [...(rows.get(name) ?? []), each]);
  }
  const percent = (at: number) => `${(Math.min(Math.max(at - from, 0), span) / span) * 100}%`;
  return (
    <div className={classes.gantt} role="img" aria-label={describe(attempts)}>
      {[...rows].map(([name, found]) => (
        <div key={name} className={classes.row}>
          <span className={classes.name} title={name}>
            {name}
          </span>
          <span className={classes.lane}>
            {found.map((each) => {
              const start = new Date(each.created_at).getTime();
              const end = each.ended_at ? new Date(each.ended_at).getTime() : now;
              const began = each.started_at ? new Date(each.started_at).getTime() : end;
              return (
                <span
                  key={each.id}
                  className={classes.attempt}
                  data-tone={each.state?.tone}
                  style={{ left: percent(start), width: `${(Math.max(end - start, 0) / span) * 100}%` }}
                  title={`Attempt ${each.number}: ${each.state?.label ?? ''} ${each.cost?.text ?? ''}`}
                >
                  <span
                    className={classes.startup}
                    style={{ width: `${end > start ? ((began - start) / (end - start)) * 100 : 0}%` }}
                  />
                  <b>{each.number}</b>
                </span>
              );
            })}
          </span>
        </div>
      ))}
      <div className={classes.axis} aria-hidden>
        <span>{formatMoment(new Date(from))}</span>
        <span>{job.ended_at ? formatMoment(new Date(until)) : 'now'}</span>
      </div>
    </div>
  );
}

function describe(attempts: Attempt[]): string {
  const told = attempts.map(
    (each) => `attempt ${each.number} on ${each.provider}: ${each.state?.label.toLowerCase() ?? each.status}`,
  );
  return `Attempts over time. ${told.join('; ')}.`;
}
