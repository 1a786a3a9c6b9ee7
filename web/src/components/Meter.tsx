import classes from './Meter.module.css';

/** A share of a whole as a bar, with a second, fainter part (held, foreseen) behind the first. Shares are 0 to 1 and may exceed 1. */
export function Meter({
  share,
  extra = 0,
  label,
  tone = 'busy',
}: {
  share: number;
  extra?: number;
  label: string;
  tone?: 'good' | 'busy' | 'warning' | 'bad' | 'quiet';
}) {
  const first = Math.min(Math.max(share, 0), 1);
  const second = Math.min(Math.max(extra, 0), 1 - first);
  return (
    <div
      className={classes.meter}
      role="meter"
      aria-valuenow={Math.round(share * 100)}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-label={label}
    >
      <span style={{ width: `${first * 100}%`, background: `var(--tw-${tone})` }} />
      <span style={{ width: `${second * 100}%`, background: `var(--tw-${tone})`, opacity: 0.35 }} />
    </div>
  );
}
