import { Anchor, Group, SimpleGrid, Skeleton, Stack, Text } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate, useParams } from 'react-router';
import { $api, api, type Schemas } from '@/api/client';
import { useLive } from '@/api/stream';
import { ActionButtons, type Action } from '@/components/ActionButtons';
import { KeyValues } from '@/components/KeyValues';
import { PageHeader } from '@/components/PageHeader';
import { Panel } from '@/components/Panel';
import { ProblemAlert } from '@/components/ProblemAlert';
import { Stat } from '@/components/Stat';
import { StateBadge } from '@/components/StateBadge';
import { When } from '@/components/When';
import { Sentence } from '@/components/Sentence';
import { useUrlState } from '@/lib/url';
import { WhatHappens } from '../budgets/BudgetCard';
import { BudgetForm } from '../budgets/BudgetForm';
import { BudgetMeter } from '../budgets/BudgetMeter';
import { PastPeriods } from '../budgets/PastPeriods';
import { BurnDown } from './BurnDown';

type Budget = Schemas['BudgetDetail'];

export default function BudgetPage() {
  useLive('budgets', 'jobs');
  const { reference = '' } = useParams();
  const navigate = useNavigate();
  const client = useQueryClient();
  const { flag, set } = useUrlState();
  const found = $api.useQuery('get', '/api/v1/budgets/{reference}', { params: { path: { reference } } });
  const budget = found.data;

  async function run(action: Action) {
    if (action.id === 'edit') {
      set({ edit: true }, { push: true });
      return;
    }
    await api.DELETE('/api/v1/budgets/{reference}', { params: { path: { reference } } });
    void navigate('/budgets');
    await client.invalidateQueries({ queryKey: ['get', '/api/v1/budgets'] });
  }

  return (
    <>
      <PageHeader
        tab={budget?.name ?? 'Budget'}
        title={
          <Group gap="sm">
            <span>{budget?.name ?? 'Budget'}</span>
            {budget?.badge ? <StateBadge badge={budget.badge} /> : null}
          </Group>
        }
        about={
          <>
            <Anchor component={Link} to="/budgets" inherit c="inherit" td="underline">
              Budgets
            </Anchor>
            {budget ? ` · ${budget.scope_text}` : ''}
          </>
        }
        actions={budget ? <ActionButtons actions={budget.permitted} run={run} /> : null}
      />
      <ProblemAlert error={found.error} onRetry={() => void found.refetch()} />
      {found.isPending ? <Skeleton height={240} radius="md" /> : null}
      {budget ? <Detail budget={budget} /> : null}
      {budget ? (
        <BudgetForm budget={budget} isOpen={flag('edit')} onClose={() => set({ edit: null })} />
      ) : null}
    </>
  );
}

function Detail({ budget }: { budget: Budget }) {
  return (
    <Stack gap="md">
      <Panel>
        <Text fw={600} mb={6}>
          {budget.used_text}
        </Text>
        <BudgetMeter budget={budget} />
        <SimpleGrid cols={{ base: 2, sm: 3, lg: 5 }} mt="md" spacing="lg">
          <Stat name="Closed" value={budget.spent.text} />
          <Stat
            name="Used up by what runs"
            value={budget.running.text}
            more={`${budget.running_jobs} ${budget.running_jobs === 1 ? 'job' : 'jobs'}`}
          />
          <Stat name="Held beyond that" value={budget.reserved.text} />
          <Stat name="Left" value={budget.left?.text ?? 'no limit'} />
          <Stat name="Most an hour now" value={budget.cost_per_hour.text} />
        </SimpleGrid>
      </Panel>
      <Panel title={budget.amount ? 'Burn-down' : 'Spent'}>
        <Text size="sm" mb="xs">
          <Sentence text={budget.forecast_text} />.
        </Text>
        <BurnDown budget={budget} />
        <Text size="xs" c="var(--tw-quiet)">
          The forecast: {budget.forecast.method}.
        </Text>
      </Panel>
      <SimpleGrid cols={{ base: 1, lg: 2 }}>
        <Panel title="What happens">
          <WhatHappens sentences={budget.what_happens} />
          <div style={{ marginTop: 12 }}>
            <KeyValues
              items={[
                ['Began', <When key="began" at={budget.period_start} />],
                ['Ends', budget.period_end ? <When key="ends" at={budget.period_end} /> : 'never'],
                ['Set by', budget.creator],
              ]}
            />
          </div>
        </Panel>
        <Panel title="Periods before">
          {budget.past.length ? (
            <PastPeriods past={budget.past} />
          ) : (
            <Text size="sm" c="var(--tw-quiet)">
              Nothing was spent before.
            </Text>
          )}
        </Panel>
      </SimpleGrid>
      <Panel title="What was told">
        {budget.notices.length === 0 ? (
          <Text size="sm" c="var(--tw-quiet)">
            Nothing yet.
          </Text>
        ) : (
          <Stack gap="sm" component="ul" p={0} m={0} style={{ listStyle: 'none' }}>
            {budget.notices.map((notice) => (
              <li key={notice.id}>
                <Group justify="space-between" gap="xs">
                  <Text size="sm" fw={550}>
                    {notice.title}
                  </Text>
                  <Text size="xs" c="var(--tw-quiet)">
                    <When at={notice.at} />
                  </Text>
                </Group>
                <Text size="xs" c="var(--tw-quiet)" style={{ whiteSpace: 'pre-line' }}>
                  {notice.body}
                </Text>
              </li>
            ))}
          </Stack>
        )}
      </Panel>
    </Stack>
  );
}
