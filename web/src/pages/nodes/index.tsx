import { Button, Group, SegmentedControl, Stack, Switch } from '@mantine/core';
import { IconPlus, IconServer2 } from '@tabler/icons-react';
import { useCallback } from 'react';
import { useNavigate } from 'react-router';
import { $api } from '@/api/client';
import { useLive } from '@/api/stream';
import { EmptyState } from '@/components/EmptyState';
import { Facets } from '@/components/Facets';
import { PageHeader } from '@/components/PageHeader';
import { Panel } from '@/components/Panel';
import { ProblemAlert } from '@/components/ProblemAlert';
import { byCursor } from '@/lib/pages';
import { useUrlState } from '@/lib/url';
import { AddMachine } from './AddMachine';
import { Burn } from './Burn';
import { NodeRows, NodeRowsLoading } from './NodeRows';
import { Waiting } from './Waiting';

const PAGE = 100;
type Kind = 'own' | 'rented';

export default function Nodes() {
  useLive('nodes', 'jobs');
  const navigate = useNavigate();
  const { text, list, flag, set } = useUrlState();
  const kind = (text('kind') || undefined) as Kind | undefined;
  const states = list('state');
  const providers = list('provider');
  const query = {
    kind,
    state: states.length ? states : undefined,
    provider: providers.length ? providers : undefined,
    all: flag('all') || undefined,
    limit: PAGE,
  };
  const nodes = $api.useInfiniteQuery(
    'get',
    '/api/v1/nodes',
    { params: { query } },
    {
      ...byCursor,
      placeholderData: (before) => before,
    },
  );
  const first = nodes.data?.pages[0];
  const rows = nodes.data?.pages.flatMap((page) => page.items) ?? [];
  const facets = first?.facets;
  const isNarrowed = kind !== undefined || states.length > 0 || providers.length > 0;
  const clear = useCallback(() => set({ kind: null, state: null, provider: null }), [set]);
  const isAdding = flag('add');

  return (
    <>
      <PageHeader
        title="Nodes"
        about="Machines that are rented or your own: who holds them, what they cost, and what waits for one."
        actions={
          <Button
            variant="default"
            leftSection={<IconPlus size={16} aria-hidden />}
            onClick={() => set({ add: true }, { push: true })}
          >
            Add a machine
          </Button>
        }
      />
      <Stack gap="md">
        <ProblemAlert error={nodes.error} onRetry={() => void nodes.refetch()} />
        {first?.burn ? <Burn burn={first.burn} rows={rows} total={first.total} /> : null}
        {first && first.total > 0 ? (
          <Group gap="sm" justify="space-between">
            <Group gap="sm">
              <SegmentedControl
                size="xs"
                aria-label="Whose machines"
                value={kind ?? ''}
                onChange={(value) => set({ kind: value })}
                data={[
                  { value: '', label: `All ${first.total}` },
                  ...(facets?.kinds ?? []).map((each) => ({
                    value: each.name,
                    label: `${each.label} ${each.count}`,
                  })),
                ]}
              />
              <Facets
                label="State"
                facets={facets?.states ?? []}
                chosen={states}
                onChange={(chosen) => set({ state: chosen })}
              />
              {(facets?.providers.length ?? 0) > 1 ? (
                <Facets
                  label="Provider"
                  facets={facets?.providers ?? []}
                  chosen={providers}
                  onChange={(chosen) => set({ provider: chosen })}
                />
              ) : null}
            </Group>
            <Switch
              size="xs"
              label="Show those that are gone"
              checked={flag('all')}
              onChange={(event) => set({ all: event.currentTarget.checked })}
            />
          </Group>
        ) : null}
        {nodes.isPending ? <NodeRowsLoading /> : null}
        {first && rows.length > 0 ? <NodeRows rows={rows} /> : null}
        {first && rows.length === 0 ? (
          <Panel>
            {isNarrowed ? (
              <EmptyState
                title={`0 of ${first.total} nodes match`}
                action={
                  <Button variant="default" size="xs" onClick={clear}>
                    Clear filters
                  </Button>
                }
              />
            ) : (
              <EmptyState
                title="No machine is there now"
                icon={IconServer2}
                action={
                  <Group gap="xs" justify="center">
                    <Button size="xs" onClick={() => void navigate('/new')}>
                      New job
                    </Button>
                    <Button size="xs" variant="default" onClick={() => void navigate('/connections')}>
                      Connect a provider
                    </Button>
                  </Group>
                }
              >
                Machines are rented when a job needs one, and given back when it ends. A machine of your own
                stays.
              </EmptyState>
            )}
          </Panel>
        ) : null}
        {nodes.hasNextPage ? (
          <Button
            variant="default"
            loading={nodes.isFetchingNextPage}
            onClick={() => void nodes.fetchNextPage()}
          >
            Show more of {first?.matching}
          </Button>
        ) : null}
        <Waiting />
      </Stack>
      <AddMachine isOpen={isAdding} onClose={() => set({ add: null })} />
    </>
  );
}
