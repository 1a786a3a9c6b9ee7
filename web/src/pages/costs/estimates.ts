import type { Schemas } from '@/api/client';
import type { Dot } from '@/components/chart/Scatter';

type Row = Schemas['JobCost'];
export type Measure = 'cost' | 'time';

/** Jobs of which both are known and above nothing, in the words of the server. */
export function dotsOf(rows: Row[], measure: Measure): Dot[] {
  return rows.flatMap((row) => {
    const [x, y] =
      measure === 'cost'
        ? [row.estimated?.micro, row.actual?.micro]
        : [row.estimated_hours, row.actual_hours];
    if (!x || !y || x <= 0 || y <= 0) return [];
    const [estimated, actual] =
      measure === 'cost'
        ? [row.estimated?.text, row.actual?.text]
        : [row.estimated_hours_text, row.actual_hours_text];
    const text = `${row.name}: ${actual}, estimated ${estimated}`;
    return [{ key: row.job + (row.ended_at ?? ''), x, y, text, isHollow: row.outcome !== 'succeeded' }];
  });
}
