import { Anchor, Group, SimpleGrid, Skeleton, Stack, Text } from '@mantine/core';
import { Link, useParams } from 'react-router';
import { $api, type Schemas } from '@/api/client';
import { useLive } from '@/api/stream';
import { DataTable, type Column } from '@/components/DataTable';
import { KeyValues } from '@/components/KeyValues';
import { PageHeader } from '@/components/PageHeader';
import { Panel } from '@/components/Panel';
import { ProblemAlert } from '@/components/ProblemAlert';
import { Stat } from '@/components/Stat';
import { StateBadge } from '@/components/StateBadge';
import { Duration, When } from '@/components/When';
import { NodeActions } from '../nodes/NodeActions';
import { Slots } from './Slots';
import { UsageChart } from './UsageChart';

type Node = Schemas['NodeDetail'];

export default function NodePage() {
  useLive('nodes', 'jobs');
  const { reference = '' } = useParams();
  const found = $api.useQuery('get', '/api/v1/nodes/{reference}', { params: { path: { reference } } });
  const node = found.data;
  return (
    <>
      <PageHeader
        tab={node?.name ?? 'Node'}
        title={
          <Group gap="sm">
            <span>{node?.name ?? 'Node'}</span>
            {node?.badge ? <StateBadge badge={node.badge} /> : null}
          </Group>
        }
        about={
          <>
            <Anchor component={Link} to="/nodes" inherit c="inherit" td="underline">
              Nodes
            </Anchor>
            {node ? ` · ${[node.provider, node.place, node.id].filter(Boolean).join(' · ')}` : ''}
          </>
        }
        actions={node ? <NodeActions node={node} size="sm" /> : null}
      />
      <ProblemAlert error={found.error} onRetry={() => void found.refetch()} />
      {found.isPending ? <Skeleton height={220} radius="md" /> : null}
      {node ? <Detail node={node} /> : null}
    </>
  );
}

function Detail({ node }: { node: Node }) {
  const end = node.ended_at ? 'was there for' : 'there for';
  return (
    <Stack gap="md">
      <Panel>
        <SimpleGrid cols={{ base: 2, md: 4 }} spacing="lg">
          <Stat
            name="Cost an hour now"
            value={node.price_text.split(':')[0]}
            more={node.price_text.split(':')[1]}
          />
          <Stat name="Cost" value={node.cost_text} />
          <Stat name="Age" value={<Duration since={node.created_at} until={node.ended_at} />} more={end} />
          <Stat
            name="Processors held"
            value={`${node.cpus_held.toLocaleString('en-US')} of ${node.cpus.toLocaleString('en-US')}`}
          />
        </SimpleGrid>
        <Text size="sm" mt="md">
          {node.kept_because ? `Why it is there: ${node.kept_because}.` : node.explanation}
          {node.idle_until ? (
            <>
              {' '}
              It goes <When at={node.idle_until} />.
            </>
          ) : null}
        </Text>
      </Panel>
      {node.accelerators.length > 0 ? <Slots slots={node.accelerators} /> : null}
      <UsageChart usage={node.usage} />
      <SimpleGrid cols={{ base: 1, lg: 2 }}>
        <Panel title="What it is">
          <KeyValues
            items={[
              ...node.facts.map((fact): [string, string] => [fact.name, fact.value]),
              ['Last seen', <When key="seen" at={node.last_seen_at} />],
              ...(node.ends_by_itself ? [['On its own', node.ends_by_itself] as [string, string]] : []),
            ]}
          />
        </Panel>
        <Panel title="What was paid" padding={node.bill.length ? 0 : 'md'}>
          {node.bill.length ? (
            <DataTable isFlush label="Closed intervals" rows={node.bill} columns={BILL} rowKey={billKey} />
          ) : (
            <Text size="sm" c="var(--tw-quiet)">
              Nothing is closed yet: an interval is written down when a job lets go of the machine.
            </Text>
          )}
        </Panel>
      </SimpleGrid>
      <Panel title="Who had it" padding={node.tenancies.length ? 0 : 'md'}>
        {node.tenancies.length ? (
          <DataTable
            isFlush
            label="Jobs that held it"
            rows={node.tenancies}
            columns={TENANCIES}
            rowKey={(row) => `${row.job}-${row.attempt}`}
            href={(row) => `/jobs/${row.job}`}
          />
        ) : (
          <Text size="sm" c="var(--tw-quiet)">
            No job has had it yet.
          </Text>
        )}
      </Panel>
    </Stack>
  );
}

const billKey = (row: Schemas['NodeBillLine']) => `${row.since}-${row.until}-${row.amount.micro}`;

const BILL: Column<Schemas['NodeBillLine']>[] = [
  { id: 'until', header: 'Until', render: (row) => <When at={row.until} />, width: '6.5rem' },
  { id: 'what', header: 'What', render: (row) => row.job_name ?? row.label },
  {
    id: 'for',
    header: 'For',
    render: (row) => <Duration since={row.since} until={row.until} />,
    align: 'right',
  },
  { id: 'amount', header: 'Amount', render: (row) => row.amount.text, align: 'right' },
];

const TENANCIES: Column<Schemas['TenancyView']>[] = [
  {
    id: 'job',
    header: 'Job',
    render: (row) => (
      <Anchor component={Link} to={`/jobs/${row.job}`} inherit c="inherit">
        {row.job_name}
      </Anchor>
    ),
  },
  { id: 'attempt', header: 'Attempt', render: (row) => row.attempt, align: 'right', hideBelow: 'sm' },
  { id: 'held', header: 'Held', render: (row) => row.held, hideBelow: 'md' },
  { id: 'since', header: 'Since', render: (row) => <When at={row.since} />, hideBelow: 'sm' },
  {
    id: 'for',
    header: 'For',
    render: (row) => <Duration since={row.since} until={row.until} />,
    align: 'right',
  },
  { id: 'outcome', header: 'Outcome', render: (row) => <StateBadge badge={row.outcome} size="sm" /> },
];
