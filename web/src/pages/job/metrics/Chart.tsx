import { Panel as Frame } from '@/components/Panel';
import { TimeSeriesChart } from '@/components/chart/TimeSeriesChart';
import { formatBytes, formatNumber } from '@/lib/format';
import { linesOf, type Axis } from './lines';
import type { Answer, AttemptOf, Panel } from './useMetrics';

interface Props {
  panel: Panel;
  answers: Answer[];
  attempts: AttemptOf[];
  axis: Axis;
  weight: number;
  isLog: boolean;
}

/** One chart of a job. What the agent measures has no steps, and is not smoothed. */
export function Chart({ panel, answers, attempts, axis, weight, isLog }: Props) {
  const isOwn = panel.kind === 'user';
  const shown = isOwn ? axis : 'time';
  const series = linesOf(panel, answers, shown, isOwn ? weight : 0);
  const marks = attempts
    .slice(1)
    .flatMap(({ number, started_at }) =>
      started_at ? [{ at: Date.parse(started_at) / 1000, label: `attempt ${number}` }] : [],
    );
  const isSteps = shown === 'step';
  return (
    <Frame title={panel.title}>
      <TimeSeriesChart
        label={panel.title}
        series={series}
        format={FORMATS[panel.unit ?? ''] ?? formatNumber}
        x={isSteps ? 'number' : 'time'}
        group={isSteps ? 'steps' : 'time'}
        isLog={isOwn && isLog}
        range={
          isLog && isOwn ? undefined : panel.most !== null ? [0, panel.most] : isOwn ? undefined : [0, null]
        }
        marks={isSteps ? undefined : marks}
      />
    </Frame>
  );
}

const FORMATS: Record<string, (value: number) => string> = {
  bytes: formatBytes,
  '%': (value) => `${formatNumber(Math.round(value * 10) / 10)} %`,
  W: (value) => `${formatNumber(Math.round(value))} W`,
  '°C': (value) => `${formatNumber(Math.round(value))} °C`,
};
