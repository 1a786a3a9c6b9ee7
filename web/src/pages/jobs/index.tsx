import { Button, Group, Skeleton } from '@mantine/core';
import { IconFilterOff, IconPlus } from '@tabler/icons-react';
import { useMemo, useState } from 'react';
import { Link } from 'react-router';
import type { Schemas } from '@/api/client';
import { DataTable } from '@/components/DataTable';
import { EmptyState } from '@/components/EmptyState';
import { PageHeader } from '@/components/PageHeader';
import { ProblemAlert } from '@/components/ProblemAlert';
import { formatCount } from '@/lib/format';
import { useUrlState } from '@/lib/url';
import { BulkBar } from './BulkBar';
import { Clear, Filters } from './Filters';
import { columns } from './columns';
import { ADDRESS, isFiltered, readQuery, readSort, writeSort } from './filters';
import { useJobs } from './useJobs';

export default function Jobs() {
  const url = useUrlState();
  const query = useMemo(() => readQuery(url), [url]);
  const { list, rows, more, facets, refetchFacets } = useJobs(query);
  const [chosen, choose] = useState<ReadonlySet<string>>(new Set());
  const sort = readSort(url);
  return (
    <>
      <PageHeader
        title="Jobs"
        about={<About facets={facets} />}
        actions={
          <Button component={Link} to="/new" leftSection={<IconPlus size={16} aria-hidden />}>
            New job
          </Button>
        }
      />
      <Filters url={url} facets={facets} />
      {chosen.size ? (
        <BulkBar
          chosen={chosen}
          onDone={() => {
            choose(new Set());
            void list.refetch();
            void refetchFacets();
          }}
        />
      ) : null}
      <ProblemAlert error={list.error} />
      {list.isPending ? <Loading /> : null}
      {rows.length ? (
        <DataTable
          label="Jobs"
          rows={rows}
          columns={columns}
          rowKey={(job) => job.id}
          href={(job) => `/jobs/${job.id}`}
          sort={sort}
          onSort={(wanted) => url.set(writeSort(sort, wanted))}
          selected={chosen}
          onSelect={choose}
          total={facets?.matching}
          onEnd={more}
          rowHeight={54}
          isFixed
        />
      ) : null}
      {list.isSuccess && !rows.length && facets ? <Nothing url={url} facets={facets} /> : null}
    </>
  );
}

function About({ facets }: { facets: Schemas['FacetsView'] | null }) {
  if (!facets) return <>&nbsp;</>;
  const shown =
    facets.matching === facets.total
      ? `${formatCount(facets.total)} in all`
      : `${formatCount(facets.matching)} of ${formatCount(facets.total)} match`;
  return (
    <>
      {shown}
      {facets.per_hour ? ` · ${facets.per_hour.text} now` : ''}
    </>
  );
}

function Loading() {
  return (
    <div aria-busy="true" aria-label="Jobs are being loaded">
      {Array.from({ length: 8 }, (_, row) => (
        <Skeleton key={row} height={46} mb={8} radius="sm" />
      ))}
    </div>
  );
}

/** Says why the list is empty, and which filter to take away. */
function Nothing({ url, facets }: { url: ReturnType<typeof useUrlState>; facets: Schemas['FacetsView'] }) {
  if (!isFiltered(url))
    return (
      <EmptyState
        title={facets.empty_text ?? 'There are no jobs yet.'}
        action={
          <Button component={Link} to="/new" mt="xs">
            Start the first one
          </Button>
        }
      >
        A job is a command with what it needs: Tradewind finds the place where it is the best deal. From a
        shell: <code>tradewind run job.yaml</code>
      </EmptyState>
    );
  return (
    <EmptyState
      icon={IconFilterOff}
      title="No job matches"
      action={
        <Group gap="xs" justify="center" mt="xs">
          {facets.looser.slice(0, 3).map((each) => (
            <Button
              key={each.filter}
              variant="default"
              onClick={() => url.set({ [ADDRESS[each.filter] ?? each.filter]: null })}
            >
              Without {each.label}: {formatCount(each.matching)}
            </Button>
          ))}
          <Clear url={url} />
        </Group>
      }
    >
      {facets.empty_text}
    </EmptyState>
  );
}
