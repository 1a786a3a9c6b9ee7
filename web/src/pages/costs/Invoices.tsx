import { Button, Group, Skeleton, Stack } from '@mantine/core';
import { IconFileInvoice, IconUpload } from '@tabler/icons-react';
import { $api, type Schemas } from '@/api/client';
import { DataTable, type Column } from '@/components/DataTable';
import { EmptyState } from '@/components/EmptyState';
import { Panel } from '@/components/Panel';
import { ProblemAlert } from '@/components/ProblemAlert';
import { When } from '@/components/When';
import { formatDay } from '@/lib/format';
import { useUrlState } from '@/lib/url';
import { ImportInvoice } from './ImportInvoice';
import { Reconciled } from './Reconciled';

type Row = Schemas['InvoiceView'];

const COLUMNS: Column<Row>[] = [
  { id: 'provider', header: 'Provider', render: (row) => row.provider },
  { id: 'file', header: 'File', render: (row) => row.filename },
  {
    id: 'time',
    header: 'Time',
    hideBelow: 'sm',
    render: (row) => `${formatDay(new Date(row.since))} – ${formatDay(new Date(row.until))}`,
  },
  { id: 'lines', header: 'Lines', align: 'right', hideBelow: 'sm', render: (row) => row.lines },
  { id: 'total', header: 'Total', align: 'right', render: (row) => row.total.text },
  { id: 'imported', header: 'Imported', hideBelow: 'md', render: (row) => <When at={row.imported_at} /> },
];

/** Providers' invoices as CSV, held against the ledger. */
export function Invoices() {
  const { text, flag, set } = useUrlState();
  const invoices = $api.useQuery('get', '/api/v1/cost/invoices');
  const items = invoices.data?.items ?? [];
  const providers = [...new Set(items.map((each) => each.provider))].sort();
  const provider = text('provider') || providers[0];
  return (
    <Stack gap="md">
      <Group justify="flex-end">
        <Button
          variant="default"
          leftSection={<IconUpload size={16} aria-hidden />}
          onClick={() => set({ import: true })}
        >
          Import an invoice
        </Button>
      </Group>
      <ProblemAlert error={invoices.error} onRetry={() => void invoices.refetch()} />
      {invoices.isPending ? <Skeleton height={120} radius="md" /> : null}
      {invoices.data && items.length === 0 ? (
        <Panel>
          <EmptyState title="No invoice was imported" icon={IconFileInvoice}>
            Costs of rented machines are worked out from time and price until an invoice confirms them. Export
            one as CSV at the provider and import it here: each line is held against the ledger.
          </EmptyState>
        </Panel>
      ) : null}
      {provider ? <Reconciled provider={provider} providers={providers} /> : null}
      {items.length > 0 ? (
        <Panel title="Imported" padding={0}>
          <DataTable isFlush label="Invoices" rows={items} columns={COLUMNS} rowKey={(row) => row.id} />
        </Panel>
      ) : null}
      <ImportInvoice isOpen={flag('import')} onClose={() => set({ import: null })} />
    </Stack>
  );
}
