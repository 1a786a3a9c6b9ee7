import type { Schemas } from '@/api/client';
import { Duration } from '@/components/When';
import classes from './timeline.module.css';

type Segment = Schemas['SegmentView'];

/** Stretches of time beside each other, as long as they took; below them what each was, and who made it so long. */
export function Timeline({ segments, label }: { segments: Segment[]; label: string }) {
  const whole = segments.reduce((sum, each) => sum + each.seconds, 0);
  if (segments.length === 0) return null;
  return (
    <div>
      <div className={classes.bar} aria-hidden>
        {segments.map((each) => (
          <span
            key={each.started_at + each.kind}
            data-kind={each.kind}
            data-open={each.ended_at === null || undefined}
            title={`${each.label}${each.explanation ? `: ${each.explanation}` : ''}`}
            style={{ flexGrow: whole > 0 ? Math.max(each.seconds / whole, 0.004) : 1 }}
          />
        ))}
      </div>
      <ul className={classes.legend} aria-label={label}>
        {segments.map((each) => (
          <li key={each.started_at + each.kind} data-kind={each.kind}>
            <span className={classes.dot} aria-hidden />
            <span className={classes.label}>{each.label}</span>
            <span className={classes.time}>
              <Duration since={each.started_at} until={each.ended_at} />
            </span>
            <small>{each.owner}</small>
          </li>
        ))}
      </ul>
    </div>
  );
}
