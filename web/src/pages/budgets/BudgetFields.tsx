import {
  MultiSelect,
  NumberInput,
  Radio,
  Select,
  SimpleGrid,
  Stack,
  Switch,
  TagsInput,
  TextInput,
} from '@mantine/core';
import { $api } from '@/api/client';
import type { Draft } from './draft';

const SCOPES = [
  { value: 'project', label: 'A project' },
  { value: 'team', label: 'The team' },
  { value: 'user', label: 'A user' },
  { value: 'provider', label: 'A provider' },
];
const PERIODS = [
  { value: 'day', label: 'a day' },
  { value: 'week', label: 'a week' },
  { value: 'month', label: 'a month' },
  { value: 'total', label: 'in all' },
];
const ACTIONS: [Draft['action'], string, string][] = [
  ['notify', 'Tell', 'New jobs begin and what runs goes on.'],
  ['block_new', 'Hold new jobs back', 'What runs goes on.'],
  ['stop_spot', 'Stop spot jobs too', 'They are told to write a checkpoint first; others go on.'],
  ['stop_all', 'Stop everything', 'What runs is told to write a checkpoint first.'],
];

/** The fields of a budget. Whose it is cannot be changed later. */
export function BudgetFields({
  draft,
  isNew,
  onChange,
}: {
  draft: Draft;
  isNew: boolean;
  onChange: (change: Partial<Draft>) => void;
}) {
  const channels = $api.useQuery('get', '/api/v1/channels');
  return (
    <Stack gap="sm">
      <TextInput
        label="Name"
        required
        data-autofocus={isNew || undefined}
        disabled={!isNew}
        value={draft.name}
        onChange={(event) => onChange({ name: event.currentTarget.value })}
      />
      <SimpleGrid cols={2}>
        <Select
          label="Counts the cost of"
          data={SCOPES}
          disabled={!isNew}
          allowDeselect={false}
          value={draft.scope}
          onChange={(value) => value && onChange({ scope: value as Draft['scope'], target: '' })}
        />
        <TextInput
          label="Called"
          placeholder={draft.scope === 'provider' ? 'for example lambda' : 'your own'}
          disabled={!isNew}
          value={draft.target}
          onChange={(event) => onChange({ target: event.currentTarget.value })}
        />
        <TextInput
          label="Amount"
          placeholder="no limit"
          value={draft.amount}
          onChange={(event) => onChange({ amount: event.currentTarget.value })}
        />
        <Select
          label="Period"
          data={PERIODS}
          allowDeselect={false}
          value={draft.period}
          onChange={(value) => value && onChange({ period: value as Draft['period'] })}
        />
      </SimpleGrid>
      <Radio.Group
        label="At the amount"
        value={draft.action}
        onChange={(value) => onChange({ action: value })}
      >
        <Stack gap={6} mt={4}>
          {ACTIONS.map(([value, label, description]) => (
            <Radio key={value} value={value} label={label} description={description} size="xs" />
          ))}
        </Stack>
      </Radio.Group>
      <SimpleGrid cols={2}>
        <TextInput
          label="Most an hour"
          placeholder="no limit"
          value={draft.hourly}
          onChange={(event) => onChange({ hourly: event.currentTarget.value })}
        />
        <NumberInput
          label="Most jobs at a time"
          placeholder="no limit"
          min={0}
          allowDecimal={false}
          value={draft.jobs}
          onChange={(value) => onChange({ jobs: String(value) })}
        />
        <TagsInput
          label="Told at, in per cent"
          value={draft.thresholds}
          onChange={(thresholds) =>
            onChange({ thresholds: thresholds.filter((each) => /^\d+$/.test(each.trim())) })
          }
        />
        <MultiSelect
          label="Told on"
          placeholder={channels.data?.items.length === 0 ? 'no channel yet' : undefined}
          data={(channels.data?.items ?? []).map((each) => each.name)}
          value={draft.channels}
          onChange={(value) => onChange({ channels: value })}
        />
      </SimpleGrid>
      <Switch
        label="Tell of spending out of the ordinary"
        checked={draft.anomalies}
        onChange={(event) => onChange({ anomalies: event.currentTarget.checked })}
      />
    </Stack>
  );
}
