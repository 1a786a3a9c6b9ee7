import { Anchor } from '@mantine/core';
import { Link } from 'react-router';
import type { Column } from '@/components/DataTable';
import { StateBadge } from '@/components/StateBadge';
import { Duration, When } from '@/components/When';
import { formatPercent } from '@/lib/format';
import classes from './jobs.module.css';
import type { Job } from './useJobs';

/** The same job says the same in its row and on its own page: both show what the server words. */
export const columns: Column<Job>[] = [
  {
    id: 'status',
    header: 'State',
    width: '176px',
    hideBelow: 'sm',
    isSortable: true,
    render: (job) => (job.state ? <StateBadge badge={job.state} /> : job.status),
  },
  { id: 'name', header: 'Job', isSortable: true, render: (job) => <Name job={job} /> },
  {
    id: 'where',
    header: 'Where',
    width: '172px',
    hideBelow: 'md',
    render: (job) => <Where job={job} />,
  },
  {
    id: 'metric',
    header: 'Progress',
    width: '112px',
    hideBelow: 'lg',
    render: (job) => (
      <Two
        first={
          job.progress?.fraction === null || job.progress === null
            ? '–'
            : formatPercent(job.progress.fraction)
        }
        second={job.last_metric?.text}
      />
    ),
  },
  {
    id: 'elapsed',
    header: 'Elapsed',
    width: '90px',
    align: 'right',
    hideBelow: 'sm',
    isSortable: true,
    render: (job) => (job.started_at ? <Duration since={job.started_at} until={job.ended_at} /> : '–'),
  },
  {
    id: 'cost',
    header: 'Cost',
    width: '106px',
    align: 'right',
    isSortable: true,
    render: (job) => <Cost job={job} />,
  },
  {
    id: 'creator',
    header: 'Owner',
    width: '84px',
    hideBelow: 'lg',
    render: (job) => job.creator,
  },
  {
    id: 'created',
    header: 'Submitted',
    width: '104px',
    align: 'right',
    hideBelow: 'sm',
    isSortable: true,
    render: (job) => <When at={job.created_at} />,
  },
];

function Name({ job }: { job: Job }) {
  return (
    <div className={classes.two}>
      <span className={classes.head}>
        <Anchor component={Link} to={`/jobs/${job.id}`} className={classes.name}>
          {job.name}
        </Anchor>
        {job.state ? (
          <span className={classes.small}>
            <StateBadge badge={job.state} size="sm" />
          </span>
        ) : null}
      </span>
      <Why job={job} />
    </div>
  );
}

/** Why it waits with what comes next, or why it ended; else its tags. */
function Why({ job }: { job: Job }) {
  const { waiting } = job;
  if (waiting) return <small title={waiting.text}>{waiting.text}</small>;
  const tags = Object.entries(job.tags).map(([key, value]) => `${key}=${value}`);
  const text = job.state?.explanation ?? tags.join(' · ');
  return <small title={text}>{text || job.id}</small>;
}

/** Where it runs or ran; of a job that waits, what comes next. */
function Where({ job }: { job: Job }) {
  const { waiting } = job;
  if (waiting)
    return (
      <Two
        first={
          waiting.next_try_at ? (
            <>
              next try <When at={waiting.next_try_at} />
            </>
          ) : (
            '–'
          )
        }
        second={waiting.queue_text}
      />
    );
  const place = [job.provider, job.region, job.market === 'owned' ? null : job.market];
  return (
    <Two
      first={job.accelerators ?? (job.provider ? 'CPU only' : '–')}
      second={place.filter(Boolean).join(' · ')}
    />
  );
}

function Cost({ job }: { job: Job }) {
  const { cost } = job;
  const against = cost.estimate ? `of ~${cost.estimate.text}` : cost.cap ? `cap ${cost.cap.text}` : '';
  return (
    <Two
      first={cost.amount.text}
      second={cost.per_hour && cost.per_hour.micro > 0 ? cost.per_hour.text : against || cost.basis_label}
    />
  );
}

function Two({ first, second }: { first: React.ReactNode; second?: React.ReactNode }) {
  return (
    <div className={classes.two}>
      <span>{first}</span>
      {second ? <small title={typeof second === 'string' ? second : undefined}>{second}</small> : null}
    </div>
  );
}
