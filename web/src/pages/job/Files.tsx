import { Anchor, Loader } from '@mantine/core';
import { IconDownload } from '@tabler/icons-react';
import { $api, base, type Schemas } from '@/api/client';
import { CopyButton } from '@/components/CopyButton';
import { DataTable, type Column } from '@/components/DataTable';
import { EmptyState } from '@/components/EmptyState';
import { ProblemAlert } from '@/components/ProblemAlert';
import { formatBytes } from '@/lib/format';
import type { Detail } from './useJob';
import { NotBegun } from './withAttempts';
import classes from './job.module.css';

const columns: Column<Schemas['ArtifactView']>[] = [
  { id: 'path', header: 'Path', render: (each) => <code>{each.path}</code> },
  {
    id: 'size',
    header: 'Size',
    align: 'right',
    width: '110px',
    render: (each) => formatBytes(each.size_bytes),
  },
  {
    id: 'attempt',
    header: 'Attempt',
    align: 'right',
    width: '90px',
    hideBelow: 'sm',
    render: (each) => each.attempt,
  },
  {
    id: 'sha256',
    header: 'SHA-256',
    width: '170px',
    hideBelow: 'md',
    render: (each) => (
      <>
        <code>{each.sha256.slice(0, 12)}…</code>
        <CopyButton text={each.sha256} label="Copy the checksum" />
      </>
    ),
  },
  {
    id: 'get',
    header: 'Download',
    align: 'right',
    width: '110px',
    render: (each) => (
      <Anchor
        href={`${base}/api/v1/artifacts/${each.id}/content`}
        download={each.path.split('/').pop()}
        inherit
      >
        <IconDownload size={16} aria-hidden />{' '}
        <span className={classes.unseen}>Download {each.path} as </span>file
      </Anchor>
    ),
  },
];

/** What a job left behind. */
export default function Files({ job }: { job: Detail }) {
  const query = $api.useQuery('get', '/api/v1/jobs/{reference}/artifacts', {
    params: { path: { reference: job.id } },
  });
  if (job.attempt === 0) return <NotBegun job={job} what="No files yet" />;
  const items = query.data?.items ?? [];
  return (
    <>
      <ProblemAlert error={query.error} />
      {query.isPending ? <Loader size="sm" /> : null}
      {query.isSuccess && items.length === 0 ? (
        <EmptyState title="No output was kept">
          Outputs are kept when an attempt ends: <code>outputs: [out/**]</code> in the job file says which.
        </EmptyState>
      ) : null}
      {items.length ? (
        <DataTable label="Outputs" rows={items} columns={columns} rowKey={(each) => each.id} />
      ) : null}
    </>
  );
}
