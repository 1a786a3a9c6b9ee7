import { List, Skeleton, Stack, Text, Title } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { api, type Schemas } from '@/api/client';
import { ProblemAlert } from '@/components/ProblemAlert';
import { StateBadge } from '@/components/StateBadge';
import { Sentence } from '@/components/Sentence';
import { BudgetMeter } from './BudgetMeter';
import { PastPeriods } from './PastPeriods';
import { WhatHappens } from './BudgetCard';

/** How a budget would stand and what it would do at once, before it is set. */
export function Preview({ request }: { request: Schemas['BudgetRequest'] }) {
  const [asked] = useDebouncedValue(request, 350);
  const seen = useQuery({
    queryKey: ['post', '/api/v1/budgets/preview', asked],
    queryFn: async ({ signal }) => {
      const { data } = await api.POST('/api/v1/budgets/preview', { body: asked, signal });
      return data;
    },
    placeholderData: (before) => before,
  });
  const preview = seen.data;
  return (
    <Stack gap="sm" aria-live="polite">
      <Title order={2}>What it would do</Title>
      <ProblemAlert error={seen.error} />
      {seen.isPending ? <Skeleton height={160} /> : null}
      {preview && !seen.error ? (
        <>
          <div>
            {preview.view.badge ? <StateBadge badge={preview.view.badge} /> : null}
            <Text size="sm" fw={600} mt={6} mb={4}>
              {preview.view.used_text}
            </Text>
            <BudgetMeter budget={preview.view} />
            <Text size="xs" c="var(--tw-quiet)" mt={4}>
              <Sentence text={preview.view.forecast_text} />.
            </Text>
          </div>
          <List size="sm" spacing={2} aria-label="At once">
            {preview.effects.map((effect) => (
              <List.Item key={effect.text} c={`var(--tw-${effect.tone})`}>
                {effect.text}
              </List.Item>
            ))}
          </List>
          <WhatHappens sentences={preview.view.what_happens} />
          {preview.past.length > 0 ? (
            <PastPeriods past={preview.past} text={preview.past_text} />
          ) : preview.past_text ? (
            <Text size="xs" c="var(--tw-quiet)">
              <Sentence text={preview.past_text} />.
            </Text>
          ) : null}
        </>
      ) : null}
    </Stack>
  );
}
