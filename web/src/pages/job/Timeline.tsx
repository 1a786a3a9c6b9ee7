import type { Schemas } from '@/api/client';
import { Duration } from '@/components/When';
import classes from './timeline.module.css';

type Segment = Schemas['SegmentView'];

/** Stretches of time beside each other, as long as they took; below them what each was, and who made it so long. */
export function Timeline({
  segments,
  label,
  isSummed = false,
}: {
  segments: Segment[];
  label: string;
  /** One entry for all stretches of a kind. */
  isSummed?: boolean;
}) {
  const entries = isSummed ? summed(segments) : segments.map((each) => ({ ...each, times: 1 }));
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
        {entries.map((each) => (
          <li key={each.started_at + each.kind} data-kind={each.kind}>
            <span className={classes.dot} aria-hidden />
            <span className={classes.label}>{each.label}</span>
            <span className={classes.time}>
              {each.ended_at || each.times > 1 ? (
                <Duration seconds={each.seconds} />
              ) : (
                <Duration since={each.started_at} />
              )}
            </span>
            <small>
              {each.owner}
              {each.times > 1 ? ` · ${each.times} times` : ''}
            </small>
          </li>
        ))}
      </ul>
    </div>
  );
}

function summed(segments: Segment[]) {
  const found = new Map<string, Segment & { times: number }>();
  for (const each of segments) {
    const before = found.get(each.kind);
    if (!before) found.set(each.kind, { ...each, times: 1 });
    else {
      before.seconds += each.seconds;
      before.times += 1;
      before.ended_at = each.ended_at;
      if (!before.owner.split(', ').includes(each.owner)) before.owner += `, ${each.owner}`;
    }
  }
  return [...found.values()];
}
