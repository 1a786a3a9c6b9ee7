import { Button, SimpleGrid, Skeleton, Stack, Text } from '@mantine/core';
import { IconPlus, IconWallet } from '@tabler/icons-react';
import { $api } from '@/api/client';
import { useLive } from '@/api/stream';
import { EmptyState } from '@/components/EmptyState';
import { PageHeader } from '@/components/PageHeader';
import { Panel } from '@/components/Panel';
import { ProblemAlert } from '@/components/ProblemAlert';
import { Sentence } from '@/components/Sentence';
import { useUrlState } from '@/lib/url';
import { BudgetCard } from './BudgetCard';
import { BudgetForm } from './BudgetForm';

export default function Budgets() {
  useLive('budgets', 'jobs');
  const { flag, set } = useUrlState();
  const budgets = $api.useQuery('get', '/api/v1/budgets');
  const items = budgets.data?.items ?? [];
  const create = budgets.data?.permitted.find((each) => each.id === 'create');
  const button = create ? (
    <Button
      leftSection={<IconPlus size={16} aria-hidden />}
      onClick={() => set({ new: true }, { push: true })}
    >
      {create.label}
    </Button>
  ) : null;
  return (
    <>
      <PageHeader
        title="Budgets"
        about="What a project, a team, a user or a provider may cost, and what happens then."
        actions={items.length ? button : null}
      />
      <Stack gap="md">
        <ProblemAlert error={budgets.error} onRetry={() => void budgets.refetch()} />
        {budgets.data?.explanation ? (
          <Text size="sm" c="var(--tw-quiet)">
            <Sentence text={budgets.data.explanation} />.
          </Text>
        ) : null}
        {budgets.isPending ? (
          <SimpleGrid
            cols={{ base: 1, lg: 2 }}
            role="status"
            aria-busy="true"
            aria-label="Budgets are being read"
          >
            <Skeleton height={190} radius="md" />
            <Skeleton height={190} radius="md" />
          </SimpleGrid>
        ) : null}
        {budgets.data && items.length === 0 ? (
          <Panel>
            <EmptyState title="No budget is set" icon={IconWallet} action={button}>
              Without one, a job is only bound by the budget in its own file. A budget counts what was closed,
              used up and held, and can let new jobs wait or stop what runs before the amount is passed.
            </EmptyState>
          </Panel>
        ) : null}
        <SimpleGrid cols={{ base: 1, lg: 2 }} component="ul" p={0} m={0} style={{ listStyle: 'none' }}>
          {items.map((budget) => (
            <li key={budget.id}>
              <BudgetCard budget={budget} />
            </li>
          ))}
        </SimpleGrid>
      </Stack>
      <BudgetForm isOpen={flag('new') && create !== undefined} onClose={() => set({ new: null })} />
    </>
  );
}
