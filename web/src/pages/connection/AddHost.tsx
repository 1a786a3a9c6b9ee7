import { Alert, Button, Group, Modal, Stack, Text } from '@mantine/core';
import { IconKey } from '@tabler/icons-react';
import { useState, type FormEvent } from 'react';
import { api, queries, type Schemas } from '@/api/client';
import { ProblemAlert } from '@/components/ProblemAlert';
import { EMPTY, probeOf, specOf, type HostDraft } from './host';
import { HostFields } from './HostFields';

type Key = Schemas['HostKeyView'];

/** A key that answered, and whether it was said to be the right one. */
interface Asked {
  /** The machine in between comes first, where there is one: nothing is sent through it before. */
  isJump: boolean;
  key: Key;
}

/** Adds a machine: whose key answers there is shown first, and whether it is right is the user's to say. */
export function AddHost({ isOpen, onClose }: { isOpen: boolean; onClose: () => void }) {
  const [draft, setDraft] = useState(EMPTY);
  const [asked, setAsked] = useState<Asked | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const put = (changes: Partial<HostDraft>) => setDraft((before) => ({ ...before, ...changes }));

  function end() {
    setDraft(EMPTY);
    setAsked(null);
    setError(null);
    onClose();
  }

  async function guarded(work: () => Promise<void>) {
    setBusy(true);
    setError(null);
    try {
      await work();
    } catch (problem) {
      setError(problem);
    } finally {
      setBusy(false);
    }
  }

  async function look(jumpKey: string) {
    const { data } = await api.POST('/api/v1/hosts/probe', { body: probeOf(draft, jumpKey) });
    if (data) setAsked({ isJump: draft.hasJump && !jumpKey, key: data });
  }

  function submit(event: FormEvent) {
    event.preventDefault();
    void guarded(() => look(''));
  }

  function agree({ isJump, key }: Asked) {
    const jumpKey = key.jump_host_key ?? '';
    void guarded(async () => {
      if (isJump) return look(jumpKey);
      await api.POST('/api/v1/hosts', { body: specOf(draft, key.host_key, jumpKey) });
      await queries.invalidateQueries();
      end();
    });
  }

  return (
    <Modal opened={isOpen} onClose={end} title="Add a machine" size="lg">
      {asked ? (
        <Stack gap="md">
          <AskForKey
            address={asked.isJump ? draft.jumpAddress : draft.address}
            fingerprint={asked.isJump ? (asked.key.jump_fingerprint ?? '') : asked.key.fingerprint}
            isJump={asked.isJump}
          />
          <ProblemAlert error={error} />
          <Group justify="flex-end" gap="xs">
            <Button
              variant="default"
              onClick={() => {
                setAsked(null);
                setError(null);
              }}
            >
              Back
            </Button>
            <Button loading={busy} onClick={() => agree(asked)}>
              {asked.isJump ? 'Yes, go on' : 'Yes, add it'}
            </Button>
          </Group>
        </Stack>
      ) : (
        <form onSubmit={submit}>
          <Stack gap="sm">
            <HostFields draft={draft} put={put} />
            <ProblemAlert error={error} />
            <Group justify="flex-end">
              <Button type="submit" loading={busy}>
                Look at its key
              </Button>
            </Group>
          </Stack>
        </form>
      )}
    </Modal>
  );
}

function AskForKey({
  address,
  fingerprint,
  isJump,
}: {
  address: string;
  fingerprint: string;
  isJump: boolean;
}) {
  return (
    <Alert
      variant="outline"
      color="yellow"
      icon={<IconKey aria-hidden />}
      title={`Is this the key of ${address}?`}
      styles={{ title: { color: 'var(--tw-warning)' } }}
    >
      {isJump ? <Text size="sm">It is the machine in between.</Text> : null}
      <Text size="sm" style={{ overflowWrap: 'anywhere' }}>
        <code>{fingerprint}</code>
      </Text>
      <Text size="sm" mt="xs">
        On the machine, <code>ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub</code> prints it. From now on
        no other key is accepted.
      </Text>
    </Alert>
  );
}
