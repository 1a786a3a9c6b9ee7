import type { ReactNode } from 'react';
import classes from './BarList.module.css';

export interface Bar {
  key: string;
  label: ReactNode;
  /** Only its length against the others is drawn. */
  size: number;
  /** What it stands for, as the server words it. */
  value: ReactNode;
  color?: string;
}

/** Values beside each other as bars, the way they are ordered. */
export function BarList({ bars, label }: { bars: Bar[]; label: string }) {
  const most = Math.max(...bars.map((bar) => bar.size), 0);
  return (
    <ul className={classes.list} aria-label={label}>
      {bars.map((bar) => (
        <li key={bar.key}>
          <span className={classes.label}>{bar.label}</span>
          <span className={classes.track} aria-hidden>
            <span
              style={{
                width: `${most > 0 ? (bar.size / most) * 100 : 0}%`,
                background: `var(${bar.color ?? '--tw-series-1'})`,
              }}
            />
          </span>
          <span className={classes.value}>{bar.value}</span>
        </li>
      ))}
    </ul>
  );
}
