import { Button, Group, Skeleton } from '@mantine/core';
import { useState } from 'react';
import { $api, type Schemas } from '@/api/client';
import { EmptyState } from '@/components/EmptyState';
import { Panel } from '@/components/Panel';
import { ProblemAlert } from '@/components/ProblemAlert';
import { StateBadge } from '@/components/StateBadge';
import { When } from '@/components/When';
import classes from './alerts.module.css';

/** What all alerts have found, newest first, page after page. */
export function Firings() {
  const [cursors, setCursors] = useState<(string | null)[]>([null]);
  const cursor = cursors.at(-1) ?? null;
  const page = $api.useQuery('get', '/api/v1/firings', {
    params: { query: { limit: 20, ...(cursor ? { cursor } : {}) } },
  });
  if (page.isPending) return <Skeleton height={240} radius="md" />;
  if (page.error) return <ProblemAlert error={page.error} onRetry={() => void page.refetch()} />;
  const next = page.data.next_cursor;
  if (page.data.items.length === 0) {
    return (
      <EmptyState title="Nothing has fired yet">
        What an alert finds is kept here, with what became of each message.
      </EmptyState>
    );
  }
  return (
    <>
      <Panel padding={0}>
        <ul className={classes.rows} aria-label="Firings">
          {page.data.items.map((firing) => (
            <Row key={firing.id} firing={firing} />
          ))}
        </ul>
      </Panel>
      {cursors.length > 1 || next ? (
        <Group justify="center" mt="md" gap="xs">
          <Button
            variant="default"
            size="xs"
            disabled={cursors.length === 1}
            onClick={() => setCursors((before) => before.slice(0, -1))}
          >
            Newer
          </Button>
          <Button
            variant="default"
            size="xs"
            disabled={!next}
            onClick={() => setCursors((before) => [...before, next])}
          >
            Older
          </Button>
        </Group>
      ) : null}
    </>
  );
}

function Row({ firing }: { firing: Schemas['FiringView'] }) {
  return (
    <li className={classes.row}>
      <div>
        <div className={classes.name}>{firing.title}</div>
        <div className={classes.body}>{firing.body}</div>
        <Group gap={8}>
          {firing.deliveries.map((delivery) => (
            <StateBadge key={delivery.channel} badge={delivery.badge} size="sm" />
          ))}
          {firing.was_muted ? <span className={classes.small}>muted: nobody was told</span> : null}
          {!firing.was_muted && firing.deliveries.length === 0 ? (
            <span className={classes.small}>no channel: nobody was told</span>
          ) : null}
        </Group>
      </div>
      <span className={classes.small}>
        <When at={firing.at} />
      </span>
    </li>
  );
}
