import { Group, Loader } from '@mantine/core';
import { $api } from '@/api/client';
import { useLive } from '@/api/stream';
import { PageHeader } from '@/components/PageHeader';
import { Panel } from '@/components/Panel';
import { ProblemAlert } from '@/components/ProblemAlert';
import { Stat } from '@/components/Stat';

export default function Home() {
  useLive('jobs');
  const info = $api.useQuery('get', '/api/v1/info');
  return (
    <>
      <PageHeader title="Home" />
      <ProblemAlert error={info.error} />
      {info.isPending ? <Loader size="sm" /> : null}
      {info.data ? (
        <Panel>
          <Group gap="xl">
            <Stat name="Running" value={info.data.running_jobs} />
            <Stat name="Waiting" value={info.data.queued_jobs} />
          </Group>
        </Panel>
      ) : null}
    </>
  );
}
