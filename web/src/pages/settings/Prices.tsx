import { Badge, Button, Group, Skeleton, Stack, Text } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconPlus } from '@tabler/icons-react';
import { $api, api, queries, type Schemas } from '@/api/client';
import { ActionButtons } from '@/components/ActionButtons';
import { CommandLine } from '@/components/CommandLine';
import { DataTable, type Column } from '@/components/DataTable';
import { EmptyState } from '@/components/EmptyState';
import { Panel } from '@/components/Panel';
import { ProblemAlert } from '@/components/ProblemAlert';
import { When } from '@/components/When';
import { formatCount } from '@/lib/format';
import { AddPrice } from './AddPrice';
import classes from './settings.module.css';

type Own = Schemas['OwnPriceView'];

/** Prices of the user's own, which win over public ones, and how the public sources are. */
export function Prices() {
  const own = $api.useQuery('get', '/api/v1/prices/own');
  const [isOpen, { open, close }] = useDisclosure(false);
  const add = (
    <Button size="xs" leftSection={<IconPlus size={15} aria-hidden />} onClick={open}>
      Add a price
    </Button>
  );
  return (
    <Stack gap="md">
      <ProblemAlert error={own.error} onRetry={() => void own.refetch()} />
      {own.isPending ? <Skeleton height={160} radius="md" /> : null}
      {own.data?.items.length === 0 ? (
        <Panel>
          <EmptyState title="No prices of your own" action={add}>
            What you pay on premises, negotiated or reserved wins over public prices, in your project only. A
            whole file:
            <div style={{ marginTop: 8 }}>
              <CommandLine text="tradewind prices import prices.yaml" />
            </div>
          </EmptyState>
        </Panel>
      ) : null}
      {own.data && own.data.items.length > 0 ? (
        <Panel title="Your prices" aside={add} padding={0}>
          <DataTable label="Your prices" rows={own.data.items} columns={COLUMNS} rowKey={(row) => row.id} />
          {own.data.is_cut ? (
            <Text size="xs" c="var(--tw-quiet)" p="md">
              {own.data.items.length} of {own.data.total} are shown.
            </Text>
          ) : null}
        </Panel>
      ) : null}
      {own.data && own.data.files.length > 0 ? <Files files={own.data.files} /> : null}
      <Sources />
      {isOpen ? <AddPrice onClose={close} /> : null}
    </Stack>
  );
}

async function remove(id: string) {
  await api.DELETE('/api/v1/prices/own/{price_id}', { params: { path: { price_id: id } } });
  await queries.invalidateQueries();
}

const COLUMNS: Column<Own>[] = [
  { id: 'provider', header: 'Provider', render: (row) => row.provider_title },
  { id: 'machine', header: 'Machine', render: (row) => row.machine },
  {
    id: 'gpu',
    header: 'GPU',
    render: (row) => (row.accelerator ? `${row.count}x ${row.accelerator}` : '–'),
    hideBelow: 'sm',
  },
  { id: 'place', header: 'Region', render: (row) => row.place, hideBelow: 'md' },
  { id: 'market', header: 'Terms', render: (row) => row.market_title, hideBelow: 'md' },
  {
    id: 'gpu_price',
    header: 'Per GPU',
    align: 'right',
    render: (row) => row.gpu_price_text ?? '',
    hideBelow: 'md',
  },
  { id: 'price', header: 'Price', align: 'right', render: (row) => row.price_text },
  {
    id: 'actions',
    header: '',
    align: 'right',
    width: '7rem',
    render: (row) =>
      row.can_remove ? (
        <Group justify="flex-end">
          <ActionButtons
            size="xs"
            actions={[
              {
                id: 'remove',
                label: 'Remove',
                confirm: `Remove the price of ${row.machine}? Its history stays.`,
                is_destructive: true,
              },
            ]}
            run={() => remove(row.id)}
          />
        </Group>
      ) : (
        <span className={classes.small}>{row.source}</span>
      ),
  },
];

function Files({ files }: { files: Schemas['PriceSourceView'][] }) {
  async function withdraw(name: string) {
    await api.DELETE('/api/v1/prices/sources/{name}', { params: { path: { name } } });
    await queries.invalidateQueries();
  }
  return (
    <Panel title="Imported files" padding={0}>
      <ul className={classes.rows} aria-label="Imported files">
        {files.map((file) => (
          <li className={classes.row} key={file.name}>
            <div>
              <div className={classes.title}>{file.name}</div>
              <div className={classes.small}>
                {formatCount(file.offers)} offers, imported <When at={file.fetched_at} />
              </div>
            </div>
            <ActionButtons
              size="xs"
              actions={[
                {
                  id: 'withdraw',
                  label: 'Withdraw',
                  confirm: `Withdraw all ${formatCount(file.offers)} prices of ${file.name}? Their history stays.`,
                  is_destructive: true,
                },
              ]}
              run={() => withdraw(file.name)}
            />
          </li>
        ))}
      </ul>
    </Panel>
  );
}

function Sources() {
  const sources = $api.useQuery('get', '/api/v1/prices/sources');
  const shown = sources.data?.items.filter((each) => !each.is_imported) ?? [];
  return (
    <Panel title="Price sources" padding={0}>
      <ProblemAlert error={sources.error} />
      {sources.isPending ? <Skeleton height={120} m="md" /> : null}
      <ul className={classes.rows} aria-label="Price sources">
        {shown.map((source) => (
          <li className={classes.row} key={source.name}>
            <div>
              <span className={classes.title}>{source.name}</span>{' '}
              <span className={classes.small}>{source.state}</span>
              {source.error ? (
                <div className={classes.small} style={{ color: 'var(--tw-bad)' }}>
                  {source.error}
                </div>
              ) : null}
            </div>
            <div className={classes.small} style={{ textAlign: 'right' }}>
              {source.is_enabled ? (
                <>
                  {formatCount(source.offers)} offers
                  <br />
                  <When at={source.fetched_at} />
                </>
              ) : (
                <Badge variant="outline" color="gray" c="var(--tw-quiet)">
                  off
                </Badge>
              )}
            </div>
          </li>
        ))}
      </ul>
    </Panel>
  );
}
