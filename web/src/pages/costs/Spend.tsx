import { Group, Pill, Select, Skeleton, Stack, Text, TextInput } from '@mantine/core';
import { useState } from 'react';
import { $api } from '@/api/client';
import { useLive } from '@/api/stream';
import { EmptyState } from '@/components/EmptyState';
import { Panel } from '@/components/Panel';
import { ProblemAlert } from '@/components/ProblemAlert';
import { StackedBars } from '@/components/chart/StackedBars';
import { useUrlState } from '@/lib/url';
import { GroupTable } from './GroupTable';
import { RangePicker } from './RangePicker';
import { SavingCards } from './SavingCards';
import { Totals } from './Totals';
import { dayLabel, type Asked, type Overview } from './range';

/** Spend of a range: sums, bars over time, groups, and what was saved. */
export function Spend({ asked }: { asked: Asked }) {
  useLive('jobs', 'budgets');
  const url = useUrlState();
  const local = url.text('local') || undefined;
  const seen = $api.useQuery(
    'get',
    '/api/v1/cost/overview',
    { params: { query: { ...asked, local } } },
    { placeholderData: (before) => before },
  );
  const data = seen.data;
  return (
    <Stack gap="md">
      <Group justify="space-between" gap="sm">
        <RangePicker ranges={data?.ranges ?? []} since={data?.since} until={data?.until} />
        <Group gap="xs">
          <Only data={data} />
          <Select
            size="xs"
            w={170}
            aria-label="Group by"
            value={asked.by}
            onChange={(by) => url.set({ by: by === 'provider' ? null : by })}
            data={(data?.groups ?? []).map((each) => ({ value: each.name, label: `By ${each.label}` }))}
            allowDeselect={false}
            searchable
          />
        </Group>
      </Group>
      <ProblemAlert error={seen.error} onRetry={() => void seen.refetch()} />
      {seen.isPending ? (
        <Stack role="status" aria-busy="true" aria-label="Costs are being read">
          <Skeleton height={110} radius="md" />
          <Skeleton height={330} radius="md" />
        </Stack>
      ) : null}
      {data ? <Shown data={data} local={local} /> : null}
    </Stack>
  );
}

function Shown({ data, local }: { data: Overview; local?: string }) {
  const url = useUrlState();
  const steps = data.starts.map((each) => dayLabel(each, data.step));
  const isEmpty = data.rows.length === 0;
  return (
    <>
      <Totals data={data} />
      <Panel title={`By ${data.step}`}>
        {isEmpty ? (
          <EmptyState title="Nothing was closed in this range">
            {Object.keys(data.only).length
              ? 'Take a filter away, or choose a longer range.'
              : 'What a job costs is written down when it lets go of its machine.'}
            {data.running.micro ? ` What runs now has used up ${data.running.text} so far.` : ''}
          </EmptyState>
        ) : (
          <StackedBars
            label={`Spend by ${data.step}`}
            steps={steps}
            stacks={data.series.map((each) => ({
              key: each.key,
              label: each.label,
              values: each.micro,
              texts: each.texts,
              total: each.total.text,
            }))}
            ticks={data.ticks.map((tick) => ({ value: tick.micro, text: tick.text }))}
          />
        )}
      </Panel>
      {isEmpty ? null : <GroupTable data={data} />}
      <SavingCards
        data={data}
        aside={<LocalChoice key={local} local={local} onChange={(value) => url.set({ local: value })} />}
      />
      <Text size="xs" c="var(--tw-quiet)">
        {data.notes.map((note) => `${note.charAt(0).toUpperCase()}${note.slice(1)}.`).join(' ')}
      </Text>
    </>
  );
}

/** What is narrowed to, to be taken away. */
function Only({ data }: { data?: Overview }) {
  const { list, set } = useUrlState();
  const only = list('only');
  if (only.length === 0) return null;
  return (
    <Group gap={4} role="group" aria-label="Only">
      {only.map((each) => {
        const [name = '', ...rest] = each.split('=');
        const group = data?.groups.find((known) => known.name === name)?.label ?? name;
        return (
          <Pill
            key={each}
            withRemoveButton
            removeButtonProps={{
              'aria-label': `Show more than ${rest.join('=')}`,
              'aria-hidden': false,
              tabIndex: 0,
            }}
            onRemove={() => set({ only: only.filter((other) => other !== each) })}
          >
            {group}: {rest.join('=') || 'none'}
          </Pill>
        );
      })}
    </Group>
  );
}

function LocalChoice({ local, onChange }: { local?: string; onChange: (value: string | null) => void }) {
  const [text, setText] = useState(local ?? '');
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        onChange(text.trim() || null);
      }}
    >
      <TextInput
        size="xs"
        w={190}
        aria-label="Compare with this accelerator"
        placeholder="Compare with, e.g. RTX 4090"
        value={text}
        onChange={(event) => setText(event.currentTarget.value)}
        onBlur={() => onChange(text.trim() || null)}
      />
    </form>
  );
}
