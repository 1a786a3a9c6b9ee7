import { Anchor, Loader, Text } from '@mantine/core';
import { IconDownload } from '@tabler/icons-react';
import { $api, base, type Schemas } from '@/api/client';
import { DataTable, type Column } from '@/components/DataTable';
import { EmptyState } from '@/components/EmptyState';
import { ProblemAlert } from '@/components/ProblemAlert';
import { StateBadge } from '@/components/StateBadge';
import { When } from '@/components/When';
import { formatBytes, formatNumber } from '@/lib/format';
import type { Detail } from './useJob';
import { NotBegun } from './withAttempts';
import classes from './job.module.css';

type Checkpoint = Schemas['CheckpointView'];

const columns: Column<Checkpoint>[] = [
  {
    id: 'step',
    header: 'Step',
    align: 'right',
    width: '96px',
    render: (each) => (each.step === null ? '–' : formatNumber(each.step)),
  },
  { id: 'path', header: 'Path', hideBelow: 'sm', render: (each) => <code>{each.path}</code> },
  {
    id: 'state',
    header: 'State',
    render: (each) => (each.state ? <StateBadge badge={each.state} size="sm" /> : null),
  },
  { id: 'size', header: 'Size', align: 'right', render: (each) => formatBytes(each.size_bytes) },
  { id: 'attempt', header: 'Attempt', align: 'right', hideBelow: 'md', render: (each) => each.attempt },
  { id: 'place', header: 'Written on', hideBelow: 'md', render: (each) => each.place },
  {
    id: 'at',
    header: 'When',
    align: 'right',
    hideBelow: 'sm',
    render: (each) => <When at={each.created_at} />,
  },
  {
    id: 'get',
    header: 'Download',
    align: 'right',
    render: (each) =>
      each.is_resumable ? (
        <Anchor
          href={`${base}/api/v1/checkpoints/${each.id}/content`}
          download={`${each.path.split('/').pop() ?? 'checkpoint'}.tar`}
          inherit
        >
          <IconDownload size={16} aria-hidden />{' '}
          <span className={classes.unseen}>Download {each.path} as </span>tar
        </Anchor>
      ) : (
        <Text component="span" size="xs" c="var(--tw-quiet)">
          –
        </Text>
      ),
  },
];

/** What was kept on the way, and from where a next attempt would go on. */
export default function Checkpoints({ job }: { job: Detail }) {
  const query = $api.useQuery('get', '/api/v1/jobs/{reference}/checkpoints', {
    params: { path: { reference: job.id } },
  });
  if (job.attempt === 0) return <NotBegun job={job} what="No checkpoints yet" />;
  const items = query.data?.items ?? [];
  return (
    <>
      <ProblemAlert error={query.error} />
      {query.isPending ? <Loader size="sm" /> : null}
      {query.isSuccess && items.length === 0 ? (
        <EmptyState title="No checkpoint was kept">
          An interrupted job begins again from its start. With{' '}
          <code>
            checkpoints: {'{'}path: ckpt{'}'}
          </code>{' '}
          in its job file, what the command writes there is kept, and the next attempt goes on from it.
        </EmptyState>
      ) : null}
      {items.length ? (
        <DataTable label="Checkpoints" rows={items} columns={columns} rowKey={(each) => each.id} />
      ) : null}
    </>
  );
}
