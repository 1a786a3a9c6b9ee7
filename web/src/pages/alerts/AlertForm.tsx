import { Button, Group, Modal, Skeleton, Stack, TextInput } from '@mantine/core';
import { useState, type FormEvent } from 'react';
import { $api, api, queries } from '@/api/client';
import { ProblemAlert } from '@/components/ProblemAlert';
import { conditionOf, draftOf, EMPTY, type Draft } from './condition';
import { ConditionFields } from './ConditionFields';
import { Preview } from './Preview';

/** Makes an alert, or changes the one of this name. */
export function AlertForm({ name, gpu, onClose }: { name: string | null; gpu: string; onClose: () => void }) {
  const known = $api.useQuery(
    'get',
    '/api/v1/alerts/{reference}',
    { params: { path: { reference: name ?? '' } } },
    { enabled: name !== null },
  );
  return (
    <Modal opened onClose={onClose} title={name ? `Edit ${name}` : 'New alert'} size="lg">
      <ProblemAlert error={known.error} />
      {name && known.isPending ? <Skeleton height={280} /> : null}
      {name === null ? (
        <Form first={{ ...EMPTY, gpus: gpu ? [gpu] : [] }} name={null} onClose={onClose} />
      ) : null}
      {known.data && name ? <Form first={draftOf(known.data)} name={name} onClose={onClose} /> : null}
    </Modal>
  );
}

function Form({ first, name, onClose }: { first: Draft; name: string | null; onClose: () => void }) {
  const [draft, setDraft] = useState(first);
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const condition = conditionOf(draft);
  const put = (changes: Partial<Draft>) => setDraft((before) => ({ ...before, ...changes }));

  async function save(event: FormEvent) {
    event.preventDefault();
    if (!condition) return;
    setBusy(true);
    setError(null);
    const body = { name: draft.name, condition, channels: draft.channels };
    try {
      if (name === null) await api.POST('/api/v1/alerts', { body: { ...body, is_muted: false } });
      else await api.PATCH('/api/v1/alerts/{reference}', { params: { path: { reference: name } }, body });
      await queries.invalidateQueries();
      onClose();
    } catch (problem) {
      setError(problem);
    } finally {
      setBusy(false);
    }
  }

  return (
    <form onSubmit={(event) => void save(event)}>
      <Stack gap="md">
        <TextInput
          label="Name"
          required
          data-autofocus
          value={draft.name}
          onChange={(event) => put({ name: event.currentTarget.value })}
        />
        <ConditionFields draft={draft} put={put} />
        <Preview condition={condition} />
        <ProblemAlert error={error} />
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" loading={busy} disabled={!condition || !draft.name}>
            {name === null ? 'Add alert' : 'Save'}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
