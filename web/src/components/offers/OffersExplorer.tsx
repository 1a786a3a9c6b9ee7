import { Group, SegmentedControl, Select, Skeleton, Stack, Text } from '@mantine/core';
import { useMediaQuery } from '@mantine/hooks';
import { IconCards, IconTable } from '@tabler/icons-react';
import { useMemo } from 'react';
import { Panel } from '@/components/Panel';
import { ProblemAlert } from '@/components/ProblemAlert';
import { CompareBar } from './CompareModal';
import { DoingContext, type Doing } from './context';
import { ExportMenu } from './ExportMenu';
import { FilterBar } from './FilterBar';
import { HighlightCards } from './HighlightCards';
import { NothingFits } from './NothingFits';
import { OfferDrawer } from './OfferDrawer';
import { OfferGrid } from './OfferGrid';
import { OfferTable } from './OfferTable';
import { RefreshBar } from './RefreshBar';
import { SavedViews } from './SavedViews';
import { toggled } from './search';
import type { Offer, OfferSearch, SortBy } from './types';
import { useOffers } from './useOffers';
import { useSearch } from './useSearch';
import { WorkMenu } from './WorkMenu';
import classes from './offers.module.css';

const SORTS: { value: SortBy; label: string }[] = [
  { value: 'total', label: 'Lowest total' },
  { value: 'finish', label: 'Soonest done' },
  { value: 'start', label: 'Soonest started' },
  { value: 'availability', label: 'Best availability' },
  { value: 'work', label: 'Lowest price of work' },
  { value: 'gpu_price', label: 'Lowest per GPU-hour' },
  { value: 'price', label: 'Lowest per hour' },
  { value: 'memory', label: 'Most GPU memory' },
  { value: 'age', label: 'Seen last' },
  { value: 'provider', label: 'Provider' },
];
const MOST_COMPARED = 4;
const NOTHING: OfferSearch = {};
const NONE: string[] = [];

interface Props {
  /** Filters and terms that the user cannot change here. */
  fixed?: OfferSearch;
  /** Takes an offer; without it an offer leads to a new job. */
  onPick?: (offer: Offer) => void;
  pickLabel?: string;
  /** Keys of what is picked, in order. */
  picked?: string[];
  /** Its state lives in the address below this; null: nowhere but here. */
  urlPrefix?: string | null;
  /** For narrow places: no saved views, no files, short cards. */
  compact?: boolean;
}

/** Everything that can be had, to be filtered, ordered, compared and taken. */
export function OffersExplorer({
  fixed = NOTHING,
  onPick,
  pickLabel = 'Use this',
  picked = NONE,
  urlPrefix = '',
  compact = false,
}: Props) {
  const state = useSearch(urlPrefix, fixed);
  const { search, change, replace, text, list, setMore } = state;
  const isPhone = useMediaQuery('(max-width: 48em)') ?? false;
  const view = text('view', isPhone ? 'cards' : 'table');
  const offers = useOffers(search);
  const { rows, first: page } = offers;
  const opened = text('offer', '') || null;
  const comparedText = list('compare').join('\n');
  const doing = useMemo<Doing>(() => {
    const compared = comparedText ? comparedText.split('\n').slice(0, MOST_COMPARED) : [];
    return {
      open: (key) => setMore({ offer: key }),
      pick: onPick,
      pickLabel,
      picked,
      compared,
      toggleCompared: (key) => setMore({ compare: toggled(compared, key) }),
    };
  }, [comparedText, setMore, onPick, pickLabel, picked]);

  function more() {
    if (offers.hasNextPage && !offers.isFetchingNextPage) void offers.fetchNextPage();
  }

  const showing = { rows, total: page?.matching ?? 0, search, onEnd: more };
  return (
    <DoingContext value={doing}>
      <Stack gap="md">
        <Group justify="space-between" gap="sm">
          <WorkMenu state={state} />
          {compact ? null : (
            <Group gap={6}>
              <SavedViews search={search} onOpen={replace} />
              <ExportMenu search={search} />
            </Group>
          )}
        </Group>
        {page ? <HighlightCards cards={page.cards} isCompact={compact} /> : null}
        {page && page.notes.length > 0 ? (
          <Text size="xs" c="var(--tw-quiet)">
            {page.notes.join(' ')}
          </Text>
        ) : null}
        <FilterBar page={page} state={state} />
        <ProblemAlert error={offers.error} onRetry={() => void offers.refetch()} />
        <Group justify="space-between" gap="xs">
          <Text size="sm" fw={550} role="status">
            {page?.text ?? ' '}
          </Text>
          <Group gap={6}>
            <Select
              size="xs"
              w={176}
              aria-label="Order"
              data={SORTS}
              value={search.sort ?? 'total'}
              allowDeselect={false}
              disabled={state.fixed.sort !== undefined}
              onChange={(sort) =>
                change({ sort: sort === 'total' ? undefined : (sort as SortBy), descending: undefined })
              }
            />
            <SegmentedControl
              size="xs"
              aria-label="Table or cards"
              value={view}
              onChange={(next) => setMore({ view: next })}
              data={[
                { value: 'table', label: <View icon={IconTable} label="Table" /> },
                { value: 'cards', label: <View icon={IconCards} label="Cards" /> },
              ]}
            />
          </Group>
        </Group>
        <RefreshBar
          page={page}
          updatedAt={offers.dataUpdatedAt}
          isBusy={offers.isFetching}
          refresh={() => void offers.refetch()}
        />
        {offers.isPending ? <Waiting /> : null}
        {page && rows.length === 0 ? (
          <Panel padding={0}>
            <NothingFits page={page} fixed={state.fixed} onLoosen={replace} />
          </Panel>
        ) : null}
        {rows.length > 0 && view === 'table' ? (
          <OfferTable
            {...showing}
            onSort={(by, descending) =>
              change({ sort: by === 'total' ? undefined : by, descending: descending || undefined })
            }
          />
        ) : null}
        {rows.length > 0 && view === 'cards' ? <OfferGrid {...showing} /> : null}
      </Stack>
      <OfferDrawer offerKey={opened} search={search} onClose={() => setMore({ offer: null })} />
      <CompareBar
        search={search}
        isOpen={text('side', '') === 'open'}
        setOpen={(isOpen) => setMore({ side: isOpen ? 'open' : null })}
        onClear={() => setMore({ compare: null, side: null })}
      />
    </DoingContext>
  );
}

function View({ icon: Picture, label }: { icon: typeof IconTable; label: string }) {
  return (
    <span className={classes.view}>
      <Picture size={14} stroke={1.8} aria-hidden />
      {label}
    </span>
  );
}

function Waiting() {
  return (
    <Stack gap={6} aria-label="Loading offers" role="status">
      {Array.from({ length: 8 }, (_, at) => (
        <Skeleton key={at} height={44} radius="sm" />
      ))}
    </Stack>
  );
}
