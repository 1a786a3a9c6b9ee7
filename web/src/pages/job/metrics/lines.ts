import type { Series } from '@/components/chart/TimeSeriesChart';
import type { Answer, Panel } from './useMetrics';

export type Axis = 'time' | 'step';

interface Point {
  at: string;
  step: number | null;
  value: number;
}

/** A line that follows the values slowly: each point is mostly the one before. The first points are not held back. */
export function smooth(values: number[], weight: number): number[] {
  let last = 0;
  let total = 0;
  return values.map((value) => {
    last = last * weight + value * (1 - weight);
    total = total * weight + (1 - weight);
    return last / total;
  });
}

/** The lines of a chart: over time one per series with a gap between attempts; over steps one per series and attempt. */
export function linesOf(panel: Panel, answers: Answer[], axis: Axis, weight: number): Series[] {
  const lines: Series[] = [];
  for (const [index, name] of panel.names.entries()) {
    const tries = answers.flatMap((answer) => {
      const series = answer.series.find((each) => each.name === name);
      return series ? [{ attempt: answer.attempt, series }] : [];
    });
    const first = tries[0];
    if (!first) continue;
    const color = `--tw-series-${(index % 8) + 1}`;
    if (axis === 'time') {
      const parts = tries.map(({ series }) => pointsOf(series.points, 'time'));
      lines.push(...withSmooth(first.series.label, parts, weight, color));
    } else
      for (const [place, { attempt, series }] of tries.entries()) {
        const points = pointsOf(series.points, 'step');
        const label = tries.length > 1 ? `${series.label}, attempt ${attempt}` : series.label;
        if (points.length)
          lines.push(
            ...withSmooth(
              label,
              [points],
              weight,
              tries.length > 1 ? `--tw-series-${((index + place) % 8) + 1}` : color,
            ),
          );
      }
  }
  return lines;
}

function withSmooth(name: string, parts: [number, number][][], weight: number, color: string): Series[] {
  const raw: Series = { name, points: joined(parts), color };
  if (weight <= 0) return [raw];
  const calm = parts.map((part) => {
    const values = smooth(
      part.map(([, y]) => y),
      weight,
    );
    return part.map(([x], index): [number, number] => [x, values[index] ?? 0]);
  });
  return [
    { ...raw, name: `${name}, as reported`, color: '--tw-line', isQuiet: true },
    { name, points: joined(calm), color },
  ];
}

/** Parts one behind the other, with nothing drawn between them. */
function joined(parts: [number, number][][]): Series['points'] {
  const points: Series['points'] = [];
  for (const part of parts) {
    const last = points.at(-1);
    const next = part[0];
    if (last && next && next[0] > last[0]) points.push([(last[0] + next[0]) / 2, null]);
    points.push(...part);
  }
  return points;
}

function pointsOf(points: Point[], axis: Axis): [number, number][] {
  if (axis === 'time') return points.map(({ at, value }) => [Date.parse(at) / 1000, value]);
  const found = points.flatMap(({ step, value }): [number, number][] =>
    step === null ? [] : [[step, value]],
  );
  // Within an attempt steps go up; a script that starts over is shown from where it did so last.
  let from = 0;
  for (let index = 1; index < found.length; index += 1)
    if ((found[index]?.[0] ?? 0) < (found[index - 1]?.[0] ?? 0)) from = index;
  return found.slice(from);
}
