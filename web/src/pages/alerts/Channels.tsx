import { Alert, Button, Group, PasswordInput, Select, Skeleton, Stack, Text, TextInput } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { IconAlertTriangle } from '@tabler/icons-react';
import { useState, type FormEvent } from 'react';
import { $api, api, queries, type Schemas } from '@/api/client';
import { ActionButtons, type Action } from '@/components/ActionButtons';
import { Panel } from '@/components/Panel';
import { ProblemAlert } from '@/components/ProblemAlert';
import { StateBadge } from '@/components/StateBadge';
import { When } from '@/components/When';
import classes from './alerts.module.css';

/** Where alerts and budgets are told. Addresses go in and are never shown again. */
export function Channels() {
  const channels = $api.useQuery('get', '/api/v1/channels');
  const kinds = $api.useQuery('get', '/api/v1/channels/kinds');
  return (
    <Stack gap="md">
      <ProblemAlert error={channels.error ?? kinds.error} />
      {kinds.data?.missing ? (
        <Alert
          variant="outline"
          color="yellow"
          icon={<IconAlertTriangle aria-hidden />}
          title="Nothing can be sent yet"
          styles={{ title: { color: 'var(--tw-warning)' } }}
        >
          {kinds.data.missing}
        </Alert>
      ) : null}
      <Panel title="Channels" padding={0}>
        {channels.isPending ? <Skeleton height={80} m="md" /> : null}
        {channels.data?.items.length === 0 ? (
          <Text size="sm" c="var(--tw-quiet)" px="md" pb="md">
            No channel yet: alerts keep what they find, and nobody is told.
          </Text>
        ) : (
          <ul className={classes.rows} aria-label="Channels">
            {channels.data?.items.map((channel) => (
              <Row key={channel.id} channel={channel} />
            ))}
          </ul>
        )}
      </Panel>
      {kinds.data ? <AddChannel kinds={kinds.data} /> : null}
    </Stack>
  );
}

function Row({ channel }: { channel: Schemas['ChannelView'] }) {
  const path = { params: { path: { reference: channel.name } } };
  async function run(action: Action) {
    if (action.id === 'test') {
      const { data } = await api.POST('/api/v1/channels/{reference}/test', path);
      notifications.show({
        title: data?.is_delivered ? `${channel.name} works` : `${channel.name} does not work`,
        message: [data?.message, data?.hint].filter(Boolean).join('. '),
        color: data?.is_delivered ? undefined : 'red',
        autoClose: data?.is_delivered ? 5_000 : false,
      });
    }
    if (action.id === 'remove') await api.DELETE('/api/v1/channels/{reference}', path);
    await queries.invalidateQueries();
  }
  return (
    <li className={classes.row}>
      <div>
        <div className={classes.head}>
          <span className={classes.name}>{channel.name}</span>
          <span className={classes.small}>{channel.kind_title}</span>
          <StateBadge badge={channel.badge} size="sm" />
        </div>
        <div className={classes.small}>
          last sent <When at={channel.last_sent_at} />
          {channel.last_error ? ` · ${channel.last_error}` : ''}
        </div>
      </div>
      <ActionButtons actions={channel.permitted} run={run} size="xs" />
    </li>
  );
}

function AddChannel({ kinds }: { kinds: Schemas['ChannelKindPage'] }) {
  const [kind, setKind] = useState<string | null>(kinds.items[0]?.kind ?? null);
  const [name, setName] = useState('');
  const [address, setAddress] = useState('');
  const add = $api.useMutation('post', '/api/v1/channels');
  const chosen = kinds.items.find((each) => each.kind === kind);

  function submit(event: FormEvent) {
    event.preventDefault();
    add.mutate(
      { body: { name, url: address } },
      {
        onSuccess: () => {
          setName('');
          setAddress('');
          void queries.invalidateQueries();
        },
      },
    );
  }

  return (
    <Panel title="Add a channel">
      <form onSubmit={submit} autoComplete="off">
        <Stack gap="sm">
          <Group grow align="flex-start" preventGrowOverflow={false}>
            <Select
              label="Kind"
              data={kinds.items.map((each) => ({ value: each.kind, label: each.title }))}
              value={kind}
              onChange={setKind}
              allowDeselect={false}
            />
            <TextInput
              label="Name"
              required
              value={name}
              onChange={(event) => setName(event.currentTarget.value)}
            />
          </Group>
          <PasswordInput
            label="Address"
            description={chosen ? `${chosen.form} · ${chosen.help}` : null}
            required
            value={address}
            autoComplete="new-password"
            spellCheck={false}
            onChange={(event) => setAddress(event.currentTarget.value)}
          />
          <ProblemAlert error={add.error} />
          <Group justify="space-between">
            <Text size="xs" c="var(--tw-quiet)" style={{ flex: '1 1 14rem' }}>
              Sealed, and never shown again. Also known: {kinds.others.join(', ')}.
            </Text>
            <Button type="submit" loading={add.isPending}>
              Add channel
            </Button>
          </Group>
        </Stack>
      </form>
    </Panel>
  );
}
