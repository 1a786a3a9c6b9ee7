import { Button, Loader, Stack, Text } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { keepPreviousData } from '@tanstack/react-query';
import { $api, type Schemas } from '@/api/client';
import { BarList } from '@/components/BarList';
import { DataTable, type Column } from '@/components/DataTable';
import { Meter } from '@/components/Meter';
import { Panel } from '@/components/Panel';
import { ProblemAlert } from '@/components/ProblemAlert';
import { StateBadge } from '@/components/StateBadge';
import { useDraft } from '../draft';
import { asList, asText } from '../spec';
import { More } from '@/components/More';

type Fit = Schemas['MemoryFit'];
const PATH = ['resources', 'accelerators'];

/** The accelerators that have the memory for the model, to be taken as alternatives. */
export function MemoryFits() {
  const { get, set } = useDraft();
  const body = {
    model: asText(get(['estimate', 'model'])),
    method: asText(get(['estimate', 'method'])) || null,
    precision: asText(get(['estimate', 'precision'])) || null,
    batch: numberOf(get(['estimate', 'batch'])),
    sequence_length: numberOf(get(['estimate', 'sequence_length'])),
    image_size: numberOf(get(['estimate', 'image_size'])),
  };
  const [asked] = useDebouncedValue(body, 400);
  const { data, error, isFetching } = $api.useQuery(
    'post',
    '/api/v1/estimates/memory',
    { body: asked },
    { placeholderData: keepPreviousData, staleTime: 60_000, enabled: asked.model !== '' },
  );
  const taken = asList(get(PATH));

  function toggle(request: string) {
    const after = taken.includes(request) ? taken.filter((each) => each !== request) : [...taken, request];
    set(PATH, after.length > 0 ? after : undefined);
  }

  if (body.model === '') return null;
  const memory = error ? undefined : data?.memory;
  const columns: Column<Fit>[] = [
    { id: 'accelerator', header: 'Fewest that fit', render: (fit) => `${fit.count} × ${fit.accelerator}` },
    {
      id: 'memory',
      header: 'Memory of each',
      width: '30%',
      hideBelow: 'sm',
      render: (fit) => (
        <div>
          <Text size="xs">
            {fit.memory_gb.p50.toFixed(1)} of {fit.usable_gb.toFixed(1)} GB
          </Text>
          <Meter
            share={fit.memory_gb.p50 / fit.usable_gb}
            extra={(fit.memory_gb.p90 - fit.memory_gb.p50) / fit.usable_gb}
            label={`Memory used of ${fit.accelerator}`}
            tone={fit.badge.tone}
          />
        </div>
      ),
    },
    { id: 'fits', header: 'Fits', render: (fit) => <StateBadge badge={fit.badge} size="sm" /> },
    {
      id: 'price',
      header: 'From',
      align: 'right',
      render: (fit) => (fit.price_per_hour ? `${fit.price_per_hour.text}/h` : '–'),
    },
    { id: 'where', header: 'At', hideBelow: 'md', render: (fit) => fit.provider ?? 'no steady offer' },
    {
      id: 'take',
      header: '',
      width: '92px',
      align: 'right',
      render: (fit) => (
        <Button
          size="compact-xs"
          variant={taken.includes(fit.request) ? 'default' : 'light'}
          aria-pressed={taken.includes(fit.request)}
          aria-label={`Take ${fit.request}`}
          onClick={() => toggle(fit.request)}
        >
          {taken.includes(fit.request) ? 'Taken' : 'Take'}
        </Button>
      ),
    },
  ];
  return (
    <Panel
      title="Memory"
      padding={0}
      aside={isFetching ? <Loader size="xs" role="status" aria-label="Working it out" /> : null}
    >
      <Stack gap="sm">
        {error ? (
          <div style={{ padding: '0 var(--mantine-spacing-md) var(--mantine-spacing-md)' }}>
            <ProblemAlert error={error} />
          </div>
        ) : null}
        {data && !error ? (
          <>
            <Text size="sm" c="var(--tw-quiet)" px="md">
              {data.workload}. {data.fits.length} of {data.fits.length + data.too_small.length} accelerators
              on offer have the memory.
            </Text>
            <div style={{ maxHeight: 330, overflow: 'auto' }}>
              <DataTable
                label="Accelerators that fit"
                rows={data.fits}
                columns={columns}
                rowKey={(fit) => fit.request}
                rowHeight={46}
              />
            </div>
            {data.notes.map((note) => (
              <Text key={note} size="sm" c="var(--tw-warning)" px="md">
                {note}
              </Text>
            ))}
          </>
        ) : null}
        {memory ? (
          <div style={{ padding: '0 var(--mantine-spacing-md) var(--mantine-spacing-md)' }}>
            <More label={`Item by item on ${memory.count} × ${memory.accelerator}`}>
              <BarList
                label="Memory by item"
                bars={memory.items
                  .filter((item) => item.gb >= 0.005)
                  .map((item) => ({
                    key: item.name,
                    label: `${item.name}: ${item.note}`,
                    size: item.gb,
                    value: `${item.gb.toFixed(2)} GB`,
                  }))}
              />
              {memory.switches.length > 0 ? (
                <ul style={{ margin: '12px 0 0', paddingLeft: 18, fontSize: 'var(--mantine-font-size-sm)' }}>
                  {memory.switches.map((each) => (
                    <li key={each.name}>
                      {each.explanation}: {each.memory_gb.toFixed(1)} GB, {each.time_factor.toFixed(2)} times
                      the time
                      {each.changes_result ? '; something else is learned' : ''}
                    </li>
                  ))}
                </ul>
              ) : null}
            </More>
          </div>
        ) : null}
      </Stack>
    </Panel>
  );
}

function numberOf(value: unknown): number | null {
  return typeof value === 'number' && value > 0 ? value : null;
}
