import { SimpleGrid } from '@mantine/core';
import type { Schemas } from '@/api/client';
import { Scatter, type Dot } from '@/components/chart/Scatter';
import { formatDollars } from '@/components/offers/history';
import { Panel } from '@/components/Panel';
import { formatDuration } from '@/lib/format';
import { dollarsOf } from '@/lib/money';
import { dotsOf, type Measure } from './estimates';

type Row = Schemas['JobCost'];

const MEASURES: { measure: Measure; label: string; format: (value: number) => string }[] = [
  { measure: 'cost', label: 'Cost', format: (micro) => inCents(formatDollars(dollarsOf(micro))) },
  { measure: 'time', label: 'Time', format: (hours) => formatDuration(hours * 3600) },
];

/** $0.0100 is $0.01: a power of ten has no digits beyond. */
function inCents(text: string): string {
  return text.replace(/(\.\d\d)0+$/, '$1');
}

/** Each job's estimate against what came, in money and in time; the table below has the figures. */
export function EstimateScatter({ rows }: { rows: Row[] }) {
  return (
    <SimpleGrid cols={{ base: 1, md: 2 }} spacing="md">
      {MEASURES.map(({ measure, label, format }) => (
        <Panel key={measure} title={`${label}, estimated against actual`}>
          <Compared label={label} dots={dotsOf(rows, measure)} format={format} />
        </Panel>
      ))}
    </SimpleGrid>
  );
}

function Compared({
  label,
  dots,
  format,
}: {
  label: string;
  dots: Dot[];
  format: (value: number) => string;
}) {
  if (dots.length === 0) return 'None of these jobs has both an estimate and an outcome above nothing.';
  const counted = dots.filter((dot) => !dot.isHollow);
  const over = counted.filter((dot) => dot.y > dot.x).length;
  return (
    <Scatter
      label={`${label} of ${dots.length} jobs, estimated and actual. ${over} of ${counted.length} that finished came above their estimate. The table below has the figures.`}
      dots={dots}
      xTitle="estimated"
      yTitle="actual"
      format={format}
      kinds={['finished', 'did not finish: not compared']}
    />
  );
}
