import { Loader, Text } from '@mantine/core';
import { useMemo } from 'react';
import { $api, type Schemas } from '@/api/client';
import { TimeSeriesChart } from '@/components/chart/TimeSeriesChart';
import { ProblemAlert } from '@/components/ProblemAlert';
import { useNow } from '@/lib/now';
import { bandSeries, formatDollars, hasPrices, sinceOf } from './history';
import type { Offer } from './types';

/** What one offer cost per GPU-hour in the last thirty days. */
export default function OfferHistory({ offer }: { offer: Offer }) {
  const now = useNow(300);
  const query = {
    gpu: offer.accelerator ? [offer.accelerator] : [],
    provider: [offer.provider],
    region: offer.region ? [offer.region] : [],
    instance_type: offer.instance_type ? [offer.instance_type] : [],
    market: [offer.market as Schemas['Market']],
    since: sinceOf('30d', now),
    buckets: 120,
    series: 0,
  };
  const found = $api.useQuery('get', '/api/v1/prices/history', { params: { query } });
  const series = useMemo(
    () => (found.data ? bandSeries(found.data, offer.market_title, '--tw-series-1') : []),
    [found.data, offer.market_title],
  );
  if (found.error) return <ProblemAlert error={found.error} onRetry={() => void found.refetch()} />;
  if (!found.data) return <Loader size="sm" aria-label="Loading the history" />;
  if (!hasPrices(found.data)) {
    return (
      <Text size="sm" c="var(--tw-quiet)">
        Nothing of the last 30 days is recorded yet. Prices are kept from the day on which they are first
        fetched.
      </Text>
    );
  }
  return (
    <>
      <TimeSeriesChart
        label={`Price of one GPU-hour of ${offer.title} at ${offer.provider_title} in the last 30 days`}
        series={series}
        height={140}
        format={formatDollars}
      />
      {found.data.now?.change ? (
        <Text size="xs" c="var(--tw-quiet)">
          {found.data.now.change}
        </Text>
      ) : null}
    </>
  );
}
