import { Button, List, Modal, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useState } from 'react';
import { $api, newKey, type Schemas } from '@/api/client';
import { ProblemAlert } from '@/components/ProblemAlert';
import { formatCount } from '@/lib/format';
import classes from './jobs.module.css';

type Action = Schemas['BulkRequest']['action'];
const ACTIONS: { id: Action; label: string }[] = [
  { id: 'stop', label: 'Stop' },
  { id: 'retry', label: 'Run again' },
];

/** What can be done with all chosen jobs. The server says first how many that are and what they cost. */
export function BulkBar({ chosen, onDone }: { chosen: ReadonlySet<string>; onDone: () => void }) {
  const [key, setKey] = useState('');
  const tried = $api.useMutation('post', '/api/v1/jobs/bulk');
  const done = $api.useMutation('post', '/api/v1/jobs/bulk');
  const jobs = [...chosen].slice(0, 1000);
  const asked = tried.data;

  function ask(action: Action) {
    done.reset();
    setKey(newKey());
    tried.mutate({ body: { action, jobs, dry_run: true } });
  }

  function close() {
    tried.reset();
    done.reset();
  }

  async function act(action: Action) {
    const answer = await done.mutateAsync({
      body: { action, jobs },
      params: { header: { 'Idempotency-Key': key } },
    });
    notifications.show({ message: answer.text, color: answer.refused ? 'yellow' : undefined });
    close();
    onDone();
  }

  const refused = asked?.items.filter((item) => item.outcome === 'refused') ?? [];
  const action = ACTIONS.find((each) => each.id === asked?.action);
  return (
    <div className={classes.bulk} role="region" aria-label="Chosen jobs">
      <Text size="sm" fw={550}>
        {formatCount(chosen.size)} chosen
      </Text>
      {ACTIONS.map(({ id, label }) => (
        <Button key={id} size="xs" variant="default" loading={tried.isPending} onClick={() => ask(id)}>
          {label}
        </Button>
      ))}
      <Button size="xs" variant="subtle" color="gray" onClick={onDone}>
        Choose none
      </Button>
      <ProblemAlert error={tried.error} />
      <Modal opened={asked !== undefined} onClose={close} title={action?.label ?? ''}>
        <Text size="sm" mb="sm">
          {asked?.text}
        </Text>
        {refused.length ? (
          <List size="sm" mb="sm" spacing={4}>
            {refused.slice(0, 8).map((item) => (
              <List.Item key={item.job}>
                {item.name ?? item.job}: {item.text}
              </List.Item>
            ))}
            {refused.length > 8 ? <List.Item>and {refused.length - 8} more</List.Item> : null}
          </List>
        ) : null}
        <ProblemAlert error={done.error} />
        <Button.Group mt="md" style={{ justifyContent: 'flex-end' }}>
          <Button variant="default" onClick={close}>
            Cancel
          </Button>
          <Button
            data-autofocus
            disabled={!asked?.done}
            loading={done.isPending}
            color={asked?.action === 'stop' ? 'red.8' : undefined}
            onClick={() => action && void act(action.id).catch(() => undefined)}
          >
            {action?.label}
          </Button>
        </Button.Group>
      </Modal>
    </div>
  );
}
