import { Skeleton, Stack } from '@mantine/core';
import { $api, type Schemas } from '@/api/client';
import { useLive } from '@/api/stream';
import { PageHeader } from '@/components/PageHeader';
import { Panel } from '@/components/Panel';
import { ProblemAlert } from '@/components/ProblemAlert';
import { Stat } from '@/components/Stat';
import { Attention } from './Attention';
import { Checklist } from './Checklist';
import { Failing, Running, Waiting } from './Jobs';
import { Budgets, Cheapest, Idle } from './Side';
import classes from './home.module.css';

export default function Home() {
  useLive('jobs', 'nodes', 'prices', 'alerts', 'budgets', 'connections', 'settings');
  // What runs costs more by the minute, though nothing happens.
  const overview = $api.useQuery('get', '/api/v1/overview', {}, { refetchInterval: 30_000 });
  return (
    <>
      <PageHeader title="Home" />
      <Stack gap="md">
        <ProblemAlert error={overview.error} onRetry={() => void overview.refetch()} />
        {overview.isPending ? <Skeleton height={320} radius="md" /> : null}
        {overview.data ? <Overview seen={overview.data} /> : null}
      </Stack>
    </>
  );
}

function Overview({ seen }: { seen: Schemas['OverviewView'] }) {
  const { running, waiting, failing, idle, checklist } = seen;
  return (
    <>
      <Panel>
        <div className={classes.figures}>
          <Stat name="Running now" value={running.per_hour_text} more={running.text} />
          <Stat name="Spent this month" value={running.spent_month.text} more={`${running.forecast_text}`} />
          <Stat
            name="Waiting"
            value={waiting.count}
            more={waiting.count ? 'reasons below' : 'nothing waits'}
          />
          <Stat
            name={failing.count ? 'Failed lately' : 'Idle machines'}
            value={failing.count || idle.count}
            more={failing.count ? 'in the last 3 days' : idle.text}
            tone={failing.count ? 'bad' : undefined}
          />
        </div>
      </Panel>
      <div className={classes.columns}>
        <div className={classes.column}>
          {checklist.is_hidden || checklist.is_complete ? null : <Checklist list={checklist} />}
          <Running running={running} />
          <Waiting waiting={waiting} />
          <Failing failing={failing} />
        </div>
        <div className={classes.column}>
          <Attention items={seen.attention} />
          <Idle idle={idle} />
          <Budgets budgets={seen.budgets} count={seen.budget_count} />
          <Cheapest offers={seen.cheapest} />
        </div>
      </div>
    </>
  );
}
