import { Alert, Button, Checkbox, Group, Modal, NumberInput, Stack, Text, TextInput } from '@mantine/core';
import { IconKey } from '@tabler/icons-react';
import { useState, type FormEvent } from 'react';
import { api, queries, type Schemas } from '@/api/client';
import { ProblemAlert } from '@/components/ProblemAlert';

const EMPTY = { name: '', address: '', port: 22, user: '', key_file: '', uses_agent: false, price: '' };

/** Adds a machine in two steps: whose key answers there is shown first, and whether it is right is the user's to say. */
export function AddHost({ isOpen, onClose }: { isOpen: boolean; onClose: () => void }) {
  const [form, setForm] = useState(EMPTY);
  const [key, setKey] = useState<Schemas['HostKeyView'] | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const put = (changes: Partial<typeof EMPTY>) => setForm((before) => ({ ...before, ...changes }));

  function end() {
    setForm(EMPTY);
    setKey(null);
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

  function look(event: FormEvent) {
    event.preventDefault();
    void guarded(async () => {
      const { data } = await api.POST('/api/v1/hosts/probe', {
        body: { address: form.address, port: form.port, uses_agent: false },
      });
      setKey(data ?? null);
    });
  }

  function add() {
    void guarded(async () => {
      const dollars = Number.parseFloat(form.price);
      await api.POST('/api/v1/hosts', {
        body: {
          name: form.name,
          address: form.address,
          port: form.port,
          user: form.user,
          host_key: key?.host_key ?? '',
          key_file: form.key_file || null,
          uses_agent: form.uses_agent,
          micro_per_hour: Number.isFinite(dollars) ? Math.round(dollars * 1e6) : null,
          region: 'own',
        },
      });
      await queries.invalidateQueries();
      end();
    });
  }

  return (
    <Modal opened={isOpen} onClose={end} title="Add a machine" size="lg">
      {key ? (
        <Stack gap="md">
          <Alert
            variant="outline"
            color="yellow"
            icon={<IconKey aria-hidden />}
            title={`Is this the key of ${form.address}?`}
            styles={{ title: { color: 'var(--tw-warning)' } }}
          >
            <Text size="sm" style={{ overflowWrap: 'anywhere' }}>
              <code>{key.fingerprint}</code>
            </Text>
            <Text size="sm" mt="xs">
              On the machine, <code>ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub</code> prints it. From
              now on no other key is accepted.
            </Text>
          </Alert>
          <ProblemAlert error={error} />
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={() => setKey(null)}>
              Back
            </Button>
            <Button loading={busy} onClick={add}>
              Yes, add it
            </Button>
          </Group>
        </Stack>
      ) : (
        <form onSubmit={look}>
          <Stack gap="sm">
            <TextInput
              label="Name"
              description="What it is called here"
              required
              data-autofocus
              value={form.name}
              onChange={(event) => put({ name: event.currentTarget.value })}
            />
            <Group grow align="flex-start">
              <TextInput
                label="User"
                required
                value={form.user}
                onChange={(event) => put({ user: event.currentTarget.value })}
              />
              <TextInput
                label="Address"
                required
                value={form.address}
                onChange={(event) => put({ address: event.currentTarget.value })}
              />
              <NumberInput
                label="Port"
                min={1}
                max={65_535}
                value={form.port}
                onChange={(value) => put({ port: Number(value) || 22 })}
              />
            </Group>
            <TextInput
              label="Key file"
              description="On the server’s machine, without a passphrase. Empty: the installation’s own key."
              value={form.key_file}
              onChange={(event) => put({ key_file: event.currentTarget.value })}
            />
            <Checkbox
              label="Ask the server’s SSH agent"
              checked={form.uses_agent}
              onChange={(event) => put({ uses_agent: event.currentTarget.checked })}
            />
            <TextInput
              label="Price of an hour"
              description="Dollars for the whole machine. Empty: its electricity is charged."
              inputMode="decimal"
              leftSection="$"
              value={form.price}
              onChange={(event) => put({ price: event.currentTarget.value })}
            />
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
