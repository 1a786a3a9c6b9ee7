import { Button, Text } from '@mantine/core';
import { useMemo } from 'react';
import { $api } from '@/api/client';
import { sinceOf } from '@/components/offers/history';
import { Panel } from '@/components/Panel';
import { ProblemAlert } from '@/components/ProblemAlert';
import { StateBadge } from '@/components/StateBadge';
import { When } from '@/components/When';
import { useNow } from '@/lib/now';
import { byCursor } from '@/lib/pages';
import type { Wanted } from './wanted';
import classes from './prices.module.css';

const PAGE = 20;

/** What rose, fell, came and went, the newest first. */
export function Changes({ wanted, range }: { wanted: Wanted; range: string }) {
  const since = sinceOf(range, useNow(300));
  const found = $api.useInfiniteQuery(
    'get',
    '/api/v1/prices/changes',
    { params: { query: { ...wanted, since, limit: PAGE } } },
    {
      ...byCursor,
    },
  );
  const rows = useMemo(() => found.data?.pages.flatMap((page) => page.items) ?? [], [found.data]);
  return (
    <Panel title="Changes" padding={0}>
      <ProblemAlert error={found.error} />
      {found.data && rows.length === 0 ? (
        <Text size="sm" c="var(--tw-quiet)" px="md" pb="md">
          Nothing has changed in this time.
        </Text>
      ) : null}
      <ul className={classes.changes} aria-label="Changes">
        {rows.map((row) => (
          <li key={row.position}>
            <StateBadge badge={row.badge} size="sm" />
            <span className={classes.what}>
              <b>{row.text}</b>
              <small>
                {[row.title, row.provider_title, row.region, row.market_title].filter(Boolean).join(' · ')}
              </small>
            </span>
            <Text size="xs" c="var(--tw-quiet)" component="span">
              <When at={row.at} />, {row.source}
            </Text>
          </li>
        ))}
      </ul>
      {found.hasNextPage ? (
        <Button
          variant="subtle"
          color="gray"
          size="xs"
          m="xs"
          loading={found.isFetchingNextPage}
          onClick={() => void found.fetchNextPage()}
        >
          Show more
        </Button>
      ) : null}
    </Panel>
  );
}
