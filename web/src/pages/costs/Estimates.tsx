import { Anchor, Button, Group, Skeleton, Stack, Text } from '@mantine/core';
import { Link } from 'react-router';
import { $api, type Schemas } from '@/api/client';
import { useLive } from '@/api/stream';
import { DataTable, type Column } from '@/components/DataTable';
import { EmptyState } from '@/components/EmptyState';
import { Panel } from '@/components/Panel';
import { ProblemAlert } from '@/components/ProblemAlert';
import { StateBadge } from '@/components/StateBadge';
import { When } from '@/components/When';
import { Sentence } from '@/components/Sentence';
import { byCursor } from '@/lib/pages';
import classes from './Costs.module.css';
import { EstimateScatter } from './EstimateScatter';
import { RangePicker } from './RangePicker';
import type { Asked } from './range';

type Row = Schemas['JobCost'];

const COLUMNS: Column<Row>[] = [
  {
    id: 'name',
    header: 'Job',
    render: (row) => (
      <Anchor component={Link} to={`/jobs/${row.job}`} inherit c="inherit">
        {row.name}
      </Anchor>
    ),
  },
  {
    id: 'outcome',
    header: 'Outcome',
    hideBelow: 'sm',
    render: (row) => (row.badge ? <StateBadge badge={row.badge} size="sm" /> : row.outcome),
  },
  { id: 'ended', header: 'Ended', hideBelow: 'md', render: (row) => <When at={row.ended_at} /> },
  { id: 'where', header: 'Where', hideBelow: 'md', render: (row) => `${row.provider} ${row.accelerator}` },
  { id: 'estimated', header: 'Estimated', align: 'right', render: (row) => row.estimated?.text ?? '–' },
  { id: 'actual', header: 'Actual', align: 'right', render: (row) => row.actual?.text ?? '–' },
  { id: 'ratio', header: '', width: '90px', hideBelow: 'md', render: (row) => <Ratio ratio={row.ratio} /> },
  { id: 'text', header: 'Compared', hideBelow: 'sm', render: (row) => row.text },
  {
    id: 'hours',
    header: 'Time',
    align: 'right',
    hideBelow: 'lg',
    render: (row) =>
      row.estimated_hours_text
        ? `${row.actual_hours_text || '–'} of ~${row.estimated_hours_text}`
        : row.actual_hours_text || '–',
  },
];

/** How far above or below the estimate; twice as much, or half of it, is the whole length. */
function Ratio({ ratio }: { ratio: number | null }) {
  if (ratio === null || ratio <= 0) return null;
  const far = Math.max(Math.min(Math.log2(ratio), 1), -1);
  return (
    <span className={classes.ratio} aria-hidden>
      <i style={{ width: `${Math.max(-far, 0) * 100}%` }} />
      <i style={{ width: `${Math.max(far, 0) * 100}%` }} />
    </span>
  );
}

/** Jobs that ended in the range: what was estimated when they were placed, and what came. */
export function Estimates({ asked }: { asked: Asked }) {
  useLive('jobs');
  const overview = $api.useQuery('get', '/api/v1/cost/overview', { params: { query: asked } });
  const since = overview.data?.since;
  const until = overview.data?.until;
  const jobs = $api.useInfiniteQuery(
    'get',
    '/api/v1/cost/jobs',
    { params: { query: { since, until, limit: 100 } } },
    {
      enabled: since !== undefined,
      ...byCursor,
      placeholderData: (before) => before,
    },
  );
  const first = jobs.data?.pages[0];
  const rows = jobs.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <Stack gap="md">
      <RangePicker ranges={overview.data?.ranges ?? []} since={since} until={until} />
      <ProblemAlert error={overview.error ?? jobs.error} onRetry={() => void jobs.refetch()} />
      {!first && !jobs.error && !overview.error ? <Skeleton height={220} radius="md" /> : null}
      {first ? (
        <Text size="sm">
          <Sentence text={first.text} />.
        </Text>
      ) : null}
      {first && rows.length === 0 ? (
        <Panel>
          <EmptyState title="No job ended in this range">
            When a job is placed its time and cost are estimated, if its file or earlier runs say enough. Here
            that stands beside what came.
          </EmptyState>
        </Panel>
      ) : null}
      {rows.length > 0 ? <EstimateScatter rows={rows} /> : null}
      {rows.length > 0 ? (
        <Panel padding={0}>
          <DataTable
            isFlush
            label="Estimated and actual cost of jobs"
            rows={rows}
            columns={COLUMNS}
            rowKey={(row) => row.job + (row.ended_at ?? '')}
            href={(row) => `/jobs/${row.job}`}
            total={first?.total}
          />
        </Panel>
      ) : null}
      {jobs.hasNextPage ? (
        <Group justify="center">
          <Button
            variant="default"
            size="xs"
            loading={jobs.isFetchingNextPage}
            onClick={() => void jobs.fetchNextPage()}
          >
            Show more of {first?.total}
          </Button>
        </Group>
      ) : null}
    </Stack>
  );
}
