import { Button, Group, Modal, Text } from '@mantine/core';
import { useState } from 'react';
import type { Schemas } from '@/api/client';
import { ProblemAlert } from './ProblemAlert';

export type Action = Schemas['ActionView'];

/** What the server permits, as buttons; asks first where the server says so. `run` rejects to show its error. */
export function ActionButtons({
  actions,
  run,
  size = 'sm',
}: {
  actions: Action[];
  run: (action: Action) => Promise<unknown>;
  size?: 'xs' | 'sm';
}) {
  const [asked, ask] = useState<Action | null>(null);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);

  async function start(action: Action) {
    setBusy(true);
    setError(null);
    try {
      await run(action);
      // Another question may have been opened while this was done.
      ask((open) => (open?.id === action.id ? null : open));
    } catch (problem) {
      setError(problem);
      ask(action);
    } finally {
      setBusy(false);
    }
  }

  return (
    <Group gap="xs">
      {actions.map((action) => (
        <Button
          key={action.id}
          size={size}
          variant="default"
          c={action.is_destructive ? 'var(--tw-bad)' : undefined}
          loading={busy && asked?.id !== action.id && !action.confirm}
          onClick={() => (action.confirm ? ask(action) : void start(action))}
        >
          {action.label}
        </Button>
      ))}
      <Modal
        opened={asked !== null}
        onClose={() => {
          ask(null);
          setError(null);
        }}
        title={asked?.label ?? ''}
      >
        <Text size="sm" mb="md">
          {asked?.confirm}
        </Text>
        <ProblemAlert error={error} />
        <Group justify="flex-end" mt="md" gap="xs">
          <Button variant="default" onClick={() => ask(null)}>
            Cancel
          </Button>
          <Button
            data-autofocus
            color={asked?.is_destructive ? 'red.8' : undefined}
            loading={busy}
            onClick={() => asked && void start(asked)}
          >
            {asked?.label}
          </Button>
        </Group>
      </Modal>
    </Group>
  );
}
