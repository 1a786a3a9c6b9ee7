import { SegmentedControl } from '@mantine/core';
import type { Schemas } from '@/api/client';
import { Scatter, type Dot } from '@/components/chart/Scatter';
import { formatDollars } from '@/components/offers/history';
import { Panel } from '@/components/Panel';
import { formatDuration } from '@/lib/format';
import { dollarsOf } from '@/lib/money';
import { useUrlState } from '@/lib/url';
import { dotsOf, type Measure } from './estimates';

type Row = Schemas['JobCost'];

const MEASURES: Record<Measure, { label: string; format: (value: number) => string }> = {
  cost: { label: 'Cost', format: (micro) => inCents(formatDollars(dollarsOf(micro))) },
  time: { label: 'Time', format: (hours) => formatDuration(hours * 3600) },
};

/** $0.0100 is $0.01: a power of ten has no digits beyond. */
function inCents(text: string): string {
  return text.replace(/(\.\d\d)0+$/, '$1');
}

/** Each job's estimate against what came; the table below has the figures. */
export function EstimateScatter({ rows }: { rows: Row[] }) {
  const url = useUrlState();
  const measure: Measure = url.text('measure') === 'time' ? 'time' : 'cost';
  const dots: Dot[] = dotsOf(rows, measure);
  const { label, format } = MEASURES[measure];
  const over = dots.filter((dot) => !dot.isHollow && dot.y > dot.x).length;
  const counted = dots.filter((dot) => !dot.isHollow).length;
  return (
    <Panel
      title="Estimated against actual"
      aside={
        <SegmentedControl
          size="xs"
          aria-label="What is compared"
          value={measure}
          onChange={(value) => url.set({ measure: value === 'cost' ? null : value })}
          data={Object.entries(MEASURES).map(([value, each]) => ({ value, label: each.label }))}
        />
      }
    >
      {dots.length > 0 ? (
        <Scatter
          label={`${label} of ${dots.length} jobs, estimated and actual. ${over} of ${counted} that finished came above their estimate. The table below has the figures.`}
          dots={dots}
          xTitle="estimated"
          yTitle="actual"
          format={format}
          kinds={['finished', 'did not finish: not compared']}
        />
      ) : (
        'None of these jobs has both an estimate and an outcome above nothing.'
      )}
    </Panel>
  );
}
