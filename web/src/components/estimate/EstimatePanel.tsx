import { Alert, Loader, SimpleGrid, Stack, Text } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { keepPreviousData } from '@tanstack/react-query';
import { $api, type Schemas } from '@/api/client';
import { DataTable, type Column } from '@/components/DataTable';
import { More } from '@/components/More';
import { KeyValues } from '@/components/KeyValues';
import { Panel } from '@/components/Panel';
import { ProblemAlert } from '@/components/ProblemAlert';
import { Sentence } from '@/components/Sentence';
import { problemOf } from '@/api/problem';
import { Carbon, Cost, Energy, Hours } from './figures';
import classes from './EstimatePanel.module.css';

type Line = Schemas['EstimateLine'];

const VERDICTS: Record<string, string> = { fits: 'fits', tight: 'tight', does_not_fit: 'too small' };

/** What a job file would take here and elsewhere, side by side; undefined: one that is not right yet. */
export function EstimatePanel({ spec }: { spec: Record<string, unknown> | undefined }) {
  const [asked] = useDebouncedValue(spec, 500);
  const { data, error, isFetching } = $api.useQuery(
    'post',
    '/api/v1/estimates',
    { body: { spec: asked ?? {}, is_draft: true } },
    { placeholderData: keepPreviousData, staleTime: 30_000, enabled: asked !== undefined },
  );
  const isDraftWrong = spec === undefined || (error !== null && problemOf(error).status === 422);
  const isOld = isFetching || JSON.stringify(asked) !== JSON.stringify(spec);
  const here = data?.lines.find((line) => line.is_here);
  const elsewhere = data?.lines.find((line) => !line.is_here);
  return (
    <Panel
      title="Estimate"
      aside={isFetching ? <Loader size="xs" role="status" aria-label="Estimating" /> : null}
    >
      {isDraftWrong ? (
        <Text size="sm" c="var(--tw-quiet)">
          There is an estimate as soon as what is written so far is right.
        </Text>
      ) : (
        <ProblemAlert error={error} />
      )}
      {data && !isDraftWrong ? (
        // What was estimated before stays while it is estimated again, and does not pass for the answer.
        <Stack gap="md" aria-busy={isOld} style={{ opacity: isOld ? 0.45 : 1 }}>
          <SimpleGrid cols={{ base: 1, sm: 2 }}>
            <Side title="On this machine" line={here} none="It does not fit on this machine." />
            <Side
              title="Cheapest elsewhere"
              line={elsewhere}
              none="Nothing elsewhere can be compared: ask for an accelerator, or say what is trained."
            />
          </SimpleGrid>
          {data.warnings.map((warning) => (
            <Alert key={warning} variant="outline" color="yellow" py={6}>
              <Text size="sm">
                <Sentence text={warning} />
              </Text>
            </Alert>
          ))}
          {data.lines.length > 2 ? (
            <More label={`All ${data.lines.length} that were compared`}>
              <DataTable
                label="Estimates by accelerator"
                rows={data.lines}
                columns={COLUMNS}
                rowKey={keyOf}
              />
            </More>
          ) : null}
          <Text size="xs" c="var(--tw-quiet)">
            <Sentence text={`${data.accuracy.text}.`} />
          </Text>
        </Stack>
      ) : null}
    </Panel>
  );
}

function Side({ title, line, none }: { title: string; line: Line | undefined; none: string }) {
  return (
    <section className={classes.side} aria-label={title}>
      <Text size="xs" c="var(--tw-quiet)">
        {title}
      </Text>
      {line === undefined ? (
        <Text size="sm" mt={4}>
          {none}
        </Text>
      ) : (
        <>
          <Text fw={600} mb={6}>
            {nameOf(line)}
          </Text>
          <KeyValues
            items={[
              ['Time', <Hours key="h" band={line.hours} />],
              ['Cost', <Cost key="c" middle={line.cost} to={line.cost_p90} />],
              ...(line.provider && !line.is_here
                ? ([['Where', [line.provider, line.region].filter(Boolean).join(' ')]] as [string, string][])
                : []),
              ...(line.price_per_hour
                ? ([['Price', `${line.price_per_hour.text}/h`]] as [string, string][])
                : []),
              ['Energy', <Energy key="e" kwh={line.energy_kwh?.p50} />],
              ['Carbon', <Carbon key="g" grams={line.carbon_grams?.p50} />],
            ]}
          />
        </>
      )}
    </section>
  );
}

const COLUMNS: Column<Line>[] = [
  { id: 'accelerator', header: 'Accelerator', render: (line) => nameOf(line) },
  {
    id: 'memory',
    header: 'Memory',
    align: 'right',
    hideBelow: 'sm',
    render: (line) =>
      line.memory_gb
        ? `${line.memory_gb.p50.toFixed(1)} GB, ${VERDICTS[line.verdict ?? ''] ?? 'not known'}`
        : '–',
  },
  { id: 'hours', header: 'Time', align: 'right', render: (line) => <Hours band={line.hours} /> },
  {
    id: 'where',
    header: 'Where',
    hideBelow: 'md',
    render: (line) => (line.is_here ? 'here' : [line.provider, line.region].filter(Boolean).join(' ') || '–'),
  },
  {
    id: 'cost',
    header: 'Cost',
    align: 'right',
    render: (line) => <Cost middle={line.cost} to={line.cost_p90} />,
  },
  {
    id: 'carbon',
    header: 'Carbon',
    align: 'right',
    hideBelow: 'md',
    render: (line) => <Carbon grams={line.carbon_grams?.p50} />,
  },
];

function nameOf(line: Line): string {
  return line.count === 1 ? line.accelerator : `${line.count} × ${line.accelerator}`;
}

function keyOf(line: Line): string {
  return `${line.accelerator}:${line.count}:${line.is_here}:${line.provider}`;
}
