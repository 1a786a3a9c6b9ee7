import { Anchor, Button, Skeleton, Stack, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useState } from 'react';
import { Link, useParams } from 'react-router';
import { $api, api, queries, type Schemas } from '@/api/client';
import { useLive } from '@/api/stream';
import { ActionButtons, type Action } from '@/components/ActionButtons';
import { PageHeader } from '@/components/PageHeader';
import { Panel } from '@/components/Panel';
import { ProblemAlert } from '@/components/ProblemAlert';
import { Sentence } from '@/components/Sentence';
import { StateBadge } from '@/components/StateBadge';
import { Account } from './Account';
import { ConnectForm } from './ConnectForm';
import { Facts, Policies, Steps } from './Facts';
import { Hosts } from './Hosts';
import classes from './connection.module.css';

export default function ConnectionPage() {
  const { provider: name = '' } = useParams();
  useLive('connections');
  const provider = $api.useQuery('get', '/api/v1/providers/{provider}', {
    params: { path: { provider: name } },
  });
  return (
    <>
      {provider.data ? (
        <Known provider={provider.data} key={provider.data.id} />
      ) : (
        <PageHeader title={name} />
      )}
      {provider.isPending ? <Skeleton height={320} radius="md" /> : null}
      <ProblemAlert error={provider.error} />
      {provider.error ? (
        <Anchor component={Link} to="/connections" c="var(--tw-busy)" mt="md" display="inline-block">
          All connections
        </Anchor>
      ) : null}
    </>
  );
}

function Known({ provider }: { provider: Schemas['ProviderView'] }) {
  const path = { params: { path: { provider: provider.id } } };
  const isConnected = provider.connection !== null;
  const [isOpen, open] = useState(false);
  const isForm = isOpen || (!isConnected && provider.sources.length > 0);

  async function run(action: Action) {
    if (action.id === 'connect') return open(true);
    if (action.id === 'validate') {
      const { data } = await api.POST('/api/v1/connections/{provider}/validate', path);
      notifications.show({ message: data?.error ?? `${provider.title} took the credentials.` });
    }
    if (action.id === 'disconnect') {
      await api.DELETE('/api/v1/connections/{provider}', path);
      notifications.show({ message: `${provider.title} is disconnected.` });
    }
    await queries.invalidateQueries();
  }

  return (
    <>
      <PageHeader
        tab={provider.title}
        title={
          <>
            {provider.title} <StateBadge badge={provider.badge} />
          </>
        }
        about={
          <Anchor component={Link} to="/connections" size="sm" c="var(--tw-busy)">
            All connections
          </Anchor>
        }
        actions={
          <ActionButtons
            actions={provider.permitted.filter((each) => isConnected || each.id !== 'connect')}
            run={run}
          />
        }
      />
      <div className={classes.columns}>
        <div className={classes.column}>
          {provider.detail ? <Account connection={provider.detail} /> : null}
          {isForm ? (
            <Panel
              title={isConnected ? 'Replace credentials' : 'Connect'}
              aside={
                isOpen ? (
                  <Button size="compact-sm" variant="subtle" color="gray" onClick={() => open(false)}>
                    Close
                  </Button>
                ) : null
              }
            >
              <ConnectForm provider={provider} onDone={() => open(false)} />
            </Panel>
          ) : null}
          {provider.takes_hosts ? <Hosts /> : null}
          <Policies policies={provider.policies} />
        </div>
        <div className={classes.column}>
          <Steps provider={provider} />
          <Facts provider={provider} />
          {provider.limits.length > 0 ? (
            <Panel title="What to know before">
              <Stack gap={6}>
                {provider.limits.map((each) => (
                  <Text size="sm" key={each}>
                    <Sentence text={each} />
                  </Text>
                ))}
              </Stack>
            </Panel>
          ) : null}
        </div>
      </div>
    </>
  );
}
