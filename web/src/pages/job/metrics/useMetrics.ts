import { useQueries } from '@tanstack/react-query';
import { api, type Schemas } from '@/api/client';

export type Panel = Schemas['MetricPanel'];
export type Answer = Schemas['MetricsAnswer'];

export interface AttemptOf {
  number: number;
  started_at: string | null;
  ended_at: string | null;
}

const LOOK_MS = 10_000;
const POINTS = 500;

/** Series of charts, of every attempt; `default` are those that are shown first. */
export function useMetrics(jobId: string, attempts: AttemptOf[], panel: string) {
  const queries = useQueries({
    queries: attempts.map((attempt) => ({
      // Not by the path: what ended does not change, and what runs is looked at in its own time.
      queryKey: ['metrics', jobId, attempt.number, panel],
      queryFn: async () => {
        const { data } = await api.GET('/api/v1/jobs/{reference}/metrics', {
          params: {
            path: { reference: jobId },
            query: { attempt: attempt.number, panel: [panel], max_points: POINTS },
          },
        });
        if (!data) throw new Error('no answer');
        return data;
      },
      staleTime: attempt.ended_at ? Infinity : LOOK_MS / 2,
      refetchInterval: attempt.ended_at ? (false as const) : LOOK_MS,
    })),
  });
  return {
    answers: queries.flatMap((each) => (each.data ? [each.data] : [])),
    isPending: queries.some((each) => each.isPending),
    error: queries.find((each) => each.error)?.error ?? null,
    refetch: () => queries.forEach((each) => void each.refetch()),
  };
}

/** The charts of all attempts: an earlier one may have had more. */
export function panelsOf(answers: Answer[]): Panel[] {
  const found = new Map<string, Panel>();
  for (const answer of [...answers].reverse())
    for (const panel of answer.panels) {
      const known = found.get(panel.id);
      found.set(
        panel.id,
        known ? { ...known, names: [...new Set([...known.names, ...panel.names])] } : panel,
      );
    }
  return [...found.values()];
}
