import { Anchor, Group, Loader, SegmentedControl, Select, Stack, Text } from '@mantine/core';
import { Link } from 'react-router';
import { $api, type Schemas } from '@/api/client';
import { useLive } from '@/api/stream';
import { AlertBelow } from '@/components/offers/AlertBelow';
import { RANGES } from '@/components/offers/history';
import { LaunchButton } from '@/components/offers/LaunchButton';
import { EmptyState } from '@/components/EmptyState';
import { PageHeader } from '@/components/PageHeader';
import { Panel } from '@/components/Panel';
import { ProblemAlert } from '@/components/ProblemAlert';
import { useUrlState } from '@/lib/url';
import { Changes } from './Changes';
import { Course } from './Course';
import type { Wanted } from './wanted';
import classes from './prices.module.css';

/** What a GPU, or one offer, has cost over time. */
export default function Prices() {
  useLive('prices');
  const { text, set } = useUrlState();
  const key = text('offer');
  const gpus = $api.useQuery('get', '/api/v1/gpus', { params: { query: { offered: true } } });
  const detail = $api.useQuery(
    'get',
    '/api/v1/offers/detail',
    { params: { query: { offer: key } } },
    { enabled: key !== '' },
  );
  const row = key ? detail.data?.row : undefined;
  const items = gpus.data?.items ?? [];
  const gpu = text('gpu') || (key ? '' : (items[0]?.key ?? ''));
  const range = text('range', '30d');
  const model = items.find((each) => each.key === gpu);
  const title = row ? `${row.title} at ${row.provider_title}` : (model?.title ?? gpu);
  const wanted: Wanted | null = row
    ? {
        gpu: row.accelerator ? [row.accelerator] : [],
        provider: [row.provider],
        region: row.region ? [row.region] : [],
        instance_type: row.instance_type ? [row.instance_type] : [],
      }
    : gpu
      ? { gpu: [gpu], provider: text('provider') ? [text('provider')] : [], region: [], instance_type: [] }
      : null;

  return (
    <>
      <PageHeader
        tab="Prices"
        title={title ? `Price of ${title}` : 'Prices'}
        about={
          row
            ? [row.region, row.instance_type].filter(Boolean).join(' · ')
            : 'Per GPU-hour: the least, the middle and the most of all offers at each time.'
        }
        actions={row ? <LaunchButton offer={row} size="sm" /> : null}
      />
      <Stack gap="md">
        <Group gap="xs" justify="space-between">
          <Group gap="xs">
            <Select
              size="xs"
              w={230}
              aria-label="GPU"
              placeholder={row ? 'Another GPU' : 'Choose a GPU'}
              searchable
              maxDropdownHeight={360}
              data={items.map((each) => ({ value: each.key, label: each.title }))}
              value={gpu || null}
              onChange={(value) => set({ gpu: value, offer: null, provider: null }, { push: true })}
            />
            {row || !model ? null : (
              <Select
                size="xs"
                w={170}
                aria-label="Provider"
                placeholder="Every provider"
                clearable
                data={model.providers}
                value={text('provider') || null}
                onChange={(value) => set({ provider: value })}
              />
            )}
          </Group>
          <SegmentedControl
            size="xs"
            aria-label="How far back"
            value={range}
            onChange={(value) => set({ range: value === '30d' ? null : value })}
            data={RANGES.map(({ value, label }) => ({ value, label }))}
          />
        </Group>
        <ProblemAlert error={gpus.error ?? detail.error} />
        {gpus.isPending || (key !== '' && detail.isPending) ? (
          <Loader size="sm" aria-label="Loading" />
        ) : null}
        {gpus.data && items.length === 0 && !key ? (
          <Panel padding={0}>
            <EmptyState title="No prices are known yet">
              Prices are being fetched; this page fills by itself.
            </EmptyState>
          </Panel>
        ) : null}
        {wanted ? (
          <div className={classes.columns}>
            <Stack gap="md" miw={0}>
              <Course wanted={wanted} range={range} title={title} />
              <Changes wanted={wanted} range={range} />
            </Stack>
            <Stack gap="md">
              {row ? null : <Best gpu={gpu} provider={text('provider')} />}
              <Panel title="Alert me below">
                <AlertBelow
                  key={JSON.stringify(wanted)}
                  title={row?.accelerator_title ?? model?.title ?? gpu}
                  usual={row?.gpu_price?.micro ?? model?.on_demand_micro ?? null}
                  filters={filtersOf(wanted, row)}
                />
              </Panel>
            </Stack>
          </div>
        ) : null}
      </Stack>
    </>
  );
}

/** The offers that win now for this GPU, to be launched with. */
function Best({ gpu, provider }: { gpu: string; provider: string }) {
  const query = { gpu: [gpu], provider: provider ? [provider] : [], limit: 1 };
  const found = $api.useQuery('get', '/api/v1/offers/explore', { params: { query } });
  const cards = (found.data?.cards ?? []).filter(
    (each, at, all) => all.findIndex((other) => other.row.key === each.row.key) === at,
  );
  const all = new URLSearchParams(provider ? { gpu, provider } : { gpu });
  return (
    <Panel
      title="Now"
      aside={
        <Anchor component={Link} size="sm" to={`/offers?${all.toString()}`}>
          All offers
        </Anchor>
      }
    >
      <ProblemAlert error={found.error} />
      {found.data && cards.length === 0 ? (
        <Text size="sm" c="var(--tw-quiet)">
          {found.data.why_nothing ?? 'Nothing is offered now.'}
        </Text>
      ) : null}
      <Stack gap="sm">
        {cards.map((card) => (
          <Group key={card.kind} justify="space-between" wrap="nowrap">
            <div>
              <Text size="xs" c="var(--tw-quiet)">
                {card.title}
              </Text>
              <Text size="sm" fw={600}>
                {card.row.gpu_price?.text ?? card.row.price?.text}
                <Text span size="xs" c="var(--tw-quiet)">
                  {' '}
                  per GPU-hour
                </Text>
              </Text>
              <Text size="xs">
                {card.row.title}, {card.row.provider_title}
              </Text>
            </div>
            <LaunchButton offer={card.row} />
          </Group>
        ))}
      </Stack>
    </Panel>
  );
}

function filtersOf(wanted: Wanted, row: Schemas['ExplorerRow'] | undefined): Schemas['AlertFilters'] {
  return {
    accelerators: wanted.gpu,
    providers: wanted.provider,
    regions: wanted.region,
    markets: row ? [row.market as Schemas['Market']] : [],
    min_count: row?.accelerator_count,
    max_count: row?.accelerator_count,
  };
}
