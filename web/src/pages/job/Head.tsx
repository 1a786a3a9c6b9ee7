import { Group, Text } from '@mantine/core';
import { ActionButtons } from '@/components/ActionButtons';
import { CopyButton } from '@/components/CopyButton';
import { Meter } from '@/components/Meter';
import { PageHeader } from '@/components/PageHeader';
import { Stat } from '@/components/Stat';
import { StateBadge } from '@/components/StateBadge';
import { Duration, When } from '@/components/When';
import { formatNumber, formatPercent } from '@/lib/format';
import { MoveDialog } from './MoveDialog';
import { useActions, type Detail } from './useJob';
import classes from './job.module.css';

/** What a job is doing, why, and what can be done about it. */
export function Head({ job }: { job: Detail }) {
  const { run, isMoving, endMoving } = useActions(job);
  return (
    <>
      <PageHeader
        tab={job.name}
        title={
          <Group gap="sm" component="span" wrap="wrap">
            {job.name}
            {job.state ? <StateBadge badge={job.state} /> : null}
          </Group>
        }
        about={
          <span className={classes.about}>
            <code>{job.id}</code>
            <CopyButton text={job.id} label="Copy the id" />
            <span>
              {job.creator} in {job.project} · submitted <When at={job.created_at} />
              {job.attempt > 1 ? ` · attempt ${job.attempt}` : ''}
            </span>
          </span>
        }
        actions={<ActionButtons actions={job.permitted} run={run} />}
      />
      <Reason job={job} />
      <Figures job={job} />
      <MoveDialog job={job} isOpen={isMoving} onClose={endMoving} />
    </>
  );
}

function Reason({ job }: { job: Detail }) {
  const { waiting, health } = job;
  const text = waiting?.text ?? job.state?.explanation;
  if (!text) return null;
  return (
    <Text className={classes.reason} data-tone={job.state?.tone} role="status" component="div">
      <span>
        {text.charAt(0).toUpperCase() + text.slice(1)}
        {/[.!?]$/.test(text) ? '' : '.'}
      </span>
      {waiting ? (
        <span className={classes.quiet}>
          {waiting.queue_text ? `${waiting.queue_text} · ` : ''}
          waiting since <When at={waiting.since} />
          {waiting.next_try_at ? (
            <>
              {' '}
              · next try <When at={waiting.next_try_at} />
            </>
          ) : null}
        </span>
      ) : null}
      {health?.since && health.state !== 'ok' ? (
        <span className={classes.quiet}>
          since <When at={health.since} />
        </span>
      ) : null}
    </Text>
  );
}

function Figures({ job }: { job: Detail }) {
  const { cost, progress } = job;
  const against = [
    cost.estimate ? `of ~${cost.estimate.text} estimated` : '',
    cost.cap ? `cap ${cost.cap.text}` : '',
  ]
    .filter(Boolean)
    .join(' · ');
  const place = [job.provider, job.region].filter(Boolean).join(' · ');
  return (
    <div className={classes.figures}>
      <Stat
        name={`Cost so far${cost.basis_label ? ` (${cost.basis_label})` : ''}`}
        value={cost.amount.text}
        more={against || undefined}
      />
      <Stat
        name="Now"
        value={cost.per_hour?.text ?? '–'}
        more={
          cost.is_final ? 'it has ended' : cost.reserved.micro > 0 ? `${cost.reserved.text} held` : undefined
        }
      />
      <Stat
        name="Elapsed"
        value={job.started_at ? <Duration since={job.started_at} until={job.ended_at} /> : '–'}
        more={
          job.started_at ? (
            <>
              started <When at={job.started_at} />
            </>
          ) : (
            'not started yet'
          )
        }
      />
      <Stat
        name="Progress"
        value={progress?.fraction === null || progress === null ? '–' : formatPercent(progress.fraction)}
        more={<Progress job={job} />}
      />
      <Stat
        name="Where"
        value={<span className={classes.where}>{job.accelerators ?? (job.provider ? 'CPU only' : '–')}</span>}
        more={
          place ? `${place}${job.market && job.market !== 'owned' ? ` · ${job.market}` : ''}` : 'no place yet'
        }
      />
    </div>
  );
}

function Progress({ job }: { job: Detail }) {
  const { progress } = job;
  if (!progress) return 'not told';
  const parts = [];
  if (progress.step !== null)
    parts.push(
      `step ${formatNumber(progress.step)}${progress.total_steps === null ? '' : ` of ${formatNumber(progress.total_steps)}`}`,
    );
  if (job.last_metric) parts.push(job.last_metric.text);
  return (
    <>
      {progress.fraction === null ? null : (
        <span className={classes.meter}>
          <Meter share={progress.fraction} label="Progress" tone={job.state?.tone ?? 'busy'} />
        </span>
      )}
      {progress.eta_seconds ? (
        <>
          <Duration seconds={progress.eta_seconds} /> left ·{' '}
        </>
      ) : null}
      {parts.join(' · ')}
    </>
  );
}
