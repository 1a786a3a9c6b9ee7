import { describe, expect, it } from 'vitest';
import { linesOf, smooth } from './lines';
import type { Answer, Panel } from './useMetrics';

const panel: Panel = {
  id: 'loss',
  title: 'Loss',
  kind: 'user',
  unit: null,
  names: ['loss'],
  is_default: true,
  most: null,
};

function answer(attempt: number, points: [number, number | null, number][]): Answer {
  return {
    job: 'job_1',
    attempt,
    panels: [panel],
    series: [
      {
        name: 'loss',
        kind: 'user',
        unit: null,
        label: 'loss',
        total_points: points.length,
        points: points.map(([at, step, value]) => ({ at: new Date(at * 1000).toISOString(), step, value })),
      },
    ],
  };
}

describe('smooth', () => {
  it('begins at the first value and stays within the values', () => {
    expect(smooth([4, 4, 4], 0.9)).toEqual([expect.closeTo(4), expect.closeTo(4), expect.closeTo(4)]);
    const calm = smooth([0, 10], 0.5);
    expect(calm[0]).toBe(0);
    expect(calm[1]).toBeCloseTo(6.667, 3);
  });
});

describe('linesOf', () => {
  const answers = [
    answer(1, [
      [10, 1, 5],
      [20, 2, 4],
    ]),
    answer(2, [
      [100, 2, 4.5],
      [110, 3, 3],
    ]),
  ];

  it('draws nothing between attempts over time', () => {
    const [line] = linesOf(panel, answers, 'time', 0);
    expect(line?.points).toEqual([
      [10, 5],
      [20, 4],
      [60, null],
      [100, 4.5],
      [110, 3],
    ]);
  });

  it('has a line for each attempt over steps', () => {
    expect(linesOf(panel, answers, 'step', 0).map(({ name, points }) => [name, points])).toEqual([
      [
        'loss, attempt 1',
        [
          [1, 5],
          [2, 4],
        ],
      ],
      [
        'loss, attempt 2',
        [
          [2, 4.5],
          [3, 3],
        ],
      ],
    ]);
  });

  it('shows steps that start over from the last start, and leaves out what has none', () => {
    const [line] = linesOf(
      panel,
      [
        answer(1, [
          [1, 1, 9],
          [2, 2, 8],
          [3, 1, 7],
          [4, null, 0],
          [5, 2, 6],
        ]),
      ],
      'step',
      0,
    );
    expect(line?.points).toEqual([
      [1, 7],
      [2, 6],
    ]);
  });

  it('keeps what was reported beside the smoothed line', () => {
    const lines = linesOf(panel, answers, 'time', 0.8);
    expect(lines.map(({ name, isQuiet }) => [name, isQuiet ?? false])).toEqual([
      ['loss, as reported', true],
      ['loss', false],
    ]);
  });
});
