import { Button, Skeleton, Text } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconPlus } from '@tabler/icons-react';
import { $api, api, queries, type Schemas } from '@/api/client';
import { ActionButtons, type Action } from '@/components/ActionButtons';
import { CodeBlock } from '@/components/CodeBlock';
import { Panel } from '@/components/Panel';
import { ProblemAlert } from '@/components/ProblemAlert';
import { StateBadge } from '@/components/StateBadge';
import { AddHost } from './AddHost';
import classes from './connection.module.css';

/** Machines of the user's own that are reached over SSH. */
export function Hosts() {
  const hosts = $api.useQuery('get', '/api/v1/hosts');
  const [isOpen, { open, close }] = useDisclosure(false);
  const key = hosts.data?.public_key ?? '';
  return (
    <>
      <Panel
        title="Machines"
        aside={
          <Button size="xs" leftSection={<IconPlus size={15} aria-hidden />} onClick={open}>
            Add a machine
          </Button>
        }
        padding={0}
      >
        <ProblemAlert error={hosts.error} />
        {hosts.isPending ? <Skeleton height={80} m="md" /> : null}
        {hosts.data?.items.length === 0 ? (
          <Text size="sm" c="var(--tw-quiet)" px="md" pb="md">
            None yet. A machine needs Python 3.8 and a key that lets this server in.
          </Text>
        ) : (
          <ul className={classes.hosts} aria-label="Machines">
            {hosts.data?.items.map((host) => (
              <Host key={host.node} host={host} />
            ))}
          </ul>
        )}
      </Panel>
      {key ? (
        <Panel title="The key of this installation">
          <Text size="sm" c="var(--tw-quiet)" mb="xs">
            A machine with this line in authorized_keys needs no other key.
          </Text>
          <CodeBlock text={key} label="Public key" />
        </Panel>
      ) : null}
      <AddHost isOpen={isOpen} onClose={close} />
    </>
  );
}

function Host({ host }: { host: Schemas['HostView'] }) {
  async function run(action: Action) {
    await api.DELETE('/api/v1/hosts/{name}', {
      params: { path: { name: host.name }, query: { lost: action.id === 'lost' } },
    });
    await queries.invalidateQueries();
  }
  return (
    <li className={classes.host}>
      <div>
        <Text fw={550} size="sm" component="span">
          {host.name}
        </Text>{' '}
        <StateBadge badge={host.badge} size="sm" />
        <div className={classes.small}>
          {host.has} · {host.price_text}
        </div>
        <div className={classes.small}>
          {host.where} · {host.fingerprint}
          {host.jump ? ` · through ${host.jump}` : ''}
        </div>
        {host.badge.explanation ? <div className={classes.small}>{host.badge.explanation}</div> : null}
      </div>
      <ActionButtons actions={host.permitted} run={run} size="xs" />
    </li>
  );
}
