import { Anchor, Button, Skeleton, Stack } from '@mantine/core';
import { $api, base, type Schemas } from '@/api/client';
import { KeyValues } from '@/components/KeyValues';
import { Panel } from '@/components/Panel';
import { ProblemAlert } from '@/components/ProblemAlert';
import { Sentence } from '@/components/Sentence';
import { StateBadge, type Badge } from '@/components/StateBadge';
import { When } from '@/components/When';
import classes from './settings.module.css';

const LOOKS: Record<Schemas['Diagnosis']['status'], Badge> = {
  ok: { label: 'In order', tone: 'good', icon: 'check', explanation: null },
  warning: { label: 'Look at it', tone: 'warning', icon: 'alert', explanation: null },
  error: { label: 'Broken', tone: 'bad', icon: 'cross', explanation: null },
};

/** How the server is: its own examination, version and place. */
export function Server() {
  const info = $api.useQuery('get', '/api/v1/info');
  const doctor = $api.useQuery('get', '/api/v1/doctor');
  return (
    <Stack gap="md">
      <ProblemAlert error={info.error ?? doctor.error} />
      <Panel title="Server">
        {info.isPending ? <Skeleton height={160} /> : null}
        {info.data ? (
          <KeyValues
            items={[
              ['Version', info.data.version],
              ['API', info.data.api_version],
              ['Started', <When key="at" at={info.data.started_at} />],
              ['Database', info.data.database],
              ['Installation', info.data.installation],
              ['You', `${info.data.user}, team ${info.data.team}, project ${info.data.project}`],
            ]}
          />
        ) : null}
      </Panel>
      <Panel
        title="Examination"
        aside={
          <Button
            size="xs"
            variant="default"
            loading={doctor.isFetching}
            onClick={() => void doctor.refetch()}
          >
            Look again
          </Button>
        }
        padding={0}
      >
        {doctor.isPending ? <Skeleton height={160} m="md" /> : null}
        <ul className={classes.rows} aria-label="Examination">
          {doctor.data?.checks.map((check) => (
            <li className={classes.row} key={check.name}>
              <div>
                <span className={classes.title}>{check.name}</span>
                <div className={classes.small}>{check.message}</div>
                {check.fix ? (
                  <div className={classes.small}>
                    <Sentence text={check.fix} />
                  </div>
                ) : null}
              </div>
              <StateBadge badge={LOOKS[check.status]} size="sm" />
            </li>
          ))}
        </ul>
      </Panel>
      <Panel title="Documentation">
        <Anchor href={`${base}/docs`} c="var(--tw-busy)" size="sm">
          Reference of the HTTP API
        </Anchor>
      </Panel>
    </Stack>
  );
}
