import { Text } from '@mantine/core';
import { useMemo } from 'react';
import type { Schemas } from '@/api/client';
import { TimeSeriesChart, type Series } from '@/components/chart/TimeSeriesChart';
import { Panel } from '@/components/Panel';

const percent = (value: number) => `${Math.round(value)} %`;

/** What jobs held over the last hour, and what of it worked. */
export function UsageChart({ usage }: { usage: Schemas['NodeUsage'] | null }) {
  const series = useMemo((): Series[] => {
    const steps = usage?.steps ?? [];
    const seconds = (step: Schemas['UsageStep']) => new Date(step.at).getTime() / 1000;
    return [
      {
        name: 'held by jobs',
        kind: 'step',
        points: steps.map((step) => [seconds(step), step.allocated_percent]),
      },
      {
        name: 'worked',
        kind: 'step',
        color: '--tw-series-4',
        points: steps.map((step) => [seconds(step), step.utilised_percent]),
      },
    ];
  }, [usage]);
  return (
    <Panel title="Held and working">
      {usage ? (
        <>
          <Text size="sm" c="var(--tw-quiet)" mb="xs">
            {usage.text}
          </Text>
          <TimeSeriesChart
            label={`Per cent of the ${usage.unit}`}
            series={series}
            height={160}
            format={percent}
            range={[0, 100]}
          />
        </>
      ) : (
        <Text size="sm" c="var(--tw-quiet)">
          Nothing to tell yet.
        </Text>
      )}
    </Panel>
  );
}
