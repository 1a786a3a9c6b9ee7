import { Loader, SegmentedControl, Stack } from '@mantine/core';
import { $api } from '@/api/client';
import { EmptyState } from '@/components/EmptyState';
import { KeyValues } from '@/components/KeyValues';
import { Panel } from '@/components/Panel';
import { ProblemAlert } from '@/components/ProblemAlert';
import { StateBadge } from '@/components/StateBadge';
import { When } from '@/components/When';
import { useUrlState } from '@/lib/url';
import { EventList } from './EventList';
import type { Detail } from './useJob';
import classes from './events.module.css';

/** Everything that happened to a job, and what was decided about where it runs. */
export default function Events({ job }: { job: Detail }) {
  const url = useUrlState();
  const shown = url.text('show', 'events');
  return (
    <Stack gap="md">
      <SegmentedControl
        aria-label="What to show"
        value={shown}
        onChange={(show) => url.set({ show: show === 'events' ? null : show })}
        data={[
          { value: 'events', label: 'What happened' },
          { value: 'decisions', label: 'What was decided' },
        ]}
        style={{ alignSelf: 'flex-start' }}
      />
      {shown === 'decisions' ? <Decisions job={job} /> : <Story job={job} />}
    </Stack>
  );
}

function Story({ job }: { job: Detail }) {
  const query = $api.useQuery('get', '/api/v1/jobs/{reference}/events', {
    params: { path: { reference: job.id }, query: { limit: 5000 } },
  });
  return (
    <>
      <ProblemAlert error={query.error} />
      {query.isPending ? <Loader size="sm" /> : null}
      {query.data ? (
        <Panel>
          <EventList events={[...query.data.items].reverse()} />
        </Panel>
      ) : null}
    </>
  );
}

function Decisions({ job }: { job: Detail }) {
  const query = $api.useQuery('get', '/api/v1/jobs/{reference}/decisions', {
    params: { path: { reference: job.id } },
  });
  const items = query.data?.items ?? [];
  return (
    <>
      <ProblemAlert error={query.error} />
      {query.isPending ? <Loader size="sm" /> : null}
      {query.isSuccess && items.length === 0 ? (
        <EmptyState title="Nothing had to be decided">
          A job on a machine of your own goes where there is room. What is weighed between places that are
          rented is written down here with its figures.
        </EmptyState>
      ) : null}
      {items.length ? (
        <Panel>
          {items.map((each) => (
            <article key={each.at + each.kind} className={classes.decision}>
              <div className={classes.head}>
                {each.badge ? <StateBadge badge={each.badge} size="sm" /> : null}
                <span className={classes.when}>
                  <When at={each.at} />
                </span>
                <span>{each.explanation}</span>
              </div>
              {each.figures.length ? (
                <div className={classes.figures}>
                  <KeyValues items={each.figures.map((figure) => [figure.label, figure.text])} />
                </div>
              ) : null}
            </article>
          ))}
        </Panel>
      ) : null}
    </>
  );
}
