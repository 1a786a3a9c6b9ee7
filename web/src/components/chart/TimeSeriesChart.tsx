import { Button, Table, Text } from '@mantine/core';
import { useDisclosure, useElementSize } from '@mantine/hooks';
import { useComputedColorScheme } from '@mantine/core';
import { useEffect, useMemo, useRef } from 'react';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { formatMoment, formatNumber } from '@/lib/format';
import { columnsOf, describe, type Series } from './data';
import { optionsOf, type Look } from './options';
import classes from './TimeSeriesChart.module.css';

export type { Series } from './data';

interface Props {
  /** What the chart shows, for those who cannot see it; the figures are added. */
  label: string;
  series: Series[];
  height?: number;
  /** How a value reads, axis and legend alike. */
  format?: (value: number) => string;
  /** `time`: x in seconds since 1970; `number`: as it is, e.g. steps. */
  x?: 'time' | 'number';
  /** Charts of one group show the same moment under the pointer. */
  group?: string;
  isLog?: boolean;
  /** Lowest and highest y; what is absent follows the data. */
  range?: [number | null, number | null];
  /** Vertical marks, as between attempts. */
  marks?: { at: number; label: string }[];
}

const TABLE_ROWS = 200;

/** Lines over time (or steps). Gaps in the data are gaps in the line. */
export function TimeSeriesChart({
  label,
  series,
  height = 220,
  format = formatNumber,
  x = 'time',
  group,
  isLog = false,
  range,
  marks,
}: Props) {
  const { ref, width } = useElementSize();
  const host = useRef<HTMLDivElement>(null);
  const scheme = useComputedColorScheme('light');
  const [isTable, { toggle }] = useDisclosure(false);
  const columns = useMemo(() => columnsOf(series), [series]);
  const shape = JSON.stringify([
    series.map((each) => [each.name, each.kind, each.color, each.dash, each.band, each.isFaint]),
    x,
    group,
    isLog,
    range,
    marks,
    scheme,
    height,
    isTable,
  ]);
  const plot = useRef<uPlot | null>(null);
  const latest = useRef({
    columns,
    width,
    look: { series, format, x, group, isLog, range, marks, height } satisfies Look,
  });
  useEffect(() => {
    latest.current = { columns, width, look: { series, format, x, group, isLog, range, marks, height } };
  });

  // A chart is made anew when its shape changes; new points only replace the old ones, so that zoom and pointer stay.
  useEffect(() => {
    const at = host.current;
    if (!at) return undefined;
    const now = latest.current;
    // Where nobody has measured yet, as in what was opened just now, it fills what holds it from the start.
    const room = Math.max(now.width || at.clientWidth, 120);
    const chart = new uPlot(optionsOf(now.look, at, room), now.columns, at);
    plot.current = chart;
    return () => {
      chart.destroy();
      plot.current = null;
    };
  }, [shape]);
  useEffect(() => plot.current?.setData(columns), [columns]);
  useEffect(() => {
    if (width > 0) plot.current?.setSize({ width, height });
  }, [width, height]);

  const text = describe(label, series, format);
  return (
    <figure ref={ref} className={classes.figure}>
      {isTable ? (
        <Numbers series={series} format={format} isTime={x === 'time'} />
      ) : (
        <div ref={host} role="img" aria-label={text} style={{ minHeight: height }} />
      )}
      <figcaption className={classes.caption}>
        <Button variant="subtle" color="gray" size="compact-xs" onClick={toggle}>
          {isTable ? 'View as chart' : 'View as table'}
        </Button>
      </figcaption>
    </figure>
  );
}

function Numbers({
  series,
  format,
  isTime,
}: {
  series: Series[];
  format: (value: number) => string;
  isTime: boolean;
}) {
  const [xs, ...ys] = columnsOf(series);
  const start = Math.max(xs.length - TABLE_ROWS, 0);
  return (
    <div className={classes.numbers} role="region" aria-label="Figures" tabIndex={0}>
      {start > 0 ? (
        <Text size="xs" c="var(--tw-quiet)">
          The last {TABLE_ROWS} of {xs.length} points.
        </Text>
      ) : null}
      <Table stickyHeader>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{isTime ? 'Time' : 'Step'}</Table.Th>
            {series.map((each) => (
              <Table.Th key={each.name} ta="right">
                {each.name}
              </Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {Array.from(xs.slice(start), (at, row) => (
            <Table.Tr key={at}>
              <Table.Td>{isTime ? formatMoment(new Date(at * 1000)) : formatNumber(at)}</Table.Td>
              {ys.map((column, index) => {
                const value = column[start + row];
                return (
                  <Table.Td key={series[index]?.name} ta="right">
                    {typeof value === 'number' ? format(value) : ''}
                  </Table.Td>
                );
              })}
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </div>
  );
}
