import { Text } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { api } from '@/api/client';
import { problemOf } from '@/api/problem';
import { When } from '@/components/When';
import type { Condition } from './condition';
import classes from './alerts.module.css';

const DAYS = 30;
const SHOWN = 4;

/** How often the condition would have fired lately, from the prices that were recorded. */
export function Preview({ condition }: { condition: Condition | null }) {
  const [settled] = useDebouncedValue(condition, 400);
  const preview = useQuery({
    queryKey: ['post', '/api/v1/alerts/preview', settled],
    enabled: settled !== null,
    retry: false,
    placeholderData: (before) => before,
    queryFn: async () => {
      if (!settled) return null;
      const { data } = await api.POST('/api/v1/alerts/preview', { body: { condition: settled, days: DAYS } });
      return data ?? null;
    },
  });
  if (!condition) {
    return (
      <div className={classes.preview}>
        <Text size="sm" c="var(--tw-quiet)">
          Say what it waits for, and see how often it would have fired.
        </Text>
      </div>
    );
  }
  const seen = preview.data;
  return (
    <div className={classes.preview} role="status" aria-label="Preview" aria-busy={preview.isFetching}>
      {preview.error ? (
        <Text size="sm" c="var(--tw-bad)">
          {problemOf(preview.error).detail}
        </Text>
      ) : null}
      {seen && !preview.error ? (
        <>
          <Text size="sm" fw={550}>
            {`${seen.text.charAt(0).toUpperCase()}${seen.text.slice(1)}`}
          </Text>
          <Text size="xs" c="var(--tw-quiet)">
            {seen.summary}
          </Text>
          {seen.firings.slice(0, SHOWN).map((firing) => (
            <div className={classes.small} key={`${firing.at} ${firing.title}`}>
              <When at={firing.at} />: {firing.title}
            </div>
          ))}
          {seen.notes.map((note) => (
            <div className={classes.small} key={note}>
              {note}
            </div>
          ))}
        </>
      ) : null}
    </div>
  );
}
