import { Checkbox, Text, UnstyledButton } from '@mantine/core';
import { useMemo } from 'react';
import { DataTable, type Column } from '@/components/DataTable';
import { StateBadge } from '@/components/StateBadge';
import { When } from '@/components/When';
import { useDoing } from './context';
import { LaunchButton } from './LaunchButton';
import type { Offer, OfferSearch, SortBy } from './types';
import classes from './offers.module.css';

/** Offers as rows; ordering is the server's. */
export function OfferTable({
  rows,
  total,
  search,
  onSort,
  onEnd,
}: {
  rows: Offer[];
  total: number;
  search: OfferSearch;
  onSort: (by: SortBy, descending: boolean) => void;
  onEnd: () => void;
}) {
  const { open } = useDoing();
  const hours = search.hours ?? 10;
  const hasWork = search.sort === 'work' || Boolean(search.on);
  const columns = useMemo(() => columnsOf(hours, search.on ?? null, hasWork), [hours, search.on, hasWork]);
  return (
    <DataTable
      label="Offers"
      rows={rows}
      total={total}
      columns={columns}
      rowKey={(row) => row.key}
      onPick={(row) => open(row.key)}
      sort={{ by: search.sort ?? 'total', descending: search.descending ?? false }}
      onSort={(sort) => onSort(sort.by as SortBy, sort.descending)}
      onEnd={onEnd}
      rowHeight={52}
      isMuted={(row) => row.availability_level === 'unavailable'}
    />
  );
}

function columnsOf(hours: number, on: string | null, hasWork: boolean): Column<Offer>[] {
  const total = on ? 'Total' : `Total, ${hours} h`;
  return [
    { id: 'select', header: '', width: '34px', render: (row) => <Compare offer={row} />, hideBelow: 'sm' },
    { id: 'gpu', header: 'GPU and machine', render: (row) => <Name offer={row} /> },
    {
      id: 'provider',
      header: 'Provider and region',
      isSortable: true,
      render: (row) => (
        <Two first={row.provider_title} second={[row.region, row.market_title].filter(Boolean).join(' · ')} />
      ),
    },
    {
      id: 'price',
      header: 'Per hour',
      align: 'right',
      isSortable: true,
      render: (row) => row.price?.text ?? '–',
    },
    {
      id: 'gpu_price',
      header: 'Per GPU-h',
      align: 'right',
      isSortable: true,
      hideBelow: 'sm',
      render: (row) => row.gpu_price?.text ?? '–',
    },
    { id: 'total', header: total, align: 'right', isSortable: true, render: (row) => <Total offer={row} /> },
    ...(hasWork
      ? [
          {
            id: 'work',
            header: 'Per work hour',
            align: 'right',
            isSortable: true,
            hideBelow: 'md',
            render: (row) => (
              <span title={`For what ${row.work_unit} does in an hour`}>{row.work?.text ?? '–'}</span>
            ),
          } satisfies Column<Offer>,
        ]
      : []),
    {
      id: 'finish',
      header: 'Done in',
      align: 'right',
      isSortable: true,
      hideBelow: 'md',
      render: (row) => (
        <Two
          first={row.finish_text}
          second={row.start_minutes < 1 ? 'starts at once' : `starts in ${row.start_text}`}
        />
      ),
    },
    {
      id: 'availability',
      header: 'Availability',
      isSortable: true,
      hideBelow: 'sm',
      render: (row) => <StateBadge badge={row.availability} size="sm" />,
    },
    {
      id: 'age',
      header: 'Seen',
      isSortable: true,
      hideBelow: 'md',
      render: (row) => (
        <span className={classes.two}>
          <span data-tone={row.age.tone}>
            <When at={row.seen_at} />
          </span>
          <span>{row.source}</span>
        </span>
      ),
    },
    {
      id: 'launch',
      header: '',
      width: '92px',
      align: 'right',
      hideBelow: 'sm',
      render: (row) => <LaunchButton offer={row} size="compact-xs" />,
    },
  ];
}

function Compare({ offer }: { offer: Offer }) {
  const { compared, toggleCompared } = useDoing();
  const isIn = compared.includes(offer.key);
  return (
    <Checkbox
      size="xs"
      aria-label={`Compare ${offer.title} at ${offer.provider_title}, ${offer.region}`}
      checked={isIn}
      disabled={!isIn && compared.length >= 4}
      onChange={() => toggleCompared(offer.key)}
    />
  );
}

function Name({ offer }: { offer: Offer }) {
  const { open } = useDoing();
  return (
    <span className={classes.two}>
      <UnstyledButton className={classes.link} onClick={() => open(offer.key)}>
        {offer.title}
        {offer.memory_gb ? <span className={classes.memory}>{offer.memory_gb} GB</span> : null}
      </UnstyledButton>
      <span title={offer.specs}>{offer.instance_type || offer.specs}</span>
    </span>
  );
}

function Total({ offer }: { offer: Offer }) {
  return (
    <Text span inherit fw={600} title={offer.total_note}>
      {offer.total?.text ?? '–'}
    </Text>
  );
}

function Two({ first, second }: { first: string; second: string }) {
  return (
    <span className={classes.two}>
      <span>{first}</span>
      <span>{second}</span>
    </span>
  );
}
