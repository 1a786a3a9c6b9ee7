import { Anchor } from '@mantine/core';
import { Link } from 'react-router';
import type { Schemas } from '@/api/client';
import { Meter } from '@/components/Meter';
import { Panel } from '@/components/Panel';
import { StateBadge } from '@/components/StateBadge';
import { Duration, When } from '@/components/When';
import { formatDuration, formatPercent } from '@/lib/format';
import classes from './home.module.css';

type Job = Schemas['JobView'];

function All({ to, children }: { to: string; children: string }) {
  return (
    <Anchor component={Link} to={to} size="sm" c="var(--tw-busy)">
      {children}
    </Anchor>
  );
}

export function Running({ running }: { running: Schemas['RunningSummary'] }) {
  const total = running.count + running.starting;
  return (
    <Panel title="Running now" aside={<All to="/jobs?status=running">All jobs</All>} padding={0}>
      {total === 0 ? (
        <p className={classes.quiet} style={{ margin: 0, padding: '0 16px 16px' }}>
          Nothing runs.{' '}
          <Anchor component={Link} to="/new" c="var(--tw-busy)">
            Start a job
          </Anchor>
          , or{' '}
          <Anchor component={Link} to="/offers" c="var(--tw-busy)">
            compare where it would run
          </Anchor>
          .
        </p>
      ) : (
        <ul className={classes.rows} aria-label="Running now">
          {running.items.map((job) => (
            <RunningJob key={job.id} job={job} />
          ))}
        </ul>
      )}
    </Panel>
  );
}

function RunningJob({ job }: { job: Job }) {
  const progress = job.progress;
  const fraction = progress?.fraction ?? null;
  const place = [job.accelerators, job.provider, job.region, job.market].filter(Boolean).join(' · ');
  return (
    <li className={classes.row}>
      <div className={classes.main}>
        <Link to={`/jobs/${job.id}`} className={classes.name}>
          {job.name}
        </Link>{' '}
        {job.state ? <StateBadge badge={job.state} size="sm" /> : null}
        <div className={classes.small}>{place || job.explanation}</div>
      </div>
      <div className={classes.right}>
        <div>{job.cost.amount.text}</div>
        <div className={classes.small}>
          <Duration since={job.started_at ?? job.created_at} />
        </div>
      </div>
      {fraction === null ? null : (
        <div className={classes.wide}>
          <Meter share={fraction} label={`${job.name}: ${formatPercent(fraction)} done`} />
          <div className={classes.small} style={{ marginTop: 4 }}>
            {formatPercent(fraction)}
            {progress?.eta_seconds ? `, about ${formatDuration(progress.eta_seconds)} left` : ''}
          </div>
        </div>
      )}
    </li>
  );
}

export function Waiting({ waiting }: { waiting: Schemas['WaitingSummary'] }) {
  if (waiting.count === 0) return null;
  return (
    <Panel title="Waiting, and why" aside={<All to="/jobs?status=queued">All that waits</All>} padding={0}>
      <ul className={classes.rows} aria-label="Waiting, and why">
        {waiting.groups.map((group) => (
          <li key={group.reason} className={classes.row}>
            <div className={classes.main}>
              <StateBadge badge={group.badge} /> <span className={classes.small}>{group.count}</span>
              <div className={classes.quiet} style={{ whiteSpace: 'normal' }}>
                {group.explanation}
              </div>
              <div className={classes.small}>
                {group.jobs.map((job, place) => (
                  <span key={job.id}>
                    {place > 0 ? ', ' : ''}
                    <Link to={`/jobs/${job.id}`}>{job.name}</Link>
                  </span>
                ))}
                {group.count > group.jobs.length ? ` and ${group.count - group.jobs.length} more` : ''}
              </div>
            </div>
            <div className={classes.right}>
              <div className={classes.small}>
                longest: <Duration since={group.since} />
              </div>
              {group.next_try_at ? (
                <div className={classes.small}>
                  next try <When at={group.next_try_at} />
                </div>
              ) : null}
            </div>
          </li>
        ))}
      </ul>
    </Panel>
  );
}

export function Failing({ failing }: { failing: Schemas['FailingSummary'] }) {
  if (failing.count === 0) return null;
  return (
    <Panel title="Failed lately" aside={<All to="/jobs?status=failed">All that failed</All>} padding={0}>
      <ul className={classes.rows} aria-label="Failed lately">
        {failing.items.map((job) => (
          <li key={job.id} className={classes.row}>
            <div className={classes.main}>
              <Link to={`/jobs/${job.id}`} className={classes.name}>
                {job.name}
              </Link>
              <div className={classes.small} style={{ whiteSpace: 'normal' }}>
                {job.explanation}
              </div>
            </div>
            <div className={classes.right}>
              <div>{job.cost.amount.text}</div>
              <div className={classes.small}>
                <When at={job.ended_at} />
              </div>
            </div>
          </li>
        ))}
      </ul>
    </Panel>
  );
}
