import uPlot from 'uplot';
import { formatMoment, formatNumber } from '@/lib/format';
import type { Series } from './data';
import { timeLabels } from './times';

export interface Look {
  series: Series[];
  format: (value: number) => string;
  x: 'time' | 'number';
  group?: string;
  isLog: boolean;
  range?: [number | null, number | null];
  marks?: { at: number; label: string }[];
  height: number;
}

const FONT_PX = 11;

/** Everything that uPlot is told about a chart; colours are read from the page, so that they follow its scheme. */
export function optionsOf(look: Look, host: Element, width: number): uPlot.Options {
  const paint = (name: string) => resolveColor(host, name);
  const family = getComputedStyle(host).fontFamily;
  const grid = { stroke: paint('--tw-line'), width: 1 };
  const axis = { stroke: paint('--tw-quiet'), grid, ticks: { show: false }, font: `${FONT_PX}px ${family}` };
  const names = look.series.map((each) => each.name);
  return {
    width,
    height: look.height,
    // To the right, half of the last moment's name.
    padding: [10, 24, 0, 0],
    legend: { live: true },
    cursor: {
      sync: look.group ? { key: look.group, setSeries: false } : undefined,
      drag: { x: true, y: false, setScale: true },
      points: { size: 6 },
    },
    scales: {
      x: { time: look.x === 'time' },
      y: {
        distr: look.isLog ? 3 : 1,
        range: look.isLog ? undefined : (_, low, high) => boundsOf(low, high, look.range),
      },
    },
    axes: [
      {
        ...axis,
        space: 70,
        values: look.x === 'time' ? (_, splits, _axis, _space, step) => timeLabels(splits, step) : undefined,
      },
      {
        ...axis,
        size: (_, values) => 12 + 6.4 * Math.max(...(values ?? ['']).map((each) => each?.length ?? 0), 3),
        values: (_, splits) => splits.map((each) => (each === null ? '' : look.format(each))),
      },
    ],
    series: [
      {
        label: look.x === 'time' ? 'Time' : 'Step',
        value: (_, at: number | null) => {
          if (at === null) return '–';
          return look.x === 'time' ? formatMoment(new Date(at * 1000)) : formatNumber(at);
        },
      },
      ...look.series.map((each, index): uPlot.Series => {
        const color = paint(each.color ?? `--tw-series-${(index % 8) + 1}`);
        return {
          label: each.name,
          stroke: each.isFaint ? withAlpha(color, 0.35) : color,
          width: each.isFaint ? 1 : 1.6,
          dash: each.dash ? [5, 4] : undefined,
          spanGaps: false,
          points: { show: each.points.length === 1 },
          paths: each.kind === 'step' ? uPlot.paths.stepped?.({ align: 1 }) : undefined,
          value: (_, value: number | null) => (value === null ? '–' : look.format(value)),
          class: each.isQuiet ? 'tw-quiet' : undefined,
        };
      }),
    ],
    bands: look.series.flatMap((each, index) => {
      const other = each.band === undefined ? -1 : names.indexOf(each.band);
      if (other < 0) return [];
      const color = paint(each.color ?? `--tw-series-${(index % 8) + 1}`);
      return [{ series: [index + 1, other + 1] as [number, number], fill: withAlpha(color, 0.14) }];
    }),
    hooks: {
      draw: look.marks?.length
        ? [(chart) => drawMarks(chart, look.marks ?? [], paint('--tw-quiet'), family)]
        : [],
      // Until a moment is pointed at, the legend has no values to show.
      setCursor: [(chart) => chart.root.classList.toggle('tw-pointed', chart.cursor.idx != null)],
    },
  };
}

function boundsOf(low: number | null, high: number | null, wanted: Look['range']): [number, number] {
  const from = wanted?.[0] ?? low ?? 0;
  const to = wanted?.[1] ?? high ?? 1;
  const room = (to - from || Math.abs(to) || 1) * 0.08;
  return [
    wanted?.[0] ?? (low !== null && low >= 0 ? Math.max(from - room, 0) : from - room),
    wanted?.[1] ?? to + room,
  ];
}

function drawMarks(chart: uPlot, marks: { at: number; label: string }[], color: string, family: string) {
  const { ctx, bbox } = chart;
  const gap = 5 * uPlot.pxRatio;
  ctx.save();
  ctx.strokeStyle = color;
  ctx.fillStyle = color;
  ctx.lineWidth = uPlot.pxRatio;
  // The canvas has as many dots as the screen, and still holds the alignment of the axis that was drawn before.
  ctx.font = `${FONT_PX * uPlot.pxRatio}px ${family}`;
  ctx.textBaseline = 'top';
  ctx.setLineDash([3 * uPlot.pxRatio, 3 * uPlot.pxRatio]);
  for (const { at, label } of marks) {
    const x = Math.round(chart.valToPos(at, 'x', true));
    if (x < bbox.left || x > bbox.left + bbox.width) continue;
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    const hasRoom = x + gap + ctx.measureText(label).width < bbox.left + bbox.width;
    ctx.textAlign = hasRoom ? 'left' : 'right';
    ctx.fillText(label, hasRoom ? x + gap : x - gap, bbox.top + 2 * uPlot.pxRatio);
  }
  ctx.restore();
}

/** The colour that a variable stands for in the scheme of this moment; a canvas cannot read variables. */
function resolveColor(host: Element, name: string): string {
  const probe = document.createElement('span');
  probe.style.color = `var(${name})`;
  host.append(probe);
  const color = getComputedStyle(probe).color;
  probe.remove();
  return color;
}

function withAlpha(color: string, alpha: number): string {
  const parts = color.match(/[\d.]+/g);
  return parts ? `rgba(${parts.slice(0, 3).join(', ')}, ${alpha})` : color;
}
