import { Anchor, Text } from '@mantine/core';
import { Link } from 'react-router';
import { $api } from '@/api/client';
import { CodeBlock } from '@/components/CodeBlock';
import { KeyValues } from '@/components/KeyValues';
import { Panel } from '@/components/Panel';
import { When } from '@/components/When';
import { formatNumber, formatPercent } from '@/lib/format';
import { EventList } from './EventList';
import { Timeline } from './Timeline';
import { attemptsOf, energyText, type Detail } from './useJob';
import classes from './job.module.css';

const RECENT = 8;

export function Overview({ job }: { job: Detail }) {
  const startup = job.timeline.filter((each) => each.is_startup);
  const hasMore = startup.length < job.timeline.length;
  return (
    <div className={classes.grid}>
      <div className={classes.column}>
        <Panel title="Start-up">
          <Timeline segments={startup} label="Start-up" />
        </Panel>
        {hasMore ? (
          <Panel title={job.ended_at ? 'From submission to end' : 'From submission to now'}>
            <Timeline segments={job.timeline} label="From submission to now" isSummed />
          </Panel>
        ) : null}
        <Recent job={job} />
      </div>
      <div className={classes.column}>
        <Panel title="About">
          <KeyValues items={facts(job)} />
        </Panel>
        {job.progress && Object.keys(job.progress.metrics).length ? (
          <Panel title="Last metrics">
            <KeyValues
              items={Object.entries(job.progress.metrics).map(([name, value]) => [name, formatNumber(value)])}
            />
          </Panel>
        ) : null}
        <Panel title="From a shell">
          {job.commands.map((each) => (
            <div key={each.command} className={classes.command}>
              <Text size="xs" c="var(--tw-quiet)" mb={3}>
                {each.label}
              </Text>
              <CodeBlock text={each.command} label={each.label} />
            </div>
          ))}
        </Panel>
      </div>
    </div>
  );
}

function facts(job: Detail): [string, React.ReactNode][] {
  const { progress, prediction, cost } = job;
  const tags = Object.entries(job.tags);
  const found: [string, React.ReactNode][] = [
    ['Owner', `${job.creator} in ${job.project}`],
    ['Submitted', <When key="at" at={job.created_at} />],
    ['Machine', attemptsOf(job).at(-1)?.instance_type || job.node],
  ];
  if (progress?.epoch !== null && progress?.epoch !== undefined)
    found.push([
      'Epoch',
      `${formatNumber(progress.epoch)}${progress.total_epochs === null ? '' : ` of ${formatNumber(progress.total_epochs)}`}`,
    ]);
  if (prediction?.text) found.push(['Foretold', prediction.text]);
  if (prediction?.error !== null && prediction?.error !== undefined)
    found.push(['Off by', formatPercent(prediction.error)]);
  if (cost.energy_kwh > 0) found.push(['Energy', energyText(cost)]);
  if (job.exit_code !== null) found.push(['Exit code', job.exit_code]);
  if (tags.length)
    found.push([
      'Tags',
      tags.map(([key, value]) => (
        <Anchor
          key={key}
          component={Link}
          to={`/jobs?tag=${encodeURIComponent(`${key}=${value}`)}`}
          inherit
          mr={8}
        >
          {key}={value}
        </Anchor>
      )),
    ]);
  return found;
}

function Recent({ job }: { job: Detail }) {
  const events = $api.useQuery('get', '/api/v1/jobs/{reference}/events', {
    params: { path: { reference: job.id }, query: { limit: 5000 } },
  });
  if (!events.data?.items.length) return null;
  return (
    <Panel
      title="What happened"
      aside={
        <Anchor component={Link} to={`/jobs/${job.id}/events`} size="sm">
          All {events.data.items.length}
        </Anchor>
      }
    >
      <EventList events={events.data.items.slice(-RECENT).reverse()} />
    </Panel>
  );
}
