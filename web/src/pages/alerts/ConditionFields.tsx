import { Group, MultiSelect, SegmentedControl, Select, Stack, TagsInput, TextInput } from '@mantine/core';
import { $api } from '@/api/client';
import type { Condition, Draft } from './condition';

const KINDS: { value: Condition['kind']; label: string }[] = [
  { value: 'price_below', label: 'Price below' },
  { value: 'price_drop', label: 'Price drops' },
  { value: 'available_again', label: 'Available again' },
];

export function ConditionFields({ draft, put }: { draft: Draft; put: (changes: Partial<Draft>) => void }) {
  const gpus = $api.useQuery('get', '/api/v1/gpus', { params: { query: { offered: true } } });
  const providers = $api.useQuery('get', '/api/v1/providers');
  const channels = $api.useQuery('get', '/api/v1/channels');
  return (
    <Stack gap="sm">
      <SegmentedControl
        aria-label="What it waits for"
        data={KINDS}
        value={draft.kind}
        onChange={(value) => put({ kind: value })}
      />
      <Group grow align="flex-start">
        <TagsInput
          label="GPU"
          description="Any of these; H100 is every H100"
          data={gpus.data?.items.map((each) => each.title) ?? []}
          value={draft.gpus}
          onChange={(value) => put({ gpus: value })}
          clearable
        />
        <TextInput
          label="At least so many"
          description="In one machine"
          inputMode="numeric"
          value={draft.count}
          onChange={(event) => put({ count: event.currentTarget.value })}
        />
      </Group>
      {draft.kind === 'price_below' ? (
        <Group grow align="flex-end">
          <TextInput
            label="Below"
            required
            inputMode="decimal"
            leftSection="$"
            value={draft.below}
            onChange={(event) => put({ below: event.currentTarget.value })}
          />
          <Per draft={draft} put={put} />
        </Group>
      ) : null}
      {draft.kind === 'price_drop' ? (
        <Group grow align="flex-end">
          <TextInput
            label="By"
            required
            inputMode="decimal"
            rightSection="%"
            value={draft.drop}
            onChange={(event) => put({ drop: event.currentTarget.value })}
          />
          <TextInput
            label="Within hours"
            placeholder="since it was last told"
            inputMode="numeric"
            value={draft.window}
            onChange={(event) => put({ window: event.currentTarget.value })}
          />
          <Per draft={draft} put={put} />
        </Group>
      ) : null}
      <Group grow align="flex-start">
        <MultiSelect
          label="Providers"
          placeholder={draft.providers.length ? undefined : 'any'}
          data={providers.data?.items.map((each) => ({ value: each.id, label: each.title })) ?? []}
          value={draft.providers}
          onChange={(value) => put({ providers: value })}
          searchable
          clearable
        />
        <TagsInput
          label="Regions"
          placeholder={draft.regions.length ? undefined : 'any; us-* for a pattern'}
          value={draft.regions}
          onChange={(value) => put({ regions: value })}
          clearable
        />
      </Group>
      <Group grow align="flex-start">
        <MultiSelect
          label="Terms"
          placeholder={draft.markets.length ? undefined : 'any'}
          data={[
            { value: 'on_demand', label: 'On demand' },
            { value: 'spot', label: 'Spot' },
            { value: 'reserved', label: 'Reserved' },
          ]}
          value={draft.markets}
          onChange={(value) => put({ markets: value })}
          clearable
        />
        <MultiSelect
          label="Tell"
          placeholder={draft.channels.length ? undefined : 'nobody'}
          description="Channels are added on their own tab"
          data={channels.data?.items.map((each) => each.name) ?? []}
          value={draft.channels}
          onChange={(value) => put({ channels: value })}
          clearable
        />
      </Group>
      {draft.kind === 'available_again' ? null : (
        <TextInput
          label="Tell again after a further fall of"
          placeholder="only once it was back above"
          inputMode="decimal"
          rightSection="%"
          value={draft.step}
          onChange={(event) => put({ step: event.currentTarget.value })}
        />
      )}
    </Stack>
  );
}

function Per({ draft, put }: { draft: Draft; put: (changes: Partial<Draft>) => void }) {
  return (
    <Select
      label="An hour of"
      data={[
        { value: 'accelerator_hour', label: 'one GPU' },
        { value: 'hour', label: 'the whole machine' },
      ]}
      value={draft.per}
      onChange={(value) => put({ per: value === 'hour' ? 'hour' : 'accelerator_hour' })}
      allowDeselect={false}
    />
  );
}
