import { Group, Loader, Stack, Text } from '@mantine/core';
import { useMemo } from 'react';
import { $api, type Schemas } from '@/api/client';
import { TimeSeriesChart } from '@/components/chart/TimeSeriesChart';
import { EmptyState } from '@/components/EmptyState';
import { bandSeries, formatDollars, hasPrices, isWide, RANGES, sinceOf } from '@/components/offers/history';
import { Panel } from '@/components/Panel';
import { ProblemAlert } from '@/components/ProblemAlert';
import { Stat } from '@/components/Stat';
import { useNow } from '@/lib/now';
import { AvailabilityStrip } from './AvailabilityStrip';
import type { Wanted } from './wanted';

const BUCKETS = 240;

/** Spot beside on demand: least, middle and most at each time, and what could be had. */
export function Course({ wanted, range, title }: { wanted: Wanted; range: string; title: string }) {
  const since = sinceOf(range, useNow(300));
  const steady = useCourse(wanted, ['on_demand', 'owned'], since);
  const spot = useCourse(wanted, ['spot'], since);
  const series = useMemo(
    () => [
      ...(steady.data && hasPrices(steady.data) ? bandSeries(steady.data, 'On demand', '--tw-series-1') : []),
      ...(spot.data && hasPrices(spot.data) ? bandSeries(spot.data, 'Spot', '--tw-series-2', true) : []),
    ],
    [steady.data, spot.data],
  );
  const error = steady.error ?? spot.error;
  const isPending = steady.isPending || spot.isPending;
  const words = RANGES.find((each) => each.value === range)?.label ?? range;
  return (
    <Panel
      title="Per GPU-hour"
      aside={isPending ? <Loader size="xs" aria-label="Loading the course" /> : null}
    >
      <ProblemAlert error={error} />
      <Stack gap="md">
        <Now name="On demand" history={steady.data} />
        <Now name="Spot" history={spot.data} />
        {series.length > 0 ? (
          <TimeSeriesChart
            label={`Price of one GPU-hour of ${title}, ${words}. Bands go from the least to the most of all offers`}
            series={series}
            height={300}
            isLog={isWide(series)}
            format={formatDollars}
          />
        ) : null}
        {!isPending && !error && series.length === 0 ? (
          <EmptyState title="No prices in this time">
            Prices are kept from the day on which they are first fetched. A longer time may have some.
          </EmptyState>
        ) : null}
        {steady.data && hasPrices(steady.data) ? (
          <AvailabilityStrip name="On demand" history={steady.data} />
        ) : null}
        {spot.data && hasPrices(spot.data) ? <AvailabilityStrip name="Spot" history={spot.data} /> : null}
        {steady.data?.is_cut || spot.data?.is_cut ? (
          <Text size="xs" c="var(--tw-quiet)">
            There are more changes than can be drawn; the oldest are left out.
          </Text>
        ) : null}
      </Stack>
    </Panel>
  );
}

function useCourse(wanted: Wanted, market: Schemas['Market'][], since: string | undefined) {
  const query = { ...wanted, market, since, buckets: BUCKETS, series: 0 };
  return $api.useQuery(
    'get',
    '/api/v1/prices/history',
    { params: { query } },
    { placeholderData: (before) => before },
  );
}

function Now({ name, history }: { name: string; history: Schemas['PriceHistory'] | undefined }) {
  const now = history?.now;
  if (!now) return null;
  return (
    <Group gap="xl" align="flex-end" role="group" aria-label={`${name} now`}>
      <Stat name={`${name}, from`} value={now.least.text} />
      <Stat name="Middle" value={now.middle.text} />
      <Stat name="Most" value={now.most.text} />
      <Text size="xs" c="var(--tw-quiet)" pb={4}>
        {now.offers === 1 ? '1 offer' : `${now.offers.toLocaleString('en-US')} offers`}
        {now.change ? `. ${now.change}` : ''}
      </Text>
    </Group>
  );
}
