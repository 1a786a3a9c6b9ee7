import { List, Loader, Stack, Text } from '@mantine/core';
import { $api, type Schemas } from '@/api/client';
import { DataTable, type Column } from '@/components/DataTable';
import { EmptyState } from '@/components/EmptyState';
import { Panel } from '@/components/Panel';
import { ProblemAlert } from '@/components/ProblemAlert';
import { Stat } from '@/components/Stat';
import { StateBadge } from '@/components/StateBadge';
import { When } from '@/components/When';
import { formatPercent } from '@/lib/format';
import { energyText, WHILE_RUNNING_MS, type Detail } from './useJob';
import classes from './cost.module.css';
import page from './job.module.css';

type Cost = Schemas['JobCostDetail'];

/** What a job has cost in parts, beside its estimate and its budget, and where it is heading. */
export default function JobCost({ job }: { job: Detail }) {
  const query = $api.useQuery(
    'get',
    '/api/v1/jobs/{reference}/cost',
    { params: { path: { reference: job.id } } },
    { refetchInterval: job.cost.is_final ? false : WHILE_RUNNING_MS },
  );
  const cost = query.data;
  return (
    <Stack gap="md">
      <ProblemAlert error={query.error} />
      {query.isPending ? <Loader size="sm" /> : null}
      {cost ? (
        <>
          <Sums cost={cost} />
          <Against cost={cost} />
          <Parts cost={cost} />
        </>
      ) : null}
    </Stack>
  );
}

function Sums({ cost: { cost, projected, projected_end, projection_text } }: { cost: Cost }) {
  return (
    <div className={page.figures} style={{ marginBottom: 0 }}>
      <Stat
        name="Estimated"
        value={cost.estimate?.text ?? '–'}
        more={cost.estimate ? 'as it was placed' : 'nobody could say'}
      />
      <Stat name="Cap" value={cost.cap?.text ?? '–'} more={cost.cap ? 'its own budget' : 'it has none'} />
      <Stat
        name="Heading for"
        value={projected?.text ?? '–'}
        more={
          projected_end ? (
            <>
              ends <When at={projected_end} /> · {projection_text}
            </>
          ) : undefined
        }
      />
      <Stat name="Held" value={cost.reserved.text} more="worst case until the next look" />
    </div>
  );
}

/** The figures against each other, as long as they are large. */
function Against({ cost }: { cost: Cost }) {
  const all: { name: string; share: number | null; text?: string; tone: string }[] = [
    { name: 'So far', share: cost.cost_share, text: cost.cost.amount.text, tone: '--tw-series-1' },
    { name: 'Heading for', share: cost.projected_share, text: cost.projected?.text, tone: '--tw-series-7' },
    { name: 'Estimated', share: cost.estimate_share, text: cost.cost.estimate?.text, tone: '--tw-series-3' },
    { name: 'Cap', share: cost.cap_share, text: cost.cost.cap?.text, tone: '--tw-series-2' },
  ];
  const bars = all.filter((each) => each.share !== null && each.text);
  if (cost.estimate_share === null && cost.cap_share === null) return null;
  return (
    <Panel
      title="Against its estimate and its cap"
      aside={cost.standing ? <StateBadge badge={cost.standing} size="sm" /> : null}
    >
      <ul className={classes.bars} aria-label="Cost, estimate and cap">
        {bars.map((each) => (
          <li key={each.name}>
            <span>{each.name}</span>
            <span className={classes.track} aria-hidden>
              <span style={{ width: `${(each.share ?? 0) * 100}%`, background: `var(${each.tone})` }} />
            </span>
            <b>{each.text}</b>
          </li>
        ))}
      </ul>
      {cost.standing?.explanation ? (
        <Text size="sm" c="var(--tw-quiet)" mt="xs">
          {cost.standing.explanation}
        </Text>
      ) : null}
    </Panel>
  );
}

const columns: Column<Schemas['CostLine']>[] = [
  {
    id: 'label',
    header: 'What',
    width: '150px',
    render: (line) => (line.attempt === null ? line.label : `${line.label}, attempt ${line.attempt}`),
  },
  { id: 'detail', header: 'How it comes about', hideBelow: 'sm', render: (line) => line.detail },
  {
    id: 'basis',
    header: 'Known how',
    width: '140px',
    render: (line) => `${line.basis}${line.is_final ? '' : ', runs up'}`,
  },
  {
    id: 'share',
    header: 'Share',
    align: 'right',
    width: '80px',
    hideBelow: 'md',
    render: (line) => formatPercent(line.share),
  },
  { id: 'amount', header: 'Amount', align: 'right', width: '110px', render: (line) => line.amount.text },
];

function Parts({ cost }: { cost: Cost }) {
  if (cost.lines.length === 0)
    return (
      <EmptyState title="It has cost nothing">Nothing was rented for it and nothing was drawn.</EmptyState>
    );
  return (
    <>
      <DataTable
        label="Parts of the cost"
        rows={cost.lines}
        columns={columns}
        rowKey={(line) => `${line.attempt ?? ''}${line.label}${line.detail}${line.amount.micro}`}
      />
      <List size="sm" c="var(--tw-quiet)" spacing={4}>
        {cost.cost.energy_kwh > 0 ? <List.Item>{energyText(cost.cost)}</List.Item> : null}
        {cost.notes.map((note) => (
          <List.Item key={note}>{note}</List.Item>
        ))}
      </List>
    </>
  );
}
