import {
  Alert,
  Button,
  Group,
  MultiSelect,
  NumberInput,
  Select,
  Stack,
  Text,
  TextInput,
} from '@mantine/core';
import { IconBell, IconCheck } from '@tabler/icons-react';
import { useState, type FormEvent } from 'react';
import { Link } from 'react-router';
import { $api, queries, type Schemas } from '@/api/client';
import { dollarsOf, microOf } from '@/lib/money';
import { ProblemAlert } from '@/components/ProblemAlert';

type Filters = Schemas['AlertFilters'];
type Condition = Schemas['AlertCondition'];

/** Asks to be told once the price falls below a limit; says first how often it would have been. */
export function AlertBelow({
  filters,
  title,
  usual,
}: {
  filters: Filters;
  /** What it is about, for the alert's name. */
  title: string;
  /** The price of one accelerator for an hour now, in micro-dollars. */
  usual: number | null;
}) {
  const [typed, setTyped] = useState<string | number | null>(null);
  const [per, setPer] = useState<NonNullable<Condition['per']>>('accelerator_hour');
  const [channels, setChannels] = useState<string[]>([]);
  const [name, setName] = useState<string | null>(null);
  const known = $api.useQuery('get', '/api/v1/channels');
  const preview = $api.useMutation('post', '/api/v1/alerts/preview');
  const create = $api.useMutation('post', '/api/v1/alerts', {
    onSuccess: () => queries.invalidateQueries({ queryKey: ['get', '/api/v1/alerts'] }),
  });
  const price = typed ?? (usual === null ? '' : roundDown(usual));
  const value = Number(price);
  const isPrice = price !== '' && value > 0;
  const shownName = name ?? nameOf(title, price);
  const condition: Condition = {
    kind: 'price_below',
    filters,
    per,
    below_micro: microOf(value),
  };

  function submit(event: FormEvent) {
    event.preventDefault();
    if (isPrice) create.mutate({ body: { name: shownName, condition, channels } });
  }

  if (create.data) {
    return (
      <Alert
        variant="outline"
        color="gray"
        icon={<IconCheck aria-hidden />}
        title="The alert is set"
        role="status"
      >
        <Text size="sm">{create.data.summary}</Text>
        <Text size="sm" component={Link} to="/alerts" td="underline">
          All alerts
        </Text>
      </Alert>
    );
  }
  return (
    <form onSubmit={submit} aria-label="Alert me below">
      <Stack gap="xs">
        <Group gap="xs" align="flex-end" wrap="wrap">
          <NumberInput
            size="xs"
            w={120}
            label="Alert me below"
            prefix="$"
            min={0}
            decimalScale={6}
            hideControls
            value={price}
            onChange={setTyped}
            onBlur={() => (isPrice ? preview.mutate({ body: { condition, days: 30 } }) : undefined)}
          />
          <Select
            size="xs"
            w={150}
            aria-label="What the limit is for"
            data={[
              { value: 'accelerator_hour', label: 'per GPU-hour' },
              { value: 'hour', label: 'per machine-hour' },
            ]}
            value={per}
            allowDeselect={false}
            onChange={(next) => setPer(next === 'hour' ? 'hour' : 'accelerator_hour')}
          />
          <MultiSelect
            size="xs"
            style={{ flex: '1 1 150px' }}
            label="Tell me on"
            placeholder={channels.length ? undefined : 'the alerts page only'}
            data={(known.data?.items ?? []).map((each) => each.name)}
            value={channels}
            onChange={setChannels}
          />
        </Group>
        <TextInput
          size="xs"
          label="Name"
          value={shownName}
          maxLength={64}
          onChange={(event) => setName(event.currentTarget.value)}
        />
        {preview.data ? (
          <Text size="xs" c="var(--tw-quiet)" role="status">
            It would have fired{' '}
            {preview.data.fired_count === 1 ? 'once' : `${preview.data.fired_count} times`} in the last{' '}
            {preview.data.days} days. {preview.data.notes.join(' ')}
          </Text>
        ) : null}
        <ProblemAlert error={create.error ?? preview.error} />
        <Button
          type="submit"
          size="xs"
          variant="default"
          leftSection={<IconBell size={14} aria-hidden />}
          disabled={!isPrice || !shownName}
          loading={create.isPending}
          style={{ alignSelf: 'flex-start' }}
        >
          Set the alert
        </Button>
      </Stack>
    </form>
  );
}

/** A limit a tenth below what is paid now, to the cent. */
function roundDown(micro: number): number {
  return Math.floor(dollarsOf(micro) * 0.9 * 100) / 100;
}

/** A name that the server takes: letters, digits, dots and dashes. */
function nameOf(title: string, price: string | number): string {
  const word = title.replace(/[^A-Za-z0-9.]+/g, '-').replace(/^[^A-Za-z0-9]+|-+$/g, '');
  return `${word}-below-${price}`.slice(0, 64);
}
