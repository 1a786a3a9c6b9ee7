import type uPlot from 'uplot';

export interface Series {
  name: string;
  /** x ascending; a null y is a gap. */
  points: [x: number, y: number | null][];
  /** `step` holds a value until the next; `line` joins them. */
  kind?: 'line' | 'step';
  /** A CSS variable's name, as --tw-series-1; in order where absent. */
  color?: string;
  dash?: boolean;
  /** Fills the space to the series with this name: the edge of a band. */
  band?: string;
  /** Not listed below the chart. */
  isQuiet?: boolean;
  /** Drawn thin and pale, as the edge of a band. */
  isFaint?: boolean;
}

/** Series side by side over all their x: what uPlot draws. A series that has nothing at an x is not broken by it. */
export function columnsOf(series: Series[]): uPlot.AlignedData {
  const xs = [...new Set(series.flatMap((each) => each.points.map(([x]) => x)))].sort((a, b) => a - b);
  const row = new Map(xs.map((x, index) => [x, index]));
  const columns = series.map((each) => {
    const column: (number | null | undefined)[] = Array.from({ length: xs.length }, () => undefined);
    for (const [x, y] of each.points) column[row.get(x) ?? 0] = y;
    return column;
  });
  return [xs, ...columns];
}

/** A chart in a sentence: where each line begins and ends, and how far it goes. */
export function describe(label: string, series: Series[], format: (value: number) => string): string {
  const parts = series
    .filter((each) => !each.isQuiet)
    .map((each) => {
      const ys = each.points.flatMap(([, y]) => (y === null ? [] : [y]));
      const first = ys[0];
      const last = ys.at(-1);
      if (first === undefined || last === undefined) return `${each.name}: no data`;
      const low = ys.reduce((a, b) => Math.min(a, b));
      const high = ys.reduce((a, b) => Math.max(a, b));
      return `${each.name}: from ${format(first)} to ${format(last)}, between ${format(low)} and ${format(high)}`;
    });
  return [label, ...parts].join('. ');
}
