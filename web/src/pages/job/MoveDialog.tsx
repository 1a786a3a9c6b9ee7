import { Button, Group, Loader, Modal, Stack, Text, TextInput } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useState } from 'react';
import { useQueryClient } from '@tanstack/react-query';
import { $api, newKey } from '@/api/client';
import { KeyValues } from '@/components/KeyValues';
import { ProblemAlert } from '@/components/ProblemAlert';
import type { Detail } from './useJob';

/** Says what a move would cost against staying, and begins it. */
export function MoveDialog({ job, isOpen, onClose }: { job: Detail; isOpen: boolean; onClose: () => void }) {
  return (
    <Modal opened={isOpen} onClose={onClose} title={`Move ${job.name}`} size="lg">
      {isOpen ? <Move job={job} onClose={onClose} /> : null}
    </Modal>
  );
}

function Move({ job, onClose }: { job: Detail; onClose: () => void }) {
  const client = useQueryClient();
  const [to, setTo] = useState('');
  const [wanted, setWanted] = useState<string | null>(null);
  const [key] = useState(newKey);
  const path = { reference: job.id };
  const tried = $api.useQuery(
    'post',
    '/api/v1/jobs/{reference}/migrate',
    { params: { path }, body: { to: wanted, dry_run: true } },
    { retry: false, gcTime: 0, refetchOnWindowFocus: false },
  );
  const begun = $api.useMutation('post', '/api/v1/jobs/{reference}/migrate');

  async function begin() {
    const move = await begun.mutateAsync({
      params: { path, header: { 'Idempotency-Key': key } },
      body: { to: wanted, dry_run: false },
    });
    notifications.show({ message: `It writes a checkpoint, ends, and goes on at ${move.target}.` });
    await client.invalidateQueries();
    onClose();
  }

  return (
    <Stack gap="md">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          setWanted(to.trim() || null);
        }}
      >
        <Group align="flex-end" gap="xs">
          <TextInput
            label="Where to"
            description="A provider, or provider/zone; empty: the best other place"
            placeholder="lambda/us-east-1"
            value={to}
            onChange={(event) => setTo(event.currentTarget.value)}
            style={{ flex: 1 }}
          />
          <Button type="submit" variant="default">
            Look
          </Button>
        </Group>
      </form>
      {tried.isFetching ? <Loader size="sm" /> : <ProblemAlert error={tried.error} />}
      {tried.data && !tried.error ? (
        <>
          <Text size="sm">
            From <b>{tried.data.place}</b> to <b>{tried.data.target}</b>: {tried.data.explanation}.
          </Text>
          <KeyValues items={tried.data.figures.map((each) => [each.label, each.text])} />
        </>
      ) : null}
      <ProblemAlert error={begun.error} />
      <Group justify="flex-end" gap="xs">
        <Button variant="default" onClick={onClose}>
          Stay
        </Button>
        <Button
          disabled={!tried.data || tried.isFetching || tried.error !== null}
          loading={begun.isPending}
          onClick={() => void begin().catch(() => undefined)}
        >
          Move it
        </Button>
      </Group>
    </Stack>
  );
}
