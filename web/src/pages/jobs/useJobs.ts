import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query';
import { useCallback, useEffect, useMemo, useRef } from 'react';
import { $api, api, type Schemas } from '@/api/client';
import { useChanges, useLive } from '@/api/stream';
import type { JobsQuery } from './filters';

export type Job = Schemas['JobView'];
const PAGE = 200;
/** While this many rows are loaded, a change is shown at once; with more, changes are gathered for longer. */
const SETTLE_MS_PER_PAGE = 400;

/** Jobs page by page, kept up to date. All pages are asked for again at once, so that rows keep their order. */
export function useJobs(query: JobsQuery) {
  useLive('jobs');
  const list = useInfiniteQuery({
    // The path is no plain part of the key: the stream would ask for every page on every change.
    queryKey: ['jobs', { ...query }],
    queryFn: async ({ pageParam, signal }) => {
      const page = { ...query, limit: PAGE, cursor: pageParam };
      const answer = await api.GET('/api/v1/jobs', { params: { query: page }, signal });
      if (!answer.data) throw new Error('no answer');
      return answer.data;
    },
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next_cursor ?? undefined,
    placeholderData: keepPreviousData,
  });
  const facets = $api.useQuery(
    'get',
    '/api/v1/jobs',
    { params: { query: { ...query, facets: true, limit: 1 } } },
    { placeholderData: keepPreviousData },
  );
  useSettledChanges(list.refetch, list.data?.pages.length ?? 1);
  const rows = useMemo(() => unique(list.data?.pages.flatMap((page) => page.items) ?? []), [list.data]);
  const { fetchNextPage, hasNextPage, isFetchingNextPage } = list;
  const more = useCallback(() => {
    if (hasNextPage && !isFetchingNextPage) void fetchNextPage();
  }, [fetchNextPage, hasNextPage, isFetchingNextPage]);
  return { list, rows, more, facets: facets.data?.facets ?? null, refetchFacets: facets.refetch };
}

function useSettledChanges(refetch: () => unknown, pages: number) {
  const timer = useRef<number | undefined>(undefined);
  const latest = useRef({ refetch, pages });
  useEffect(() => {
    latest.current = { refetch, pages };
  });
  const note = useCallback(() => {
    timer.current ??= window.setTimeout(() => {
      timer.current = undefined;
      void latest.current.refetch();
    }, SETTLE_MS_PER_PAGE * latest.current.pages);
  }, []);
  useEffect(() => () => window.clearTimeout(timer.current), []);
  useChanges('jobs', note);
}

/** A job that moved between two pages while they were fetched is there once. */
function unique(jobs: Job[]): Job[] {
  return [...new Map(jobs.map((job) => [job.id, job])).values()];
}
