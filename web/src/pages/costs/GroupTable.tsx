import { ActionIcon, Anchor, Tooltip } from '@mantine/core';
import { IconFilter } from '@tabler/icons-react';
import { useMemo } from 'react';
import { Link } from 'react-router';
import type { Schemas } from '@/api/client';
import { DataTable, type Column } from '@/components/DataTable';
import { Meter } from '@/components/Meter';
import { Panel } from '@/components/Panel';
import { StateBadge } from '@/components/StateBadge';
import { useUrlState } from '@/lib/url';
import classes from './Costs.module.css';
import type { Overview } from './range';

type Row = Schemas['CostGroup'];

function jobsOf(row: Row): string | undefined {
  return row.jobs_query ? `/jobs?${new URLSearchParams(row.jobs_query).toString()}` : undefined;
}

/** Each group with its share, how it is known, and the way to the jobs behind it. */
export function GroupTable({ data }: { data: Overview }) {
  const { list, set } = useUrlState();
  const by = data.groups.find((each) => each.name === data.by)?.label ?? data.by;
  const hasIdle = data.rows.some((row) => row.idle?.micro);
  const columns = useMemo((): Column<Row>[] => {
    const value = (row: Row) => row.group[data.by] ?? '';
    const narrow = (row: Row) =>
      set({ only: [...list('only'), `${data.by}=${value(row)}`], by: data.by === 'job' ? null : 'job' });
    return [
      {
        id: 'group',
        header: by,
        render: (row) => (
          <span className={classes.group}>
            {jobsOf(row) ? (
              <Anchor component={Link} to={jobsOf(row) ?? ''} inherit c="inherit">
                {row.label}
              </Anchor>
            ) : (
              <span>{row.label}</span>
            )}
            {data.by === 'day' || data.by === 'job' ? null : (
              <Tooltip label={`Only ${row.label}, by job`}>
                <ActionIcon
                  variant="subtle"
                  color="gray"
                  size="sm"
                  aria-label={`Only ${row.label}, by job`}
                  onClick={() => narrow(row)}
                >
                  <IconFilter size={14} aria-hidden />
                </ActionIcon>
              </Tooltip>
            )}
          </span>
        ),
      },
      { id: 'amount', header: 'Amount', align: 'right', render: (row) => row.amount.text },
      {
        id: 'share',
        header: 'Share',
        width: '16%',
        hideBelow: 'sm',
        render: (row) => (
          <span className={classes.share}>
            <Meter share={row.share} label={`Share of ${row.label}`} />
            <span>{row.share_text}</span>
          </span>
        ),
      },
      {
        id: 'known',
        header: 'Known by',
        hideBelow: 'md',
        render: (row) => <StateBadge badge={row.known_by} size="sm" />,
      },
      { id: 'jobs', header: 'Jobs', align: 'right', hideBelow: 'sm', render: (row) => row.jobs },
      { id: 'hours', header: 'Time', align: 'right', hideBelow: 'md', render: (row) => row.hours_text },
      ...(hasIdle
        ? [
            {
              id: 'idle',
              header: 'Idle',
              align: 'right',
              hideBelow: 'lg',
              render: (row: Row) => (row.idle?.micro ? row.idle.text : '–'),
            } satisfies Column<Row>,
          ]
        : []),
      { id: 'energy', header: 'Energy', align: 'right', hideBelow: 'lg', render: (row) => row.energy_text },
      { id: 'carbon', header: 'Carbon', align: 'right', hideBelow: 'md', render: (row) => row.carbon_text },
    ];
  }, [by, data.by, hasIdle, list, set]);
  return (
    <Panel padding={0}>
      <DataTable
        isFlush
        label={`Spend by ${by}`}
        rows={data.rows}
        columns={columns}
        rowKey={(row) => row.group[data.by] ?? ''}
        href={jobsOf}
      />
      <div className={classes.total}>
        <span>
          {data.more_rows ? `and ${data.more_rows} more groups; ` : ''}
          {data.rows.length + data.more_rows === 1
            ? '1 group'
            : `${data.rows.length + data.more_rows} groups`}
        </span>
        <span>{data.total.amount.text} in all</span>
      </div>
    </Panel>
  );
}
