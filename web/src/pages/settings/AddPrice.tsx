import { Autocomplete, Button, Group, Modal, Select, Stack, TextInput } from '@mantine/core';
import { useState, type FormEvent } from 'react';
import { $api, queries, type Schemas } from '@/api/client';
import { ProblemAlert } from '@/components/ProblemAlert';

type Request = Schemas['OwnPriceRequest'];

const EMPTY = { provider: '', machine: '', region: '', gpu: '', count: '1', price: '' };

/** Adds one price of the user's own. */
export function AddPrice({ onClose }: { onClose: () => void }) {
  const [form, setForm] = useState(EMPTY);
  const [market, setMarket] = useState<Request['market']>('owned');
  const [per, setPer] = useState<Request['per']>('hour');
  const providers = $api.useQuery('get', '/api/v1/providers');
  const gpus = $api.useQuery('get', '/api/v1/gpus', { params: { query: {} } });
  const add = $api.useMutation('post', '/api/v1/prices/own');
  const put = (changes: Partial<typeof EMPTY>) => setForm((before) => ({ ...before, ...changes }));

  function save(event: FormEvent) {
    event.preventDefault();
    add.mutate(
      {
        body: {
          provider: form.provider,
          instance_type: form.machine,
          region: form.region,
          accelerator: form.gpu || null,
          count: Number.parseFloat(form.count) || 1,
          market,
          per,
          price: form.price.trim().replace(',', '.'),
        },
      },
      {
        onSuccess: () => {
          void queries.invalidateQueries();
          onClose();
        },
      },
    );
  }

  return (
    <Modal opened onClose={onClose} title="Add a price of your own" size="lg">
      <form onSubmit={save}>
        <Stack gap="sm">
          <Group grow align="flex-start">
            <Autocomplete
              label="Provider"
              description="Or a name of your own"
              required
              data-autofocus
              data={providers.data?.items.map((each) => each.id) ?? []}
              value={form.provider}
              onChange={(value) => put({ provider: value })}
            />
            <TextInput
              label="Region"
              description="Where it is, if that matters"
              value={form.region}
              onChange={(event) => put({ region: event.currentTarget.value })}
            />
          </Group>
          <TextInput
            label="Machine"
            description="The provider’s instance type, or what you call it"
            required
            value={form.machine}
            onChange={(event) => put({ machine: event.currentTarget.value })}
          />
          <Group grow align="flex-start">
            <Autocomplete
              label="GPU"
              placeholder="none"
              limit={30}
              data={[...new Set(gpus.data?.items.map((each) => each.title) ?? [])]}
              value={form.gpu}
              onChange={(value) => put({ gpu: value })}
            />
            <TextInput
              label="GPUs in the machine"
              inputMode="numeric"
              disabled={!form.gpu}
              value={form.count}
              onChange={(event) => put({ count: event.currentTarget.value })}
            />
          </Group>
          <Group grow align="flex-start">
            <TextInput
              label="Price"
              required
              inputMode="decimal"
              leftSection="$"
              value={form.price}
              onChange={(event) => put({ price: event.currentTarget.value })}
            />
            <Select
              label="For"
              data={[
                { value: 'hour', label: 'an hour of the machine' },
                { value: 'accelerator_hour', label: 'an hour of one GPU' },
                { value: 'month', label: 'a month (730 h)' },
                { value: 'year', label: 'a year (8,760 h)' },
              ]}
              value={per}
              onChange={(value) => setPer(value ?? 'hour')}
              allowDeselect={false}
            />
            <Select
              label="Terms"
              data={[
                { value: 'owned', label: 'Owned' },
                { value: 'on_demand', label: 'On demand' },
                { value: 'reserved', label: 'Reserved' },
                { value: 'spot', label: 'Spot' },
              ]}
              value={market}
              onChange={(value) => setMarket(value ?? 'owned')}
              allowDeselect={false}
            />
          </Group>
          <ProblemAlert error={add.error} />
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Button type="submit" loading={add.isPending}>
              Add price
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
