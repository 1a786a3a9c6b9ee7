import { Box, Stack } from '@mantine/core';
import { DataTable, type Column } from '@/components/DataTable';
import { Panel } from '@/components/Panel';
import { StateBadge } from '@/components/StateBadge';
import { Duration, When } from '@/components/When';
import { formatNumber } from '@/lib/format';
import { Gantt } from './Gantt';
import { attemptsOf, type Attempt, type Detail } from './useJob';
import { NotBegun } from './withAttempts';
import classes from './attempts.module.css';

const columns: Column<Attempt>[] = [
  { id: 'number', header: '#', width: '44px', align: 'right', render: (each) => each.number },
  {
    id: 'state',
    header: 'State',
    width: '140px',
    hideBelow: 'sm',
    render: (each) => <State attempt={each} />,
  },
  {
    id: 'where',
    header: 'Where',
    width: '220px',
    hideBelow: 'sm',
    render: (each) => (
      <div className={classes.two}>
        <span>{[each.provider, each.zone ?? each.region].filter(Boolean).join(' · ')}</span>
        <small>
          {each.instance_type}
          {each.market === 'owned' ? '' : ` · ${each.market}`}
        </small>
      </div>
    ),
  },
  {
    id: 'why',
    header: 'How it went',
    render: (each) => (
      <div className={classes.two}>
        <Box component="span" hiddenFrom="sm">
          <State attempt={each} />
        </Box>
        <span title={each.explanation ?? undefined}>{each.explanation ?? 'goes on'}</span>
        <small>
          {each.resumed_from
            ? `went on from ${each.resumed_step === null ? 'a checkpoint' : `step ${formatNumber(each.resumed_step)}`}`
            : 'from the beginning'}
        </small>
      </div>
    ),
  },
  {
    id: 'began',
    header: 'Began',
    width: '96px',
    align: 'right',
    hideBelow: 'md',
    render: (each) => <When at={each.created_at} />,
  },
  {
    id: 'took',
    header: 'Took',
    width: '92px',
    align: 'right',
    hideBelow: 'sm',
    render: (each) => <Duration since={each.created_at} until={each.ended_at} />,
  },
  {
    id: 'cost',
    header: 'Cost',
    width: '104px',
    align: 'right',
    render: (each) => (
      <div className={classes.two}>
        <span>{each.cost?.text ?? '–'}</span>
        <small>{each.cost_basis}</small>
      </div>
    ),
  },
];

function State({ attempt }: { attempt: Attempt }) {
  return attempt.state ? <StateBadge badge={attempt.state} size="sm" /> : attempt.status;
}

/** Every try: where, for how long, at what cost, why it ended, and from where it went on. */
export default function Attempts({ job }: { job: Detail }) {
  const attempts = attemptsOf(job);
  if (attempts.length === 0) return <NotBegun job={job} what="No attempts yet" />;
  return (
    <Stack gap="md">
      <Panel title="Across places">
        <Gantt job={job} attempts={attempts} />
      </Panel>
      <DataTable
        label="Attempts"
        rows={[...attempts].reverse()}
        columns={columns}
        rowKey={(each) => each.id}
        rowHeight={54}
        isFixed
      />
    </Stack>
  );
}
