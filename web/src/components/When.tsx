import { Text } from '@mantine/core';
import { formatAgo, formatDuration, formatMoment } from '@/lib/format';
import { useNow } from '@/lib/now';
import { Hint } from './Hint';

/** How long ago, or in how long; the exact time on hover and for screen readers. */
export function When({ at }: { at: string | null | undefined }) {
  const now = useNow(5);
  if (!at)
    return (
      <Text component="span" c="var(--tw-quiet)" inherit>
        –
      </Text>
    );
  const moment = new Date(at);
  return (
    <Hint label={() => formatMoment(moment)}>
      <time dateTime={at}>{formatAgo(moment, now)}</time>
    </Hint>
  );
}

/** A length of time; with `since` alone it counts up. */
export function Duration({
  seconds,
  since,
  until,
}: {
  seconds?: number | null;
  since?: string | null;
  until?: string | null;
}) {
  const now = useNow(1);
  const counted = since
    ? ((until ? new Date(until) : now).getTime() - new Date(since).getTime()) / 1000
    : null;
  const shown = seconds ?? counted;
  return <span>{shown === null || shown === undefined ? '–' : formatDuration(shown)}</span>;
}
