import { Anchor, Group, List, Stack, Text } from '@mantine/core';
import { Link } from 'react-router';
import type { Schemas } from '@/api/client';
import { Panel } from '@/components/Panel';
import { StateBadge } from '@/components/StateBadge';
import { Sentence } from '@/components/Sentence';
import { BudgetMeter } from './BudgetMeter';

/** One budget: how it stands, where that leads, what happens at the amount. */
export function BudgetCard({ budget }: { budget: Schemas['BudgetView'] }) {
  return (
    <Panel>
      <Stack gap="sm">
        <Group justify="space-between" align="flex-start" gap="xs">
          <div>
            <Anchor component={Link} to={`/budgets/${budget.name}`} fw={600} c="inherit">
              {budget.name}
            </Anchor>
            <Text size="xs" c="var(--tw-quiet)">
              {budget.scope_text}
            </Text>
          </div>
          {budget.badge ? <StateBadge badge={budget.badge} /> : null}
        </Group>
        <div>
          <Group justify="space-between" gap="xs" mb={6}>
            <Text size="sm" fw={600}>
              {budget.used_text}
            </Text>
            <Text size="xs" c="var(--tw-quiet)">
              {budget.running_jobs
                ? `${budget.running_jobs} ${budget.running_jobs === 1 ? 'job' : 'jobs'}, up to ${budget.cost_per_hour.text}/h`
                : 'no job runs'}
            </Text>
          </Group>
          <BudgetMeter budget={budget} />
        </div>
        <Text size="sm">
          <Sentence text={budget.forecast_text} />.
        </Text>
        <WhatHappens sentences={budget.what_happens} />
      </Stack>
    </Panel>
  );
}

export function WhatHappens({ sentences }: { sentences: string[] }) {
  return (
    <List size="xs" c="var(--tw-quiet)" spacing={2} aria-label="What happens">
      {sentences.map((sentence) => (
        <List.Item key={sentence}>{sentence}</List.Item>
      ))}
    </List>
  );
}
