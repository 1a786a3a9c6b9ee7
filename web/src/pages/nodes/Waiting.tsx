import { Anchor, Button, Group, List, Skeleton, Stack, Text } from '@mantine/core';
import { Link } from 'react-router';
import { $api, type Schemas } from '@/api/client';
import { Panel } from '@/components/Panel';
import { ProblemAlert } from '@/components/ProblemAlert';
import { StateBadge } from '@/components/StateBadge';
import { When } from '@/components/When';
import { Sentence } from '@/components/Sentence';
import { byCursor } from '@/lib/pages';
import classes from './Waiting.module.css';

type Item = Schemas['QueueItem'];

/** What waits for a machine, in the order in which it is looked at; why, until when, and what would help. */
export function Waiting() {
  const queue = $api.useInfiniteQuery(
    'get',
    '/api/v1/queue',
    { params: { query: { limit: 20 } } },
    {
      ...byCursor,
    },
  );
  const first = queue.data?.pages[0];
  const items = queue.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <Panel
      title={first ? `Waiting (${first.total})` : 'Waiting'}
      padding={items.length ? 0 : 'md'}
      aside={
        <Text size="xs" c="var(--tw-quiet)">
          {first?.reasons.map((each) => `${each.count} ${each.label}`).join(' · ')}
        </Text>
      }
    >
      <ProblemAlert error={queue.error} onRetry={() => void queue.refetch()} />
      {queue.isPending ? <Skeleton height={48} /> : null}
      {first && items.length === 0 ? (
        <Text size="sm" c="var(--tw-quiet)">
          Nothing waits: every job has a place.
        </Text>
      ) : null}
      {items.length > 0 ? (
        <ol className={classes.list} aria-label="Waiting jobs">
          {items.map((item) => (
            <Line key={item.job} item={item} />
          ))}
        </ol>
      ) : null}
      {queue.hasNextPage ? (
        <Group justify="center" p="xs">
          <Button
            variant="subtle"
            size="xs"
            loading={queue.isFetchingNextPage}
            onClick={() => void queue.fetchNextPage()}
          >
            Show more
          </Button>
        </Group>
      ) : null}
    </Panel>
  );
}

function Line({ item }: { item: Item }) {
  return (
    <li className={classes.item}>
      <span className={classes.position} aria-label={`Position ${item.position}`}>
        {item.position}
      </span>
      <Stack gap={2} miw={0}>
        <Group gap="xs">
          <Anchor component={Link} to={`/jobs/${item.job}`} fw={600} size="sm" c="inherit">
            {item.name}
          </Anchor>
          <StateBadge badge={{ ...item.badge, explanation: null }} size="sm" />
          {item.priority === 'normal' ? null : <Text size="xs">{item.priority} priority</Text>}
        </Group>
        <Text size="xs" c="var(--tw-quiet)">
          {item.wants} · {item.creator}
          {item.attempts ? ` · ${item.attempts} ${item.attempts === 1 ? 'try' : 'tries'} before` : ''}
        </Text>
      </Stack>
      <div className={classes.why}>
        <Text size="sm">{item.explanation}</Text>
        {item.helps.length > 0 ? (
          <List size="xs" c="var(--tw-quiet)" spacing={0} aria-label="What would help">
            {item.helps.map((help) => (
              <List.Item key={help.text}>
                {help.link ? (
                  <Anchor component={Link} to={help.link} inherit c="inherit" td="underline">
                    {help.text}
                  </Anchor>
                ) : (
                  <Sentence text={help.text} />
                )}
              </List.Item>
            ))}
          </List>
        ) : null}
      </div>
      <div className={classes.times}>
        <Text size="xs" c="var(--tw-quiet)">
          waits since <When at={item.since} />
        </Text>
        {item.next_try_at ? (
          <Text size="xs" c="var(--tw-quiet)">
            next try <When at={item.next_try_at} />
          </Text>
        ) : null}
      </div>
    </li>
  );
}
