import { Text } from '@mantine/core';
import type { ReactNode } from 'react';
import classes from './Stat.module.css';

/** One figure with its name, and a line that says more. */
export function Stat({
  name,
  value,
  more,
  tone,
}: {
  name: string;
  value: ReactNode;
  more?: ReactNode;
  tone?: 'good' | 'busy' | 'warning' | 'bad' | 'quiet';
}) {
  return (
    <div className={classes.stat}>
      <Text size="xs" c="var(--tw-quiet)">
        {name}
      </Text>
      <div className={classes.value} style={tone ? { color: `var(--tw-${tone})` } : undefined}>
        {value}
      </div>
      {more ? (
        <Text size="xs" c="var(--tw-quiet)" component="div">
          {more}
        </Text>
      ) : null}
    </div>
  );
}
