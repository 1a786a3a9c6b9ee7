import { Drawer, List, Skeleton, Stack, Text, Title } from '@mantine/core';
import { $api } from '@/api/client';
import { CodeBlock } from '@/components/CodeBlock';
import { ProblemAlert } from '@/components/ProblemAlert';

/** How a machine of one's own becomes a node. */
export function AddMachine({ isOpen, onClose }: { isOpen: boolean; onClose: () => void }) {
  const hosts = $api.useQuery('get', '/api/v1/hosts', {}, { enabled: isOpen });
  return (
    <Drawer opened={isOpen} onClose={onClose} position="right" size="lg" title="Add a machine of your own">
      <Stack gap="md">
        <Text size="sm">
          A workstation or server that answers SSH and has Python 3.8 or newer becomes a node beside what is
          rented. Nothing is installed and nothing listens there.
        </Text>
        <ProblemAlert error={hosts.error} onRetry={() => void hosts.refetch()} />
        <Step number={1} title="Let this server in">
          <Text size="sm" mb={6}>
            Add this line to <code>~/.ssh/authorized_keys</code> on the machine.
          </Text>
          {hosts.isPending ? <Skeleton height={60} /> : null}
          {hosts.data ? <CodeBlock text={hosts.data.public_key} label="Public key" /> : null}
        </Step>
        <Step number={2} title="Look at its host key">
          <Text size="sm" mb={6}>
            On the machine. You compare it in the next step: from then on no other key is accepted.
          </Text>
          <CodeBlock text="ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub" label="Command" />
        </Step>
        <Step number={3} title="Add it">
          <Text size="sm" mb={6}>
            Where the command line of Tradewind is. Without a price, the electricity of what jobs draw is
            charged.
          </Text>
          <CodeBlock
            text={
              "tradewind hosts add gpu1 me@10.0.0.5 --price '$0.40/h'\ntradewind hosts import ~/.ssh/config 'gpu-*'"
            }
            label="Commands"
          />
        </Step>
        {hosts.data && hosts.data.items.length > 0 ? (
          <div>
            <Title order={3} size="h5" mb={4}>
              Added before
            </Title>
            <List size="sm">
              {hosts.data.items.map((host) => (
                <List.Item key={host.name}>
                  {host.name}: {host.user}@{host.address}:{host.port}, {host.explanation}
                </List.Item>
              ))}
            </List>
          </div>
        ) : null}
      </Stack>
    </Drawer>
  );
}

function Step({ number, title, children }: { number: number; title: string; children: React.ReactNode }) {
  return (
    <section>
      <Title order={3} size="h5" mb={4}>
        {number}. {title}
      </Title>
      {children}
    </section>
  );
}
