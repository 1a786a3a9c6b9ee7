import { Button, Group, Modal, Select, SimpleGrid, Skeleton, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { $api, newKey, type Schemas } from '@/api/client';
import { DataTable, type Column } from '@/components/DataTable';
import { Panel } from '@/components/Panel';
import { ProblemAlert } from '@/components/ProblemAlert';
import { Stat } from '@/components/Stat';
import { StateBadge } from '@/components/StateBadge';
import { useUrlState } from '@/lib/url';

type Row = Schemas['MatchView'];

const COLUMNS: Column<Row>[] = [
  {
    id: 'state',
    header: 'State',
    render: (row) => (row.badge ? <StateBadge badge={row.badge} size="sm" /> : row.state),
  },
  { id: 'thing', header: 'Thing', render: (row) => row.resource || row.description },
  { id: 'jobs', header: 'Jobs', hideBelow: 'md', render: (row) => row.jobs.join(', ') || '–' },
  { id: 'invoice', header: 'Invoice', align: 'right', render: (row) => row.invoice.text },
  { id: 'ledger', header: 'Ledger', align: 'right', hideBelow: 'sm', render: (row) => row.ledger.text },
  { id: 'difference', header: 'Difference', align: 'right', render: (row) => row.difference.text },
  { id: 'note', header: 'Note', hideBelow: 'lg', render: (row) => row.note ?? '' },
];

/** A provider's invoices against the ledger, thing by thing; differences can be taken over. */
export function Reconciled({ provider, providers }: { provider: string; providers: string[] }) {
  const { set } = useUrlState();
  const client = useQueryClient();
  const [chosen, choose] = useState(new Set<string>());
  const [isAsking, ask] = useState(false);
  const seen = $api.useQuery('get', '/api/v1/cost/reconciliation', { params: { query: { provider } } });
  const accept = $api.useMutation('post', '/api/v1/cost/reconciliation');
  const items = seen.data?.items ?? [];
  const open = items.filter((row) => row.state !== 'matched');
  const named = [...chosen].filter((key) => open.some((row) => row.resource === key && key !== ''));

  async function take() {
    const answer = await accept.mutateAsync({
      body: { provider, resources: named },
      params: { header: { 'Idempotency-Key': newKey() } },
    });
    notifications.show({ message: `${answer.items.length} corrections were written to the ledger.` });
    choose(new Set());
    ask(false);
    await client.invalidateQueries();
  }

  return (
    <Panel
      title="Against the ledger"
      padding={0}
      aside={
        <Group gap="xs">
          <Select
            size="xs"
            aria-label="Provider"
            data={providers}
            value={provider}
            onChange={(value) => set({ provider: value })}
            allowDeselect={false}
          />
          <Button size="xs" disabled={named.length === 0} onClick={() => ask(true)}>
            Take over what the invoice says
          </Button>
        </Group>
      }
    >
      <ProblemAlert error={seen.error} onRetry={() => void seen.refetch()} />
      {seen.isPending ? <Skeleton height={160} /> : null}
      {seen.data ? (
        <>
          <SimpleGrid cols={3} px="md" pb="sm">
            <Stat name="Invoice" value={seen.data.invoice.text} />
            <Stat name="Ledger" value={seen.data.ledger.text} />
            <Stat
              name="Difference"
              value={seen.data.difference.text}
              tone={seen.data.difference.micro ? 'warning' : 'good'}
              more={open.length ? `${open.length} things differ` : 'everything agrees'}
            />
          </SimpleGrid>
          <DataTable
            isFlush
            label="Invoice against ledger"
            rows={items}
            columns={COLUMNS}
            rowKey={(row) => row.resource}
            selected={chosen}
            onSelect={choose}
            isMuted={(row) => row.state === 'matched'}
          />
        </>
      ) : null}
      <Modal opened={isAsking} onClose={() => ask(false)} title="Take over what the invoice says">
        <Text size="sm" mb="md">
          {named.length === 1 ? '1 thing gets a row' : `${named.length} things get a row each`} in the ledger
          that puts the difference right. No row is changed, and it says who accepted it.
        </Text>
        <ProblemAlert error={accept.error} />
        <Group justify="flex-end" gap="xs" mt="md">
          <Button variant="default" onClick={() => ask(false)}>
            Cancel
          </Button>
          <Button loading={accept.isPending} onClick={() => void take().catch(() => undefined)}>
            Take over
          </Button>
        </Group>
      </Modal>
    </Panel>
  );
}
